//! 15. Rotation.

use std::time::Duration;

use crate::gate::Gate;
use crate::routing::post;
use crate::site::Site;
use axum::Router;
use axum::extract::{Path, State};
use http::{Method, StatusCode};
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};

use crate::shop::{self, Shop};

async fn renew_then_set(session: CurrentSession, mut shop: Session<Shop>) {
    session.rotate().unwrap();
    shop.cart.push("tea".to_owned());
}

async fn set_then_renew(mut shop: Session<Shop>) -> Result<(), SessionError> {
    shop.cart.push("tea".to_owned());
    let session = shop.current();
    drop(shop);
    session.rotate()
}

/// Each kind of ID change ends the old ID and keeps the data.
///
/// # Panics
/// If the old ID still identifies a user.
pub async fn a_new_id_ends_the_old_one<S: Store + Clone>(site: &Site<S>) {
    for way in ["/renew-then-set", "/set-then-renew", "/login/8"] {
        let routes = shop::routes()
            .route("/renew-then-set", post(renew_then_set))
            .route("/set-then-renew", post(set_then_renew));
        let mut client = site.serve(routes);
        client.post("/login/7").await;
        client.post("/cart/milk").await;
        let mut old = client.clone();

        client.post(way).await;

        assert_ne!(client.cookies(), old.cookies(), "{way}");
        assert_eq!(old.get("/me").await.body, "guest", "{way}");
        let cart = if way == "/login/8" {
            "milk"
        } else {
            "milk,tea"
        };
        assert_eq!(client.get("/cart").await.body, cart, "{way}");
    }
}

/// A planted, an empty and an invented ID are not signed in (session fixation).
///
/// # Panics
/// If such an ID is signed in.
pub async fn a_planted_id_is_not_signed_in<S: Store + Clone>(site: &Site<S>) {
    let mut attacker = site.serve(shop::routes());
    let visitor = attacker.clone();
    attacker.post("/cart/bait").await;
    let planted = attacker.cookies().expect("a session");
    for cookie in [planted.as_str(), "__Host-Http-id=", "__Host-Http-id=chosen"] {
        let victim = visitor.showing(cookie).post("/login/7").await;
        let set = victim.set_cookies();
        assert_eq!(set.len(), 1, "{cookie}");
        assert!(!set[0].starts_with(&format!("{cookie};")), "{cookie}");
        let me = visitor.showing(cookie).get("/me").await.body;
        assert_eq!(me, "guest", "{cookie}");
    }
}

const RENEWAL: Duration = Duration::from_secs(600);

/// Reads the session, then waits at the gate, so that all requests have read before any continues.
async fn add_held(State(gate): State<Gate>, mut shop: Session<Shop>, Path(item): Path<String>) {
    gate.pass().await;
    match item.as_str() {
        "tea" => shop.cart.push(item),
        "en" => shop.language = Some(item),
        _ => shop.views += 1,
    }
}

/// Three parallel requests at a renewal result in one new cookie and keep all data.
///
/// # Panics
/// If a request fails, or its change is lost.
pub async fn a_renewal_has_one_successor<S: Store + Clone>(site: &Site<S>) {
    let site = site.restarted(|layer| layer.renewal(RENEWAL));
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
    for _ in paths {
        gate.open();
    }
    let mut cookies = Vec::new();
    for request in requests {
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

#[derive(Debug, Session)]
struct Draft {
    kept: u32,
    #[session(until = rotate)]
    guest: Option<String>,
}

async fn write(mut draft: Session<Draft>) {
    draft.kept += 1;
    draft.guest = Some("bait".to_owned());
}

async fn read(draft: Session<Draft>) -> String {
    format!(
        "{} {}",
        draft.kept,
        draft.guest.as_deref().unwrap_or("none")
    )
}

/// A field with `until = rotate` ends with a change of privileges. The fields beside it stay.
///
/// # Panics
/// If the field survives a sign-in.
pub async fn old_privileges_end_with_what_belongs_to_them<S: Store + Clone>(site: &Site<S>) {
    let mut client = site.serve(shop::routes().route("/draft", post(write).get(read)));
    client.post("/draft").await;
    assert_eq!(client.get("/draft").await.body, "1 bait");
    client.post("/login/7").await;
    assert_eq!(client.get("/draft").await.body, "1 none");
    client.post("/draft").await;
    assert_eq!(client.get("/draft").await.body, "2 bait");
    client.post("/login/8").await;
    assert_eq!(client.get("/draft").await.body, "2 none");
}
