//! 17. Forgotten layer, wrong order, two layers.

use axum::Router;
use http::StatusCode;
use starsessions::config::{FailurePolicy, Transport};
use starsessions::{
    CsrfLayer, CurrentSession, FailurePolicyLayer, PassiveLayer, Session, SessionLayerBuilder,
};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::Site;

use starsessions_tests::shop;

/// Asserts that the log has one line with the route, the type and the remedy.
fn assert_is_told(logs: &Logs) {
    let errors = logs.with(&["ERROR"]);
    assert_eq!(errors.len(), 1, "{}", logs.text());
    for word in ["GET", "/cart", "Shop", ".layer(SessionLayer::new"] {
        assert!(errors[0].contains(word), "no {word:?} in {}", errors[0]);
    }
}

#[tokio::test]
async fn scenario_17_a_forgotten_layer_is_a_500_and_a_line_with_the_remedy() {
    let logs = Logs::capture();
    let reply = Client::new(&shop::routes()).get("/cart").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_is_told(&logs);
    // A development build shows the message in the browser too: the application may not have a log subscriber yet.
    assert_eq!(
        reply.body,
        "`Session<Shop>` is used on a route that no `SessionLayer` serves; add \
         `.layer(SessionLayer::new(..))` after (outside of) it, and make sure that only one version of \
         starsessions is in use\n"
    );
}

#[derive(Session)]
#[session(realm = "admin")]
struct Operator {
    name: Option<String>,
}

#[tokio::test]
async fn scenario_17_a_forgotten_realm_is_a_line_that_names_it() {
    let routes = || {
        Router::new()
            .route(
                "/struct",
                get(async |operator: Session<Operator>| drop(operator)),
            )
            .route("/whole", get(async |session: CurrentSession| drop(session)))
            .route(
                "/tokens",
                post(async || ()).layer(CsrfLayer::new().realm("admin")),
            )
    };
    let admin = "of the realm `admin` serves; add `.layer(SessionLayer::builder(..).realm(\"admin\").build()?)`, \
                 with a cookie name of its own, after (outside of) it\n";
    let site = Site::new();
    let reply = site.serve(routes()).get("/struct").await;
    assert_eq!(
        reply.body,
        format!("`Session<Operator>` is used on a route that no `SessionLayer` {admin}")
    );
    let reply = site.serve(routes()).post("/tokens").await;
    assert_eq!(
        reply.body,
        format!("`CsrfLayer` is used on a route that no `SessionLayer` {admin}")
    );

    let site = Site::with(|layer| layer.realm("admin"));
    let reply = site.serve(routes()).get("/whole").await;
    assert_eq!(
        reply.body,
        "`CurrentSession` is used on a route that no `SessionLayer` of the main realm serves; add \
         `.layer(SessionLayer::new(..))` after (outside of) it\n"
    );
}

#[tokio::test]
async fn scenario_17_a_layer_put_before_the_route_is_a_500_and_a_line_with_the_remedy() {
    let logs = Logs::capture();
    let late = Router::new()
        .route("/early", get(|| async {}))
        .layer(Site::new().sessions.layer())
        .merge(shop::routes());
    let reply = Client::new(&late).get("/cart").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_is_told(&logs);
}

#[tokio::test]
async fn scenario_17_two_layers_of_one_realm_are_one_session_and_a_line_with_the_remedy() {
    let logs = Logs::capture();
    let (inner, outer) = (Site::new(), Site::new());
    let mut client = outer.serve(shop::routes().layer(inner.sessions.layer()));
    let reply = client.post("/cart/tea").await;
    assert_eq!(reply.set_cookies().len(), 1);

    assert_eq!(client.get("/cart").await.body, "tea");
    let errors = logs.with(&["ERROR"]);
    assert_eq!(errors.len(), 1, "{}", logs.text());
    for word in ["/cart/tea", "remove one"] {
        assert!(errors[0].contains(word), "no {word:?} in {}", errors[0]);
    }
    assert_eq!(
        (inner.rows(), outer.rows()),
        (0, 1),
        "the outer layer is used"
    );
}

#[tokio::test]
async fn scenario_17_two_realms_with_one_cookie_are_a_line_with_the_remedy() {
    fn development(layer: SessionLayerBuilder) -> SessionLayerBuilder {
        layer.local_development()
    }
    let routes = || {
        let operator = get(async |_: Session<Operator>| ());
        shop::routes().route("/operator", operator)
    };
    let main = Site::with(development);
    let logs = Logs::capture();
    let admin = Site::with(|layer| development(layer).realm("admin"));
    let mut client = main.serve(routes().layer(admin.sessions.layer()));
    for _ in 0..2 {
        client.get("/operator").await;
    }
    let errors = logs.with(&["ERROR"]);
    assert_eq!(errors.len(), 1, "{}", logs.text());
    for word in ["starsessions-dev", "admin", ".cookie(|cookie| cookie.name("] {
        assert!(errors[0].contains(word), "no {word:?} in {}", errors[0]);
    }

    let named = Site::with(|layer| {
        let layer = development(layer).realm("admin");
        layer.cookie(|cookie| cookie.name("admin"))
    });
    let by_token = Site::with(|layer| {
        let layer = development(layer).realm("admin");
        layer.transport(Transport::bearer())
    });
    for (outer, inner) in [(&main, &named), (&main, &by_token), (&by_token, &main)] {
        let logs = Logs::capture();
        let mut client = outer.serve(routes().layer(inner.sessions.layer()));
        client.get("/operator").await;
        assert!(logs.with(&["ERROR"]).is_empty(), "{}", logs.text());
    }
}

/// If the wrong order were not reported, polling would keep an abandoned tab signed in.
#[tokio::test]
async fn scenario_17_a_layer_of_routes_outside_of_the_sessions_is_a_line_with_the_remedy() {
    let site = Site::new();
    let inner = || shop::routes().layer(site.sessions.layer());
    let policy = FailurePolicyLayer::new(FailurePolicy::ReadOnlyGuest);
    for (name, app) in [
        ("PassiveLayer", inner().layer(PassiveLayer)),
        ("FailurePolicyLayer", inner().layer(policy)),
    ] {
        let logs = Logs::capture();
        for _ in 0..2 {
            let reply = Client::new(&app).get("/cart").await;
            assert_eq!(reply.status, StatusCode::OK);
        }
        for level in ["ERROR", "DEBUG"] {
            let lines = logs.with(&[level, "/cart", name, "inside"]);
            assert_eq!(lines.len(), 1, "{level} {name}: {}", logs.text());
        }
    }
}
