//! What a session costs a request, over bare axum: `cargo bench -p starsessions-tests`.
//!
//! In one process, no socket, current-thread runtime, release build. The cases take turns in short
//! rounds, so that a slow moment of the machine hits all of them, and the median of the rounds is
//! shown. Times are for comparing within one run; nothing is asserted.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::alloc::System;
use std::time::Instant;

use axum::body::Body;
use axum::{Router, routing::get};
use http::{Request, header::COOKIE};
use serde::{Deserialize, Serialize};
use starsessions::testing::cookie_header;
use starsessions::{CookieStore, KeyRing, MemoryStore, Session, SessionLayer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// About 300 bytes as JSON: what the comparison in the field is made with.
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

async fn begin(mut visitor: Session<Visitor>) -> &'static str {
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

struct Case {
    name: &'static str,
    app: Router,
    path: &'static str,
    cookie: Option<http::HeaderValue>,
    rounds: Vec<f64>,
    allocations: usize,
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/begin", get(begin))
}

async fn call(
    app: &mut Router,
    path: &str,
    cookie: Option<&http::HeaderValue>,
) -> http::Response<Body> {
    let mut request = Request::builder().uri(path);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let request = request.body(Body::empty()).expect("a valid request");
    // A router is always ready.
    app.call(request).await.expect("infallible")
}

async fn cases() -> Vec<Case> {
    let keys = || KeyRing::generate().expect("randomness");
    let layers = [
        ("memory", SessionLayer::new(MemoryStore::new(), keys())),
        (
            "cookie, sealed",
            SessionLayer::new(CookieStore::sealed(), keys()),
        ),
        (
            "cookie, signed",
            SessionLayer::new(CookieStore::signed(), keys()),
        ),
    ];
    let case = |name, app: Router, path, cookie| Case {
        name,
        app,
        path,
        cookie,
        rounds: Vec::new(),
        allocations: 0,
    };
    let bare = Router::new().route("/untouched", get(untouched));
    // The same request everywhere: a cookie costs its header even where nobody reads it.
    let cookie = Some(http::HeaderValue::from_static(
        "__Host-Http-id=BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ));
    let mut cases = vec![case("bare axum", bare, "/untouched", cookie)];
    for (store, layer) in layers {
        let mut app = routes().layer(layer);
        let response = call(&mut app, "/begin", None).await;
        let cookie = cookie_header(&response);
        for (path, cookie) in [
            ("/untouched", cookie.clone()),
            ("/read", cookie.clone()),
            ("/write", cookie),
            ("/begin", None),
        ] {
            cases.push(case(store, app.clone(), path, cookie));
        }
    }
    cases
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn round(case: &mut Case, requests: u32) {
    let start = Instant::now();
    for _ in 0..requests {
        std::hint::black_box(call(&mut case.app, case.path, case.cookie.as_ref()).await);
    }
    let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(requests);
    case.rounds.push(nanoseconds);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test` runs benches as well: one short round shows that they still work.
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, requests) = if is_measuring { (60, 2_000) } else { (1, 10) };
    let mut cases = cases().await;
    for case in &mut cases {
        round(case, requests).await;
        case.rounds.clear();
        let region = Region::new(ALLOCATOR);
        drop(call(&mut case.app, case.path, case.cookie.as_ref()).await);
        case.allocations = region.change().allocations;
    }
    for _ in 0..rounds {
        for case in &mut cases {
            round(case, requests).await;
        }
    }
    let (bare_time, bare_allocations) = (median(&mut cases[0].rounds), cases[0].allocations);
    println!(
        "bare axum: {bare_time:.0} ns, {bare_allocations} allocations; below: what comes on top"
    );
    for case in &mut cases[1..] {
        let over = median(&mut case.rounds) - bare_time;
        let allocations = case.allocations - bare_allocations;
        println!(
            "{:<16} {:<12} {over:>7.0} ns  {allocations:>3} allocations",
            case.name, case.path
        );
    }
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
