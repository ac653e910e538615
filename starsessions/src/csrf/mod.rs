//! Requests that another site makes a browser send.

#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "axum")]
mod origin;
mod rejection;
mod token;

#[cfg(feature = "axum")]
pub use self::layer::{CsrfFuture, CsrfLayer, CsrfService};
#[cfg(feature = "axum")]
pub use self::origin::InvalidOrigin;
pub use self::rejection::CsrfRejection;
pub use self::token::CsrfToken;
