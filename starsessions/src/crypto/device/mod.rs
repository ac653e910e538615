//! Proofs and tokens that bind a session to a key of a device (W3C, Device Bound Session Credentials).
//!
//! ```text
//! identifier = base64url(0x07 ‖ key id(4) ‖ sealed(reference(37) ‖ device id(16) ‖ public key(33)))   175 characters
//! invitation = base64url(0x08 ‖ key id(4) ‖ sealed(reference(37) ‖ time u40))      the challenge of a registration
//! challenge  = base64url(0x09 ‖ key id(4) ‖ sealed(time u40))                      of a refresh, bound to the device id
//! cookie     = base64url(0x0a ‖ key id(4) ‖ time u40 ‖ HMAC-SHA256(K, row key(32) ‖ device id(16) ‖ time u40))
//! ```
//!
//! All of them are under the master key of the session's own token, so they become invalid with it. Issuing or checking
//! them stores nothing: an identifier contains the session's token and the public key, so a signature is checked before
//! the store is asked.

mod es256;
mod proof;
mod tokens;

#[cfg(test)]
pub(super) use self::es256::PublicKey;
pub(crate) use self::proof::Proof;
pub(crate) use self::tokens::{Challenge, Identifier, open_identifier, open_invitation};

#[cfg(test)]
mod tests;
