//! The tower side: a layer that gives each request its session and finishes it with the response.

mod builder;
mod caches;
mod config_error;
#[cfg(feature = "dbsc")]
mod device_endpoints;
#[cfg(not(feature = "dbsc"))]
#[path = "no_device_endpoints.rs"]
mod device_endpoints;
mod failure_policy;
mod future;
mod headers;
mod layer;
mod pages;
mod passive;

use std::sync::Arc;

use http::Request;

pub use self::builder::SessionLayerBuilder;
pub use self::config_error::ConfigError;
pub use self::failure_policy::{FailurePolicyLayer, FailurePolicyService};
pub use self::future::ResponseFuture;
#[cfg(feature = "axum")]
pub(crate) use self::future::{Failed, Rejected};
pub use self::layer::{SessionLayer, SessionService};
pub use self::pages::Rejection;
pub use self::passive::{PassiveLayer, PassiveService};
use crate::observe::Reporter;
use crate::request::Slot;

/// The slot of the session that a layer around some routes is about. Without one the layer has no
/// effect, which is logged as an error.
fn slot_around<'r, B>(request: &'r Request<B>, layer: &'static str) -> Option<&'r Arc<Slot>> {
    let slot = request.extensions().get::<Arc<Slot>>();
    if slot.is_none() {
        Reporter::no_sessions(layer, request.method(), request.uri().path());
    }
    slot
}
