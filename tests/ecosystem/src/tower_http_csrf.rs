//! The `CsrfLayer` of tower-http compared with ours: both decide by the same headers, and differ if there are none.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::Request;
use starsessions::CsrfLayer;
use starsessions::testing::TestSessions;

use crate::send;

#[tokio::test]
async fn both_layers_refuse_another_site_and_differ_where_no_header_tells() {
    let sessions = TestSessions::new();
    let routes = || Router::new().route("/pay", post(async || ()));
    let ours = routes().layer(CsrfLayer::new()).layer(sessions.layer());
    let theirs = routes()
        .layer(tower_http::csrf::CsrfLayer::new())
        .layer(sessions.layer());
    for (header, value, by_ours, by_theirs) in [
        ("sec-fetch-site", "same-origin", 200, 200),
        ("sec-fetch-site", "none", 200, 200),
        ("sec-fetch-site", "cross-site", 403, 403),
        ("sec-fetch-site", "same-site", 403, 403),
        ("origin", "http://shop.example", 200, 200),
        ("origin", "http://evil.example", 403, 403),
        ("origin", "null", 403, 403),
        ("x-nothing", "", 403, 200),
    ] {
        for (app, expected) in [(&ours, by_ours), (&theirs, by_theirs)] {
            let request = Request::post("/pay")
                .header("host", "shop.example")
                .header(header, value);
            let (response, _) = send(app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(response.status(), expected, "{header}: {value}");
        }
    }
}
