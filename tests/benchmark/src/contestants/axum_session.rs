//! axum_session, with its memory cache as the store.

use axum::{Router, routing::get};
use axum_session::{Session, SessionConfig, SessionLayer, SessionNullPool, SessionStore};

use super::{axum_case, call, cookie_of, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::{Item, Visitor};

type Null = Session<SessionNullPool>;

async fn read(session: Null) -> &'static str {
    let cart: Vec<Item> = session.get("cart").unwrap();
    assert_eq!(cart.len(), 5);
    "ok"
}

async fn write(session: Null) -> &'static str {
    let views: u64 = session.get("views").unwrap();
    session.set("views", views + 1);
    "ok"
}

async fn create(session: Null) -> &'static str {
    let ada = Visitor::ada();
    session.set("user", ada.user);
    session.set("name", ada.name);
    session.set("cart", ada.cart);
    session.set("token", ada.token);
    session.set("since", ada.since);
    session.set("views", ada.views);
    "ok"
}

pub async fn cases() -> Vec<Case> {
    const NAME: &str = "axum_session, memory";
    let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default())
        .await
        .unwrap();
    let mut app = Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .layer(SessionLayer::new(store));
    let cookie = cookie_of(&call(&mut app, "/create", None).await);
    vec![
        axum_case(
            NAME,
            Kind::Untouched,
            app.clone(),
            "/untouched",
            cookie.clone(),
        ),
        axum_case(NAME, Kind::Read, app.clone(), "/read", cookie.clone()),
        axum_case(NAME, Kind::Write, app.clone(), "/write", cookie),
        axum_case(NAME, Kind::Create, app, "/create", None),
    ]
}
