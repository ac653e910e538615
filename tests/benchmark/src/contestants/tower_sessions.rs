//! tower-sessions, as its documentation has it: a map of values under keys.

use axum::{Router, routing::get};
use tower_sessions::cookie::Key;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use super::{axum_case, call, cookie_of, following_case, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::{Item, Visitor};

async fn read(session: Session) -> &'static str {
    let cart: Vec<Item> = session.get("cart").await.unwrap().unwrap();
    assert_eq!(cart.len(), 5);
    "ok"
}

async fn write(session: Session) -> &'static str {
    let views: u64 = session.get("views").await.unwrap().unwrap();
    session.insert("views", views + 1).await.unwrap();
    "ok"
}

async fn create(session: Session) -> &'static str {
    let ada = Visitor::ada();
    session.insert("user", ada.user).await.unwrap();
    session.insert("name", ada.name).await.unwrap();
    session.insert("cart", ada.cart).await.unwrap();
    session.insert("token", ada.token).await.unwrap();
    session.insert("since", ada.since).await.unwrap();
    session.insert("views", ada.views).await.unwrap();
    "ok"
}

async fn rotate(session: Session) -> &'static str {
    session.cycle_id().await.unwrap();
    "ok"
}

async fn begin_wide(session: Session) -> &'static str {
    for place in 0..10 {
        session.insert(&format!("a{place}"), 1_u64).await.unwrap();
        session.insert(&format!("b{place}"), "text").await.unwrap();
    }
    "ok"
}

async fn wide(session: Session) -> &'static str {
    let a7: u64 = session.get("a7").await.unwrap().unwrap();
    session.insert("a7", a7 + 1).await.unwrap();
    "ok"
}

async fn begin_large(session: Session) -> &'static str {
    session.insert("text", "x".repeat(4_096)).await.unwrap();
    session.insert("views", 1_u64).await.unwrap();
    "ok"
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .route("/rotate", get(rotate))
        .route("/begin-wide", get(begin_wide))
        .route("/wide", get(wide))
        .route("/begin-large", get(begin_large))
}

async fn over(contestant: &'static str, mut app: Router) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, begin, path) in [
        (Kind::Untouched, "/create", "/untouched"),
        (Kind::Read, "/create", "/read"),
        (Kind::Write, "/create", "/write"),
        (Kind::Rotate, "/create", "/rotate"),
        (Kind::Wide, "/begin-wide", "/wide"),
        (Kind::Large, "/begin-large", "/write"),
    ] {
        let cookie = cookie_of(&call(&mut app, begin, None).await);
        let app = app.clone();
        cases.push(match kind {
            Kind::Rotate => following_case(contestant, kind, app, path, cookie),
            _ => axum_case(contestant, kind, app, path, cookie),
        });
    }
    cases.push(axum_case(contestant, Kind::Create, app, "/create", None));
    cases
}

pub async fn cases() -> Vec<Case> {
    let plain = SessionManagerLayer::new(MemoryStore::default());
    let mut cases = over("tower-sessions, memory", routes().layer(plain)).await;
    let private = SessionManagerLayer::new(MemoryStore::default()).with_private(Key::generate());
    cases.extend(over("tower-sessions, private id", routes().layer(private)).await);
    cases
}
