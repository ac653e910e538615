//! The frame of every token.
//!
//! ```text
//! raw  = version(1) ‖ key id(4) ‖ body
//! text = base64url(raw), without padding
//! ```
//!
//! The version names the whole suite: the kind of the body, its protection and its binding. There is no algorithm field
//! to forge: the code that opens a token states the version that it must have.

use super::encoding;
use super::id::shown_in_hex;
use crate::sentence::sentences;

/// The first byte of a token. 0x03 is reserved for an encryption that commits to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Version {
    /// A readable payload and its HMAC-SHA256.
    Signed = 0x01,
    /// A payload under XChaCha20-Poly1305.
    Sealed = 0x02,
    /// The secret of a session that a server keeps.
    Reference = 0x04,
    /// A masked request-forgery token.
    Csrf = 0x05,
    /// What a browser remembers of a redirect to another site and back.
    Flow = 0x06,
    /// The name of the binding of a session to a device.
    #[cfg(feature = "dbsc")]
    Identifier = 0x07,
    /// A challenge to register a key.
    #[cfg(feature = "dbsc")]
    Invitation = 0x08,
    /// A challenge to prove the possession of a key.
    #[cfg(feature = "dbsc")]
    Challenge = 0x09,
    /// The short cookie of a bound session.
    #[cfg(feature = "dbsc")]
    DeviceCookie = 0x0a,
}

/// Identifies the key of a ring that made a token. It is not a secret: every cookie contains it in the clear.
///
/// As text it has eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; Self::LEN]);

impl KeyId {
    pub(super) const LEN: usize = 4;
}

shown_in_hex!(KeyId);

/// The kind of a cookie's value, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieKind {
    /// A session in a store: the cookie leads to it.
    Stored,
    /// A session in its cookie, encrypted.
    Sealed,
    /// A session in its cookie, readable by its holder.
    Signed,
    /// An attempt to sign in at another site.
    Flow,
    /// The short cookie of a session that is bound to a device.
    Device,
}

impl CookieKind {
    /// The kind of a cookie's value, and the key that made it; `None` if the value is not this library's.
    ///
    /// Nothing is verified: a client can write such a value itself.
    ///
    /// ```
    /// use starsessions::keys::CookieKind;
    ///
    /// assert!(CookieKind::of("6f1c8b0e-2d5a-4f0e-9a51-d7a4b8f0c1e2").is_none());
    /// ```
    #[must_use]
    pub fn of(value: &str) -> Option<(Self, KeyId)> {
        let raw = encoding::decode(value.as_bytes(), value.len())?;
        let ([version, key_id @ ..], _) = raw.split_first_chunk::<HEADER_LEN>()?;
        let kind = match *version {
            SIGNED => Self::Signed,
            SEALED => Self::Sealed,
            REFERENCE if raw.len() == HEADER_LEN + SECRET_LEN => Self::Stored,
            FLOW => Self::Flow,
            DEVICE_COOKIE => Self::Device,
            _ => return None,
        };
        Some((kind, KeyId(*key_id)))
    }
}

const SIGNED: u8 = Version::Signed as u8;
const SEALED: u8 = Version::Sealed as u8;
const REFERENCE: u8 = Version::Reference as u8;
const FLOW: u8 = Version::Flow as u8;
/// Known without the feature `dbsc`, too, so that a cookie of another deployment is recognised.
const DEVICE_COOKIE: u8 = 0x0a;

/// Version and key id, as they are in the token and in the authenticated data.
pub(super) type Header = [u8; HEADER_LEN];

pub(super) const HEADER_LEN: usize = 1 + KeyId::LEN;

/// The length of a reference's secret (ASVS 7.2.3: at least 128 bits; these are 256).
pub(super) const SECRET_LEN: usize = 32;

pub(super) fn header(version: Version, KeyId([a, b, c, d]): KeyId) -> Header {
    [version as u8, a, b, c, d]
}

/// The parts of a decoded token of the expected version; the body is not authenticated yet.
pub(super) fn split(raw: &[u8], expected: Version) -> Result<(KeyId, Header, &[u8]), InvalidToken> {
    let (header, body) = raw.split_first_chunk::<HEADER_LEN>().ok_or(InvalidToken)?;
    let [version, key_id @ ..] = *header;
    if version != expected as u8 {
        return Err(InvalidToken);
    }
    Ok((KeyId(key_id), *header, body))
}

/// The text is not one of our tokens, or no longer one.
///
/// Deliberately without a reason, which would help a forger as much as a developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidToken;

sentences! { InvalidToken: Self => "the token is not valid"; }
