//! G1: a handler that takes no session causes no store access and leaves the response as it is.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::StatusCode;
use starsessions_tests::client::Client;
use starsessions_tests::routing::get;
use starsessions_tests::site::Site;
use starsessions_tests::spy::Calls;

use starsessions_tests::shop;

/// Responses of every kind that have nothing to do with a session.
fn routes() -> Router {
    let teapot = (
        StatusCode::IM_A_TEAPOT,
        [(VARY, "Accept")],
        "short and stout",
    );
    let stored = [
        (CACHE_CONTROL, "public, max-age=60"),
        (SET_COOKIE, "theme=dark"),
    ];
    Router::new()
        .route("/page", get(|| async { "page" }))
        .route("/teapot", get(move || async move { teapot }))
        .route("/stored", get(move || async move { (stored, "stored") }))
        .route(
            "/broken",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
}

const PATHS: [&str; 5] = ["/page", "/teapot", "/stored", "/broken", "/unknown"];

#[tokio::test]
async fn g01_the_response_is_identical_to_one_without_the_layer() {
    let site = Site::new();
    let mut user = site.serve(routes().merge(shop::routes()));
    user.post("/login/7").await;
    let stranger = user.showing("__Host-Http-id=garbage; __Host-Http-id=more");
    for path in PATHS {
        let without = Client::new(&routes()).get(path).await;
        for client in [&user, &stranger] {
            let with = client.clone().get(path).await;
            assert_eq!(with.status, without.status, "{path}");
            assert_eq!(with.headers, without.headers, "{path}");
            assert_eq!(with.body, without.body, "{path}");
        }
    }
}

#[tokio::test]
async fn g01_the_store_is_not_asked_even_for_a_visitor_with_a_session() {
    let site = Site::new();
    let mut user = site.serve(routes().merge(shop::routes()));
    user.post("/login/7").await;
    let _ = site.store.take_calls();
    // Even when a touch and a renewal of the session are due.
    site.wait_seconds(1_800);
    for path in PATHS {
        user.get(path).await;
    }
    assert_eq!(site.store.take_calls(), Calls::NONE);
}
