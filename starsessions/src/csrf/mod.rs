//! Requests that another site makes a browser send.

mod layer;
mod origin;
mod rejection;
mod token;

pub use self::layer::{Csrf, CsrfFuture, CsrfLayer};
pub use self::origin::InvalidOrigin;
pub use self::rejection::CsrfRejection;
pub use self::token::CsrfToken;
