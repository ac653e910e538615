//! A server for `wrk`, with the same handler with and without sessions. The server prints the cookies of its visitors
//! and then its address, and stops when its input ends.

use std::io::Read as _;

use axum::{Router, routing::get};
use http::HeaderValue;
use starsessions::{
    KeyRing, MemoryStore, PostgresStore, RedisStore, Session, SessionLayer, SqliteStore,
};

use crate::contestants::{call, cookie_of};

#[derive(Session)]
struct Visit {
    name: String,
    views: u64,
}

async fn bare() -> &'static str {
    "ok"
}

async fn read(visit: Session<Visit>) -> &'static str {
    if visit.name.is_empty() {
        "nobody"
    } else {
        "ok"
    }
}

async fn write(mut visit: Session<Visit>) -> &'static str {
    visit.views += 1;
    "ok"
}

async fn begin(mut visit: Session<Visit>) -> &'static str {
    "Ada".clone_into(&mut visit.name);
    "ok"
}

/// Serves sessions that are kept in `place`.
pub async fn serve(place: &str) {
    let routes = Router::new()
        .route("/bare", get(bare))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/begin", get(begin));
    let keys = KeyRing::generate().expect("randomness");
    let layer = match place.split_once('=').unwrap_or((place, "")) {
        ("memory", _) => Some(SessionLayer::new(MemoryStore::new(), keys)),
        ("sqlite", path) => {
            let store = SqliteStore::open(path).expect("a file");
            Some(SessionLayer::new(store, keys))
        }
        ("redis", url) => {
            let client = redis::Client::open(url).expect("a URL");
            let store = RedisStore::connect(client).await.expect("Redis is there");
            Some(SessionLayer::new(store, keys))
        }
        ("postgres", url) => {
            let pool = sqlx::PgPool::connect(url)
                .await
                .expect("PostgreSQL is there");
            let store = PostgresStore::new(pool);
            store.migrate().await.expect("a schema");
            Some(SessionLayer::new(store, keys))
        }
        _ => None,
    };
    let mut app = match layer {
        Some(layer) => routes.layer(layer),
        None => Router::new().route("/bare", get(bare)),
    };
    // Without sessions, a cookie of the same length as ours.
    let nobody = HeaderValue::from_static(
        "__Host-Http-id=BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    for _ in 0..VISITORS {
        let cookie = cookie_of(&call(&mut app, "/begin", None).await);
        let cookie = cookie.as_ref().unwrap_or(&nobody);
        println!("{}", cookie.to_str().expect("text"));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    println!("http://{address}");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    axum::serve(listener, app).await.expect("the server runs");
}

/// Enough visitors that two parallel requests rarely use the same session.
const VISITORS: usize = 64;
