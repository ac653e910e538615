//! 3, 13, 15, 23. Requirements on every store, for sessions in cookies that can be ended.

use starsessions::MemoryStore;
use starsessions_tests::scenarios;
use starsessions_tests::site::{Kept, Site};

#[tokio::test]
async fn scenario_03_two_tabs_one_logout() {
    scenarios::a_logout_beside_a_change(&site()).await;
    scenarios::a_logout_beside_a_reader(&site()).await;
    scenarios::a_logout_beside_a_rotation(&site()).await;
}

#[tokio::test]
async fn scenario_13_key_rotation() {
    scenarios::a_new_key_takes_over(&site()).await;
}

#[tokio::test]
async fn scenario_15_rotation() {
    scenarios::a_new_id_ends_the_old_one(&site()).await;
    scenarios::a_planted_id_is_not_signed_in(&site()).await;
}

#[tokio::test]
async fn scenario_23_no_secret_leaks() {
    scenarios::no_secret_leaks(&site(), &MemoryStore::new()).await;
}

fn site() -> Site {
    Site::kept(Kept::InCookies)
}
