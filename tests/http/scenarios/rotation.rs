//! 15. Rotation.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use http::{Method, StatusCode};
use starsessions::{Session, SessionError, Sessions, Unrevocable};
use starsessions_tests::gate::Gate;
use starsessions_tests::site::{Kept, Site};

use crate::shop::{self, Shop};

async fn renew_then_set(sessions: Sessions<Unrevocable>, mut shop: Session<Shop>) {
    sessions.rotate().unwrap();
    shop.cart.push("tea".to_owned());
}

async fn set_then_renew(mut shop: Session<Shop>) -> Result<(), SessionError> {
    shop.cart.push("tea".to_owned());
    let sessions = shop.sessions();
    drop(shop);
    sessions.rotate()
}

#[tokio::test]
async fn scenario_15_each_way_to_a_new_id_ends_the_old_one_and_keeps_the_data() {
    let ways = ["/renew-then-set", "/set-then-renew", "/login/8"];
    for kept in Kept::REVOCABLY {
        for way in ways {
            let routes = shop::routes()
                .route("/renew-then-set", post(renew_then_set))
                .route("/set-then-renew", post(set_then_renew));
            let mut client = Site::kept(kept).serve(routes);
            client.post("/login/7").await;
            client.post("/cart/milk").await;
            let mut old = client.clone();

            client.post(way).await;

            assert_ne!(client.cookies(), old.cookies(), "{kept:?} {way}");
            assert_eq!(old.get("/me").await.body, "guest", "{kept:?} {way}");
            let cart = if way == "/login/8" {
                "milk"
            } else {
                "milk,tea"
            };
            assert_eq!(client.get("/cart").await.body, cart, "{kept:?} {way}");
        }
    }
}

#[tokio::test]
async fn scenario_15_a_planted_or_empty_id_is_not_the_one_that_is_signed_in() {
    for kept in Kept::REVOCABLY {
        let mut attacker = Site::kept(kept).serve(shop::routes());
        let visitor = attacker.clone();
        attacker.post("/cart/bait").await;
        let planted = attacker.cookies().unwrap();
        for cookie in [planted.as_str(), "__Host-Http-id=", "__Host-Http-id=chosen"] {
            let victim = visitor.showing(cookie).post("/login/7").await;
            assert!(victim.sets_cookie(), "{kept:?} {cookie}");
            assert!(
                !victim.set_cookies()[0].starts_with(&format!("{cookie};")),
                "{kept:?}"
            );
            assert_eq!(
                visitor.showing(cookie).get("/me").await.body,
                "guest",
                "{kept:?} {cookie}"
            );
        }
    }
}

const RENEWAL: Duration = Duration::from_secs(600);

/// Each of these requests has read the session before any of them goes on.
async fn add_held(State(gate): State<Gate>, mut shop: Session<Shop>, Path(item): Path<String>) {
    gate.pass().await;
    match item.as_str() {
        "tea" => shop.cart.push(item),
        "en" => shop.language = Some(item),
        _ => shop.views += 1,
    }
}

#[tokio::test]
async fn scenario_15_three_requests_at_a_renewal_end_with_one_new_cookie_and_all_data() {
    let site = Site::with(|layer| layer.renewal(RENEWAL));
    let gate = Gate::new();
    let held = Router::new().route("/held/{item}", post(add_held));
    let mut client = site.serve(shop::routes().merge(held.with_state(gate.clone())));
    client.post("/login/7").await;
    site.wait(RENEWAL);

    let paths = ["/held/tea", "/held/en", "/held/view"];
    let requests = paths.map(|path| tokio::spawn(client.ask(Method::POST, path)));
    for _ in paths {
        gate.reached().await;
    }
    let mut cookies = Vec::new();
    for request in requests {
        gate.open();
        let reply = request.await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        cookies.push(reply.set_cookies().join("\n"));
        client.keep(&reply);
    }

    assert!(!cookies[0].is_empty());
    assert!(
        cookies.iter().all(|cookie| *cookie == cookies[0]),
        "{cookies:?}"
    );
    let seen = (
        client.get("/cart").await.body,
        client.get("/language").await.body,
    );
    assert_eq!(seen, ("tea".to_owned(), "en".to_owned()));
    assert_eq!(client.get("/views").await.body, "1");
    assert_eq!(client.get("/me").await.body, "7");
}
