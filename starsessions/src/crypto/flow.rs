//! The cookies that remember a redirect to another site and back, one for each attempt.
//!
//! ```text
//! state  = base64url(random(32))                                                        43 characters
//! name   = session cookie's name ‖ "-flow-" ‖ base64url(HMAC-SHA256("starsessions/v1/flow-name", PAE(kind, state))[..16])
//! cookie = base64url(h ‖ nonce(24) ‖ XChaCha20-Poly1305(K_flow, nonce, LE64(end) ‖ payload, aad =
//!              PAE("starsessions/v1/flow", name, h)))
//! h      = version ‖ key id
//! ```
//!
//! The state travels through the other site, and the cookie's name is derived from the state: looking the cookie up
//! compares the state. `kind` is the type that began the flow, so no other type finds the cookie.

use zeroize::Zeroizing;

use super::encoding;
use super::keyring::KeyRing;
use super::keyset::{flow_aad, flow_name_of};
use super::random::{self, RandomError};
use super::seal::SealError;
use super::token::{InvalidToken, Version, header};
use crate::clock::Timestamp;

/// A state that cannot be guessed.
pub(crate) fn mint_flow_state() -> Result<String, RandomError> {
    let bytes = Zeroizing::new(random::random_bytes::<32>()?);
    Ok(std::mem::take(&mut *encoding::encode_secret(&*bytes)))
}

/// The last part of the name of this flow's cookie.
pub(crate) fn flow_name(kind: &str, state: &str) -> String {
    encoding::encode(&flow_name_of(kind, state.as_bytes()))
}

/// Whether the text can be the last part of such a name.
pub(crate) fn is_flow_name(text: &str) -> bool {
    encoding::decode_secret(text.as_bytes(), &mut [0; NAME_LEN]).is_some()
}

/// The value of the cookie with this name.
pub(crate) fn seal_flow(
    ring: &KeyRing,
    cookie_name: &str,
    end: Timestamp,
    payload: &[u8],
) -> Result<String, SealError> {
    let keys = ring.active();
    let header = header(Version::Flow, keys.id);
    let end = end.as_unix_seconds().to_le_bytes();
    let aad = flow_aad(cookie_name, &header);
    let raw = keys.flow.seal(&aad, &header, &[&end, payload])?;
    Ok(encoding::encode(&raw))
}

/// The content of the cookie with this name, and its end, which may be in the past.
pub(crate) fn open_flow(
    ring: &KeyRing,
    cookie_name: &str,
    text: &[u8],
    now: Timestamp,
) -> Result<(Timestamp, Vec<u8>), InvalidToken> {
    let raw = encoding::decode(text, LONGEST_TEXT).ok_or(InvalidToken)?;
    let (keys, header, sealed) = ring.split(&raw, Version::Flow, now)?;
    let payload = keys.flow.open(&flow_aad(cookie_name, &header), sealed)?;
    let (end, payload) = payload.split_first_chunk().ok_or(InvalidToken)?;
    let end = Timestamp::from_unix_seconds(u64::from_le_bytes(*end));
    Ok((end, payload.to_vec()))
}

/// Browsers drop a longer cookie (RFC 6265bis section 5.6).
const LONGEST_TEXT: usize = 4096;

/// The length of the hash in a name. A collision takes about 2^64 states.
const NAME_LEN: usize = 16;
