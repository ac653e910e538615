//! G3: a commit carries the fields that differ and nothing else.

use axum::Router;
use axum::routing::post;
use starsessions::Session;
use starsessions::store::Commit;
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::site::Site;
use starsessions_tests::spy::Calls;

use starsessions_tests::shop::Shop;

/// Has a handler do this to a session in which every field is full; returns what was committed.
async fn committed(change: fn(&mut Session<Shop>)) -> (Vec<Commit>, Calls, Reply) {
    let site = Site::new();
    let fill = post(async |mut shop: Session<Shop>| {
        shop.cart = vec!["milk".to_owned()];
        shop.views = 3;
        shop.language = Some("en".to_owned());
        shop.notice = Some("hello".to_owned());
        // Enough entries that two copies are not in the same order by accident.
        shop.ratings = (0..50)
            .map(|stars| (format!("article {stars}"), stars))
            .collect();
    });
    let act = post(async move |mut shop: Session<Shop>| change(&mut shop));
    let mut client: Client = site.serve(Router::new().route("/fill", fill).route("/act", act));
    client.post("/fill").await;
    let _ = (site.store.take_calls(), site.store.take_commits());
    let reply = client.post("/act").await;
    (site.store.take_commits(), site.store.take_calls(), reply)
}

/// The names that a single commit sets, and those that it removes.
fn names(commits: &[Commit]) -> (Vec<&str>, Vec<&str>) {
    assert_eq!(commits.len(), 1);
    let set = commits[0].set.iter().map(|(name, _)| &**name);
    let remove = commits[0].remove.iter().map(|name| &**name);
    (set.collect(), remove.collect())
}

#[tokio::test]
async fn g03_only_the_changed_field_is_in_the_commit() {
    let (commits, ..) = committed(|shop| shop.cart.push("tea".to_owned())).await;
    assert_eq!(names(&commits), (vec!["shop.cart"], vec![]));
}

#[tokio::test]
async fn g03_a_map_beside_a_changed_field_is_not_in_the_commit() {
    let (commits, ..) = committed(|shop| shop.views += 1).await;
    assert_eq!(names(&commits), (vec!["shop.views"], vec![]));
}

#[tokio::test]
async fn g03_an_option_that_is_taken_is_removed() {
    let (commits, ..) = committed(|shop| drop(shop.notice.take())).await;
    assert_eq!(names(&commits), (vec![], vec!["shop.notice"]));
}

#[tokio::test]
async fn g03_a_mutable_borrow_without_a_change_writes_nothing_and_sets_no_cookie() {
    let (commits, calls, reply) = committed(|shop| {
        // Each of these goes through `DerefMut`.
        let shop: &mut Shop = shop;
        shop.cart.retain(|_| true);
        shop.ratings.remove("nothing");
        shop.language = Some("en".to_owned());
    })
    .await;
    assert!(commits.is_empty(), "{commits:?}");
    assert_eq!(
        calls,
        Calls {
            loads: 1,
            ..Calls::NONE
        }
    );
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn g03_a_change_sets_no_cookie() {
    let (_, calls, reply) = committed(|shop| shop.views += 1).await;
    assert_eq!(
        calls,
        Calls {
            loads: 1,
            commits: 1,
            ..Calls::NONE
        }
    );
    assert!(
        !reply.sets_cookie(),
        "the browser knows its id: {:?}",
        reply.set_cookies()
    );
}
