//! tower-sessions, used as in its documentation: a map of values under keys.

use axum::Router;
use tower_sessions::cookie::Key;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_sessions_cookie_store::CookieSessionManagerLayer;
use tower_sessions_redis_store::{RedisStore, fred};

use super::{axum_case, call, cookie_of};
use crate::measure::{Case, Kind};

/// Generates the same handlers for each version.
macro_rules! handlers {
    ($session:ty) => {
        use axum::{Router, routing::get};

        use crate::contestants::untouched;
        use crate::visitor::{Item, Visitor};

        type Session = $session;

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

        pub fn routes() -> Router {
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
    };
}

mod newest {
    handlers!(tower_sessions::Session);
}

/// The version that the stores for Redis and cookies require.
mod former {
    handlers!(tower_sessions_14::Session);
}

const KINDS: [Kind; 7] = [
    Kind::Untouched,
    Kind::Read,
    Kind::Write,
    Kind::Create,
    Kind::Rotate,
    Kind::Wide,
    Kind::Large,
];

async fn over(contestant: &'static str, mut app: Router, kinds: &[Kind]) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in kinds {
        let (begin, path) = match kind {
            Kind::Untouched => ("/create", "/untouched"),
            Kind::Read => ("/create", "/read"),
            Kind::Create => ("/create", "/create"),
            Kind::Rotate => ("/create", "/rotate"),
            Kind::Wide => ("/begin-wide", "/wide"),
            Kind::Large => ("/begin-large", "/write"),
            _ => ("/create", "/write"),
        };
        let cookie = cookie_of(&call(&mut app, begin, None).await);
        let cookie = cookie.filter(|_| *kind != Kind::Create);
        cases.push(axum_case(contestant, *kind, app.clone(), path, cookie));
    }
    cases
}

pub async fn cases() -> Vec<Case> {
    let plain = SessionManagerLayer::new(MemoryStore::default());
    let app = newest::routes().layer(plain);
    let mut cases = over("tower-sessions, memory", app, &KINDS).await;
    let private = SessionManagerLayer::new(MemoryStore::default()).with_private(Key::generate());
    let app = newest::routes().layer(private);
    cases.extend(over("tower-sessions, private id", app, &KINDS).await);
    let key = tower_sessions_cookie_store::Key::generate();
    let app = former::routes().layer(CookieSessionManagerLayer::private(key));
    // All but the last kind, because a cookie cannot hold four kilobytes.
    cases.extend(over("tower-sessions, cookie private", app, &KINDS[..6]).await);
    cases
}

pub async fn redis(url: &str) -> Vec<Case> {
    use fred::prelude::{ClientLike as _, Config, Pool};
    let config = Config::from_url(url).expect("a URL");
    let pool = Pool::new(config, None, None, None, 6).expect("settings");
    pool.connect();
    pool.wait_for_connect().await.expect("Redis is there");
    let layer = tower_sessions_14::SessionManagerLayer::new(RedisStore::new(pool));
    let app = former::routes().layer(layer);
    over("tower-sessions, Redis", app, &KINDS[..5]).await
}
