//! The tower side: a layer that gives each request its session and finishes it with the response.

mod builder;
mod caches;
mod config_error;
#[cfg(feature = "dbsc")]
mod device_endpoints;
mod future;
mod headers;
mod layer;
mod pages;
mod routes;

pub use self::builder::SessionLayerBuilder;
pub use self::config_error::ConfigError;
pub use self::future::ResponseFuture;
#[cfg(feature = "axum")]
pub(crate) use self::future::{Failed, Rejected};
pub use self::layer::{SessionLayer, SessionService};
pub use self::pages::Rejection;
pub use self::routes::{FailurePolicyLayer, PassiveLayer, RouteService};
