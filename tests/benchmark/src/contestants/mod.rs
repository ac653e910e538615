//! The libraries and baselines that are measured.

pub mod actix;
pub mod axum_session;
pub mod floor;
pub mod honest;
pub mod layers;
pub mod ours;
pub mod stores;
pub mod tower_sessions;

use std::cell::RefCell;
use std::rc::Rc;

use axum::body::Body;
use axum::{Router, routing::get};
use http::{HeaderValue, Request, header};
use tower::Service;

use crate::measure::{Case, Kind};

/// axum without sessions, with a cookie in each request.
pub const AXUM: &str = "bare axum";

pub fn bare() -> Vec<Case> {
    // As long as our cookie, because parsing the header costs time even if no handler reads the cookie.
    let cookie = HeaderValue::from_static(
        "__Host-Http-id=BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    let app = Router::new().route("/untouched", get(untouched));
    vec![axum_case(
        AXUM,
        Kind::Untouched,
        app,
        "/untouched",
        Some(cookie),
    )]
}

pub async fn untouched() -> &'static str {
    "ok"
}

/// A case of an axum application. Like a browser, the client sends the cookie of the last response. Without an initial
/// cookie, each request is the first of a new client.
pub fn axum_case(
    contestant: &'static str,
    kind: Kind,
    app: Router,
    path: &'static str,
    cookie: Option<HeaderValue>,
) -> Case {
    // As `axum::serve` does. Otherwise, the router applies each layer again for each request.
    let app = app.with_state(());
    let jar = Rc::new(RefCell::new(cookie));
    Case::new(contestant, AXUM, kind, move |requests| {
        let (mut app, jar) = (app.clone(), Rc::clone(&jar));
        async move {
            for _ in 0..requests {
                let cookie = jar.borrow().clone();
                let response = call(&mut app, path, cookie.as_ref()).await;
                assert!(response.status().is_success());
                if cookie.is_some() && response.headers().contains_key(header::SET_COOKIE) {
                    jar.replace(cookie_of(&response));
                }
                std::hint::black_box(response);
            }
        }
    })
}

pub async fn call(
    app: &mut Router,
    path: &str,
    cookie: Option<&HeaderValue>,
) -> http::Response<Body> {
    let mut request = Request::builder().uri(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request.body(Body::empty()).expect("a valid request");
    // A router is always ready.
    app.call(request).await.expect("infallible")
}

/// The `Cookie` header that a browser would send after this response.
pub fn cookie_of<B>(response: &http::Response<B>) -> Option<HeaderValue> {
    let mut line = Vec::new();
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        let pair = cookie.as_bytes().split(|octet| *octet == b';').next();
        line.extend_from_slice(pair?);
    }
    (!line.is_empty()).then(|| HeaderValue::try_from(line).expect("a valid cookie"))
}
