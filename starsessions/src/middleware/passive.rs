//! Requests that do not keep a session alive.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::slot_around;

/// Marks the routes inside it as passive: their requests use the session, but do not count as the
/// user's activity. For polling, which would otherwise keep an abandoned tab signed in.
///
/// It goes *inside* the `SessionLayer`:
///
/// ```
/// # use axum::{Router, routing::get};
/// # use starsessions::{KeyRing, MemoryStore, PassiveLayer, SessionLayer};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # async fn unread() {}
/// let app: Router = Router::new()
///     .route("/unread", get(unread).layer(PassiveLayer))
///     .layer(SessionLayer::new(MemoryStore::new(), KeyRing::generate()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PassiveLayer;

impl<S> Layer<S> for PassiveLayer {
    type Service = PassiveService<S>;

    fn layer(&self, inner: S) -> PassiveService<S> {
        PassiveService { inner }
    }
}

/// The service that [`PassiveLayer`] makes.
#[derive(Clone, Copy, Debug)]
pub struct PassiveService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for PassiveService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(slot) = slot_around(&request, "PassiveLayer") {
            slot.set_passive();
        }
        self.inner.call(request)
    }
}
