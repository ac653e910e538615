//! Keys and tokens: bytes in, bytes out. Knows no HTTP, no sessions and no stores.
//!
//! What is held against whom:
//!
//! - Who sends requests cannot make or change a token: 256 random bits, or a MAC over everything
//!   that gives the token meaning.
//! - Who reads the store gets neither a cookie nor data: the row key is a one-way, peppered image
//!   of the cookie's secret, and values are sealed under a key that only the cookie leads to.
//! - Who writes to the store cannot move a value to another row, field or application. Putting an
//!   older value back in its own place is possible and needs protection outside.
//! - Who holds the keys alone can read nothing, because each value also needs its cookie.
//!
//! One version byte names the whole suite and the key id selects exactly one key: nothing is
//! negotiated, nothing is tried twice, and no decoder takes over when another one fails.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod aead;
mod base64;
mod derive;
mod forgery;
mod handle;
mod id;
mod key;
mod label;
mod random;
mod record;
mod reference;
mod ring;
mod seal;
mod sign;
mod stateless;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use forgery::{mint_forgery_token, verify_forgery_token};
pub use handle::{InvalidHandle, SessionHandle};
pub(crate) use id::LogId;
pub use id::{IndexKey, RowKey};
pub use key::{Key, KeyError};
pub(crate) use label::open_label;
pub use random::RandomError;
pub(crate) use record::{FieldPlace, RecordKey};
pub(crate) use reference::ReferenceToken;
pub use ring::{KeyRing, KeyRingError};
pub(crate) use seal::SealError;
pub(crate) use stateless::{
    Binding, open_cookie, seal_cookie, sealed_len, sign_cookie, signed_len, verify_cookie,
};

/// Whether a cookie's value looks like one of ours, under whichever key: for those who look for a
/// mistake. It proves nothing.
pub(crate) fn is_well_formed(text: &[u8]) -> bool {
    token::is_well_formed(text)
}

/// Random bytes for an id of one's own.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    random::fill(&mut bytes)?;
    Ok(bytes)
}
