//! The cost of a layer that does nothing.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::{Router, routing::get};
use http::{HeaderValue, Request};
use tower::{Layer, Service};

use super::{axum_case, untouched};
use crate::measure::{Case, Kind};

pub fn cases() -> Vec<Case> {
    let app = || Router::new().route("/untouched", get(untouched));
    let cookie = || {
        Some(HeaderValue::from_static(
            "__Host-Http-id=BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ))
    };
    vec![
        axum_case(
            "a layer that passes on",
            Kind::Untouched,
            app().layer(PassOn),
            "/untouched",
            cookie(),
        ),
        axum_case(
            "a layer that clones and boxes",
            Kind::Untouched,
            app().layer(CloneAndBox),
            "/untouched",
            cookie(),
        ),
    ]
}

#[derive(Clone)]
struct PassOn;
#[derive(Clone)]
struct PassesOn<S>(S);

impl<S> Layer<S> for PassOn {
    type Service = PassesOn<S>;
    fn layer(&self, inner: S) -> PassesOn<S> {
        PassesOn(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for PassesOn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.0.call(request)
    }
}

#[derive(Clone)]
struct CloneAndBox;
#[derive(Clone)]
struct ClonesAndBoxes<S>(S);

impl<S> Layer<S> for CloneAndBox {
    type Service = ClonesAndBoxes<S>;
    fn layer(&self, inner: S) -> ClonesAndBoxes<S> {
        ClonesAndBoxes(inner)
    }
}

impl<S, B> Service<Request<B>> for ClonesAndBoxes<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.0.clone();
        let mut inner = std::mem::replace(&mut self.0, clone);
        Box::pin(async move { inner.call(request).await })
    }
}
