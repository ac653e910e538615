//! Layers of tower-http in the order that `docs::ecosystem` recommends.

use std::future::pending;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use starsessions::Session;
use starsessions::testing::{TestSessions, cookie_header};
use tower::ServiceBuilder;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::{get as visit, send};

#[derive(Session)]
struct Shop {
    views: u32,
}

fn routes() -> Router {
    let half = post(async |mut shop: Session<Shop>| {
        shop.views += 10;
        pending::<()>().await;
    });
    let view = post(async |mut shop: Session<Shop>| shop.views += 1);
    let show = get(async |shop: Session<Shop>| shop.views.to_string());
    Router::new()
        .route("/", view.merge(show))
        .route("/half", half)
}

#[tokio::test(start_paused = true)]
async fn layers_with_bodies_of_their_own_go_outside_and_a_time_out_on_either_side() {
    let patience =
        || TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5));
    let sessions = TestSessions::new();
    let inside = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(RequestBodyLimitLayer::new(1_000))
        .layer(sessions.layer())
        .layer(patience());
    let outside = ServiceBuilder::new()
        .layer(patience())
        .layer(sessions.layer());
    let each = routes()
        .layer(patience())
        .layer(TraceLayer::new_for_http())
        .layer(sessions.layer());
    for app in [routes().layer(inside), routes().layer(outside), each] {
        let begin = http::Request::post("/").body(axum::body::Body::empty());
        let (begun, _) = send(&app, begin.unwrap()).await;
        let cookie = cookie_header(&begun).expect("a session");
        let half = http::Request::post("/half").header("cookie", &cookie);
        let (late, _) = send(&app, half.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(late.status(), StatusCode::REQUEST_TIMEOUT);
        let (_, views) = visit(&app, "/", cookie.to_str().unwrap()).await;
        assert_eq!(views, "1");
    }
}
