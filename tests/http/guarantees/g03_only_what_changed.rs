//! G3: a commit carries the fields that differ and nothing else.

use axum::Router;
use starsessions::Session;
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::post;
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Calls, Difference, Write};

use starsessions_tests::shop::Shop;

/// Runs a handler that applies `change` to a session with every field set; returns the writes.
async fn written(change: fn(&mut Session<Shop>)) -> (Vec<Write>, Calls, Reply) {
    let site = Site::new();
    let fill = post(async |mut shop: Session<Shop>| {
        shop.cart = vec!["milk".to_owned()];
        shop.views = 3;
        shop.language = Some("en".to_owned());
        shop.notice = Some("hello".to_owned());
        // Enough entries that two copies of the map do not have the same order by chance.
        shop.ratings = (0..50)
            .map(|stars| (format!("article {stars}"), stars))
            .collect();
    });
    let act = post(async move |mut shop: Session<Shop>| change(&mut shop));
    let mut client: Client = site.serve(Router::new().route("/fill", fill).route("/act", act));
    client.post("/fill").await;
    let _ = (site.store.take_calls(), site.store.take_writes());
    let reply = client.post("/act").await;
    (site.store.take_writes(), site.store.take_calls(), reply)
}

/// The names of the fields that a single write sets, and of those that it removes.
fn names(writes: &[Write]) -> (Vec<String>, Vec<String>) {
    let [write @ Write::Replace { .. }] = writes else {
        panic!("one write: {writes:?}");
    };
    let Difference { set, removed } = write.difference();
    (set, removed)
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn g03_only_the_changed_field_is_another_one() {
    let (writes, ..) = written(|shop| shop.cart.push("tea".to_owned())).await;
    assert_eq!(names(&writes), (named(&["shop.cart"]), vec![]));
}

#[tokio::test]
async fn g03_a_map_beside_a_changed_field_stays_as_it_is_stored() {
    let (writes, ..) = written(|shop| shop.views += 1).await;
    assert_eq!(names(&writes), (named(&["shop.views"]), vec![]));
}

#[tokio::test]
async fn g03_an_option_that_is_taken_is_removed() {
    let (writes, ..) = written(|shop| drop(shop.notice.take())).await;
    assert_eq!(names(&writes), (vec![], named(&["shop.notice"])));
}

#[tokio::test]
async fn g03_a_mutable_borrow_without_a_change_writes_nothing_and_sets_no_cookie() {
    let (writes, calls, reply) = written(|shop| {
        // Each of these goes through `DerefMut`.
        let shop: &mut Shop = shop;
        shop.cart.retain(|_| true);
        shop.ratings.remove("nothing");
        shop.language = Some("en".to_owned());
    })
    .await;
    assert!(writes.is_empty(), "{writes:?}");
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
    let (_, calls, reply) = written(|shop| shop.views += 1).await;
    assert_eq!(
        calls,
        Calls {
            loads: 1,
            replaces: 1,
            ..Calls::NONE
        }
    );
    assert!(
        !reply.sets_cookie(),
        "the browser knows its id: {:?}",
        reply.set_cookies()
    );
}
