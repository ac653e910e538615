//! starsessions, used as in its README.

use axum::{Router, routing::get};
use starsessions::store::Backend;
use starsessions::{CookieStore, CurrentSession, KeyRing, MemoryStore, Session, SessionLayer};

use super::{axum_case, call, cookie_of, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::{Item, Visitor as Plain};

#[derive(Session)]
struct Visitor {
    user: u64,
    name: String,
    cart: Vec<Item>,
    token: String,
    since: u64,
    views: u64,
}

#[derive(Session)]
struct Preferences {
    language: String,
    dark: bool,
}

#[derive(Session)]
struct Wide {
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    a6: u64,
    a7: u64,
    a8: u64,
    a9: u64,
    b0: String,
    b1: String,
    b2: String,
    b3: String,
    b4: String,
    b5: String,
    b6: String,
    b7: String,
    b8: String,
    b9: String,
}

#[derive(Session)]
struct Large {
    text: String,
    views: u64,
}

#[derive(Session)]
struct Expiring {
    #[session(expires = "10m")]
    coupon: Option<String>,
    #[session(idle = "15m")]
    views: u64,
}

async fn read(visitor: Session<Visitor>) -> &'static str {
    assert_eq!(visitor.cart.len(), 5);
    "ok"
}

async fn write(mut visitor: Session<Visitor>) -> &'static str {
    visitor.views += 1;
    "ok"
}

async fn create(mut visitor: Session<Visitor>) -> &'static str {
    let ada = Plain::ada();
    visitor.user = ada.user;
    visitor.name = ada.name;
    visitor.cart = ada.cart;
    visitor.token = ada.token;
    visitor.since = ada.since;
    visitor.views = ada.views;
    "ok"
}

async fn rotate(session: CurrentSession) -> &'static str {
    session.rotate().expect("the response is still here");
    "ok"
}

async fn views(visitor: Session<Visitor>, mut preferences: Session<Preferences>) -> &'static str {
    preferences.dark = !preferences.dark;
    assert_eq!(visitor.cart.len(), 5);
    "ok"
}

async fn begin_wide(mut wide: Session<Wide>) -> &'static str {
    wide.a0 = 1;
    wide.b9 = "nine".to_owned();
    "ok"
}

async fn wide(mut wide: Session<Wide>) -> &'static str {
    wide.a7 += 1;
    "ok"
}

async fn begin_large(mut large: Session<Large>) -> &'static str {
    large.text = "x".repeat(4_096);
    "ok"
}

async fn large(mut large: Session<Large>) -> &'static str {
    large.views += 1;
    "ok"
}

async fn begin_expiring(mut expiring: Session<Expiring>) -> &'static str {
    expiring.coupon = Some("STAR10".to_owned());
    "ok"
}

async fn expiring(mut expiring: Session<Expiring>) -> &'static str {
    assert!(expiring.coupon.is_some());
    expiring.views += 1;
    "ok"
}

pub fn routes() -> Router {
    Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .route("/rotate", get(rotate))
        .route("/views", get(views))
        .route("/begin-wide", get(begin_wide))
        .route("/wide", get(wide))
        .route("/begin-large", get(begin_large))
        .route("/large", get(large))
        .route("/begin-expiring", get(begin_expiring))
        .route("/expiring", get(expiring))
}

/// The cases of a store.
pub async fn over(contestant: &'static str, store: impl Backend, kinds: &[Kind]) -> Vec<Case> {
    let keys = KeyRing::generate().expect("randomness");
    let mut app = routes().layer(SessionLayer::new(store, keys));
    let mut cases = Vec::new();
    for kind in kinds {
        let (begin, path) = match kind {
            Kind::Untouched => ("/create", "/untouched"),
            Kind::Read => ("/create", "/read"),
            Kind::Write => ("/create", "/write"),
            Kind::Create => ("/create", "/create"),
            Kind::Rotate => ("/create", "/rotate"),
            Kind::Views => ("/create", "/views"),
            Kind::Wide => ("/begin-wide", "/wide"),
            Kind::Large => ("/begin-large", "/large"),
            Kind::Expiry => ("/begin-expiring", "/expiring"),
            Kind::Parallel => unreachable!("the stores' own case"),
        };
        let cookie = cookie_of(&call(&mut app, begin, None).await);
        let cookie = cookie.filter(|_| *kind != Kind::Create);
        cases.push(axum_case(contestant, *kind, app.clone(), path, cookie));
    }
    cases
}

pub async fn cases() -> Vec<Case> {
    let in_cookies = [
        Kind::Untouched,
        Kind::Read,
        Kind::Write,
        Kind::Create,
        Kind::Views,
        Kind::Wide,
        Kind::Expiry,
    ];
    let in_memory = &Kind::ALL[..9];
    let mut cases = over("starsessions, memory", MemoryStore::new(), in_memory).await;
    cases.extend(
        over(
            "starsessions, cookie sealed",
            CookieStore::sealed(),
            &in_cookies,
        )
        .await,
    );
    cases.extend(
        over(
            "starsessions, cookie signed",
            CookieStore::signed(),
            &in_cookies,
        )
        .await,
    );
    cases
}
