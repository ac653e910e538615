//! axum_session: in memory, and over Redis with and without its memory in front.

use std::fmt::Debug;

use axum::{Router, routing::get};
use axum_session::{
    DatabasePool, Session, SessionConfig, SessionLayer, SessionNullPool, SessionStore,
};
use axum_session_redispool::SessionRedisPool;
use time::Duration;

use super::{axum_case, call, cookie_of, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::{Item, Visitor};

trait Pool: DatabasePool + Clone + Debug + Send + Sync + 'static {}
impl<T: DatabasePool + Clone + Debug + Send + Sync + 'static> Pool for T {}

async fn read<P: Pool>(session: Session<P>) -> &'static str {
    let cart: Vec<Item> = session.get("cart").unwrap();
    assert_eq!(cart.len(), 5);
    "ok"
}

async fn write<P: Pool>(session: Session<P>) -> &'static str {
    let views: u64 = session.get("views").unwrap();
    session.set("views", views + 1);
    "ok"
}

async fn create<P: Pool>(session: Session<P>) -> &'static str {
    let ada = Visitor::ada();
    session.set("user", ada.user);
    session.set("name", ada.name);
    session.set("cart", ada.cart);
    session.set("token", ada.token);
    session.set("since", ada.since);
    session.set("views", ada.views);
    "ok"
}

async fn over<P: Pool>(
    contestant: &'static str,
    pool: Option<P>,
    config: SessionConfig,
) -> Vec<Case> {
    let store = SessionStore::<P>::new(pool, config).await.unwrap();
    let mut app = Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read::<P>))
        .route("/write", get(write::<P>))
        .route("/create", get(create::<P>))
        .layer(SessionLayer::new(store));
    let cookie = cookie_of(&call(&mut app, "/create", None).await);
    [
        (Kind::Untouched, "/untouched", cookie.clone()),
        (Kind::Read, "/read", cookie.clone()),
        (Kind::Write, "/write", cookie),
        (Kind::Create, "/create", None),
    ]
    .map(|(kind, path, cookie)| axum_case(contestant, kind, app.clone(), path, cookie))
    .into()
}

pub async fn cases() -> Vec<Case> {
    over::<SessionNullPool>("axum_session, memory", None, SessionConfig::default()).await
}

pub async fn redis(url: &str) -> Vec<Case> {
    let pool = || {
        let client = redis::Client::open(url).expect("a URL");
        Some(SessionRedisPool::from(redis_pool::RedisPool::from(client)))
    };
    // By default, a process does not see writes of another process.
    let shared = SessionConfig::default().with_memory_lifetime(Duration::ZERO);
    let mut cases = over("axum_session, Redis", pool(), shared).await;
    let default = SessionConfig::default();
    cases.extend(over("axum_session, Redis and memory", pool(), default).await);
    cases
}
