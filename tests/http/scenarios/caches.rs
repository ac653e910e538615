//! 10. CDN.

use axum::Router;
use http::header::{CACHE_CONTROL, VARY};
use starsessions::Session;
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::Site;

use starsessions_tests::shop::{self, Shop};

#[tokio::test]
async fn scenario_10_a_handler_without_session_answers_the_same_headers_as_without_layer() {
    let plain = || Router::new().route("/", get(|| async { ([(VARY, "Accept")], "page") }));
    let without = Client::new(&plain()).get("/").await;
    let with = Site::new().serve(plain()).get("/").await;
    assert_eq!(with.headers, without.headers);
}

#[tokio::test]
async fn scenario_10_a_reader_varies_by_cookie_and_may_be_stored() {
    let reader = Site::new().serve(shop::routes()).get("/cart").await;
    assert_eq!(reader.all("vary"), ["Cookie"]);
    assert!(reader.all("cache-control").is_empty());
}

#[tokio::test]
async fn scenario_10_a_writer_may_not_be_stored() {
    let writer = Site::new().serve(shop::routes()).post("/cart/tea").await;
    assert_eq!(writer.all("vary"), ["Cookie"]);
    assert_eq!(writer.all("cache-control"), ["private, no-store"]);
}

#[tokio::test]
async fn scenario_10_a_writer_that_says_public_is_overruled_with_a_warning() {
    let logs = Logs::capture();
    let public = post(|mut shop: Session<Shop>| async move {
        shop.views += 1;
        [(CACHE_CONTROL, "public, max-age=60")]
    });
    let mut client = Site::new().serve(Router::new().route("/", public));
    let reply = client.post("/").await;
    assert_eq!(reply.all("cache-control"), ["private, no-store"]);
    assert_eq!(logs.with(&["WARN", "public", "private, no-store"]).len(), 1);
}
