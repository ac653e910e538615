//! Layers for single routes, inside the `SessionLayer`: each sets one thing of the request's session.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::lifecycle::FailurePolicy;
use crate::observe::Reporter;
use crate::request::Slot;

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

/// Sets what the routes inside it do when the store fails, whatever the `SessionLayer` says: a page that
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

/// The service that [`PassiveLayer`] and [`FailurePolicyLayer`] make.
#[derive(Clone, Copy, Debug)]
pub struct RouteService<S> {
    inner: S,
    setting: Setting,
}

#[derive(Clone, Copy, Debug)]
enum Setting {
    Passive,
    FailurePolicy(FailurePolicy),
}

impl<S> Layer<S> for PassiveLayer {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        let setting = Setting::Passive;
        RouteService { inner, setting }
    }
}

impl<S> Layer<S> for FailurePolicyLayer {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        let setting = Setting::FailurePolicy(self.policy);
        RouteService { inner, setting }
    }
}

impl<S, B> Service<Request<B>> for RouteService<S>
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
        match (self.setting, request.extensions().get::<Arc<Slot>>()) {
            (Setting::Passive, Some(slot)) => slot.set_passive(),
            (Setting::FailurePolicy(policy), Some(slot)) => slot.set_failure_policy(policy),
            (setting, None) => {
                let layer = match setting {
                    Setting::Passive => "PassiveLayer",
                    Setting::FailurePolicy(_) => "FailurePolicyLayer",
                };
                Reporter::no_sessions(layer, request.method(), request.uri().path());
            }
        }
        self.inner.call(request)
    }
}
