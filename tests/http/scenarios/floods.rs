//! 7. Bots and floods.

use starsessions::{CurrentSession, MemoryStore, Session, SessionError};
use starsessions_tests::routing::get;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Spy};

use starsessions_tests::shop::{self, Shop};

async fn page(shop: Session<Shop>, session: CurrentSession) -> Result<String, SessionError> {
    let (info, token) = (session.info().await?, session.csrf_token().await?);
    Ok(format!("{} {info:?}{token}", shop.cart.len()))
}

#[tokio::test]
async fn scenario_07_ten_thousand_bots_leave_no_row_and_get_no_cookie() {
    let site = Site::new();
    let mut bot = site.serve(shop::routes().route("/page", get(page)));
    for _ in 0..10_000 {
        let reply = bot.get("/page").await;
        assert_eq!(reply.body, "0 None");
        assert!(!reply.sets_cookie());
    }
    assert_eq!(site.store.take_calls(), Calls::NONE);
}

#[tokio::test]
async fn scenario_07_a_flood_of_anonymous_writers_stays_under_the_limit_and_logs_nobody_out() {
    const LIMIT: usize = 500;
    let store = Spy::new(MemoryStore::builder().anonymous_limit(LIMIT).build());
    let site = Site::over(store, Kept::OnServer, |layer| layer);
    let visitor = site.serve(shop::routes());
    let mut user = visitor.clone();
    user.post("/login/7").await;

    for _ in 0..10 * LIMIT {
        visitor.clone().post("/cart/spam").await;
    }

    assert!(site.rows() <= LIMIT + 1, "{} rows", site.rows());
    assert_eq!(user.get("/me").await.body, "7");
}

/// Endless logouts of visitors fill the list of ended sessions; users must still be able to log out.
#[tokio::test]
async fn scenario_07_a_flood_of_anonymous_logouts_keeps_no_user_from_logging_out() {
    const LIMIT: usize = 20;
    let list = MemoryStore::builder()
        .anonymous_limit(LIMIT)
        .identified_limit(LIMIT)
        .build();
    let site = Site::over(Spy::new(list), Kept::InCookies, |layer| layer);
    let visitor = site.serve(shop::with_logout());
    let mut user = visitor.clone();
    user.post("/login/7").await;
    let mut stolen = user.clone();
    for _ in 0..10 * LIMIT {
        let mut bot = visitor.clone();
        bot.post("/cart/spam").await;
        bot.post("/logout").await;
    }
    assert_eq!(user.post("/logout").await.location(), Some("/"));
    for _ in 0..10 * LIMIT {
        let mut bot = visitor.clone();
        bot.post("/cart/spam").await;
        bot.post("/logout").await;
    }
    assert_eq!(stolen.get("/me").await.body, "guest");
    assert!(site.rows() <= 2 * LIMIT, "{} rows", site.rows());
}
