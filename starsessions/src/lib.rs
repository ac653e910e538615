//! Typed web sessions for axum and tower.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate self as starsessions;

mod clock;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the middleware parses")
)]
mod cookie;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the engine opens and seals")
)]
mod crypto;
mod data;
mod schema;
mod value;

pub use clock::{Clock, SystemClock, Timestamp};
pub use cookie::{CookieBuilder, CookieConfig, CookieConfigError, CookieError, SameSite};
pub use crypto::{Key, KeyError, KeyRing, KeyRingError, RandomError, RowKey};
pub use data::SessionData;
pub use starsessions_derive::Session;
pub use value::OldValue;

/// What the derive macro's output uses; not a public interface.
#[doc(hidden)]
pub mod __private {
    pub use core;
    pub use std;

    pub use crate::data::{Absent, FieldReader, FieldWriter, SessionData};
    pub use crate::schema::{FieldSpec, Merge, Schema};
    pub use crate::value::{Format, Invalid, MergeFn, OldValue, Stored, ValueError};
}
