//! Sends requests whose instructions are counted: `starsessions-instructions PLACE PATH COUNT`. See
//! `tests/instructions.sh`.

#[cfg(feature = "dbsc")]
mod bound;

use axum::body::Body;
use axum::{Router, routing::get};
use http::{HeaderValue, Request, header::COOKIE};
use serde::{Deserialize, Serialize};
use starsessions::store::Backend;
use starsessions::testing::cookie_header;
use starsessions::{CookieStore, CurrentSession, KeyRing, MemoryStore, Session, SessionLayer};
use tower::Service;

/// About 300 bytes as JSON.
#[derive(Session)]
struct Visitor {
    user: u64,
    name: String,
    cart: Vec<Item>,
    token: String,
    views: u64,
}

#[derive(Serialize, Deserialize)]
struct Item {
    sku: u64,
    quantity: u32,
    price: u32,
}

async fn untouched() -> &'static str {
    "ok"
}

async fn read(visitor: Session<Visitor>) -> &'static str {
    if visitor.cart.len() == 5 { "ok" } else { "new" }
}

async fn write(mut visitor: Session<Visitor>) -> &'static str {
    visitor.views += 1;
    "ok"
}

async fn create(mut visitor: Session<Visitor>) -> &'static str {
    visitor.user = 42;
    "Ada Lovelace".clone_into(&mut visitor.name);
    "0123456789abcdef0123456789abcdef".clone_into(&mut visitor.token);
    visitor.cart.extend((0..5).map(|sku| Item {
        sku: 1_000 + sku,
        quantity: 1,
        price: 1_999,
    }));
    "ok"
}

async fn rotate(session: CurrentSession) -> &'static str {
    let rotated = session.rotate();
    if rotated.is_ok() { "ok" } else { "late" }
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .route("/rotate", get(rotate))
}

fn behind(store: impl Backend) -> Router {
    routes().layer(SessionLayer::new(
        store,
        KeyRing::generate().expect("randomness"),
    ))
}

async fn call(app: &mut Router, path: &str, cookie: Option<&HeaderValue>) -> http::Response<Body> {
    let mut request = Request::builder().uri(path);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let request = request.body(Body::empty()).expect("a valid request");
    // A router is always ready.
    app.call(request).await.expect("infallible")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Without arguments, sends a few requests of each kind.
    let all = ["bare", "memory", "sealed", "signed"].map(str::to_owned);
    let (places, paths, count) = match &arguments[..] {
        [place, path, count] if !place.starts_with('-') => {
            let count = count.parse().expect("a number of requests");
            (vec![place.clone()], vec![path.clone()], count)
        }
        _ => {
            let paths = ["untouched", "read", "write", "create", "rotate"];
            (all.to_vec(), paths.map(str::to_owned).to_vec(), 3_u32)
        }
    };
    for place in &places {
        let mut app = match place.as_str() {
            "memory" => behind(MemoryStore::new()),
            "sealed" => behind(CookieStore::sealed()),
            "signed" => behind(CookieStore::signed()),
            #[cfg(feature = "dbsc")]
            "bound" => bound::app(),
            _ => Router::new().route("/untouched", get(untouched)),
        };
        // As `axum::serve` does. Otherwise, the router applies each layer again for each request.
        app = app.with_state(());
        let created = call(&mut app, "/create", None).await;
        let begun = cookie_header(&created);
        #[cfg(feature = "dbsc")]
        let begun = match place.as_str() {
            "bound" => Some(bound::register(&mut app, &created).await),
            _ => begun,
        };
        for path in &paths {
            let path = format!("/{path}");
            let mut cookie = begun.clone().filter(|_| path != "/create");
            for _ in 0..count {
                let response = call(&mut app, &path, cookie.as_ref()).await;
                if path == "/rotate" {
                    cookie = cookie_header(&response).or(cookie);
                }
                std::hint::black_box(response);
            }
        }
    }
}
