//! A failure policy for single routes.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::slot_around;
use crate::lifecycle::FailurePolicy;

/// What the routes inside it do when the store fails, whatever the `SessionLayer` says: a page that
/// needs no user may go on for guests, while all others answer 503; or the other way round.
///
/// It goes *inside* the `SessionLayer`; of several, the innermost counts.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use starsessions::config::FailurePolicy;
/// # use starsessions::{FailurePolicyLayer, KeyRing, MemoryStore, SessionLayer};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # async fn front_page() {}
/// # async fn account() {}
/// let app: Router = Router::new()
///     .route("/", get(front_page).layer(FailurePolicyLayer::new(FailurePolicy::ReadOnlyGuest)))
///     .route("/account", get(account))
///     .layer(SessionLayer::new(MemoryStore::new(), KeyRing::generate()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a layer does nothing until it is put around a route"]
pub struct FailurePolicyLayer {
    policy: FailurePolicy,
}

impl FailurePolicyLayer {
    /// A layer with this policy.
    pub const fn new(policy: FailurePolicy) -> Self {
        Self { policy }
    }
}

impl<S> Layer<S> for FailurePolicyLayer {
    type Service = FailurePolicyService<S>;

    fn layer(&self, inner: S) -> FailurePolicyService<S> {
        FailurePolicyService {
            inner,
            policy: self.policy,
        }
    }
}

/// The service that [`FailurePolicyLayer`] makes.
#[derive(Clone, Copy, Debug)]
pub struct FailurePolicyService<S> {
    inner: S,
    policy: FailurePolicy,
}

impl<S, B> Service<Request<B>> for FailurePolicyService<S>
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
        if let Some(slot) = slot_around(&request, "FailurePolicyLayer") {
            slot.set_failure_policy(self.policy);
        }
        self.inner.call(request)
    }
}
