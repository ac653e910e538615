//! The tower side: a layer that gives each request its session and finishes it with the response.

mod builder;
mod failure;
mod future;
mod headers;
mod layer;
mod passive;

pub use self::builder::{ConfigError, SessionLayerBuilder};
pub use self::failure::{FailurePolicyLayer, WithFailurePolicy};
pub use self::future::ResponseFuture;
#[cfg(feature = "axum")]
pub(crate) use self::future::{Failed, Rejected};
pub use self::layer::{SessionLayer, SessionService};
pub use self::passive::{Passive, PassiveLayer};
