//! Cookies that carry their session themselves.
//!
//! ```text
//! signed = h ‖ payload ‖ HMAC-SHA256(K_sign, PAE("starsessions/v1/signed", cookie name, audience, h, payload))
//! sealed = h ‖ nonce(24) ‖ XChaCha20-Poly1305(K_seal, nonce, payload, aad = PAE("starsessions/v1/sealed", cookie name, audience, h))
//! h      = version ‖ key id
//! ```
//!
//! Name and audience are authenticated, so a token of one cookie, application or environment is worthless in any other.
//! Checks run from cheap to expensive: length, alphabet, version, key id, tag.

use std::ops::Range;

use super::encoding;
use super::keyring::KeyRing;
use super::keyset::{Binding, sealed_aad};
use super::mac::TAG_LEN;
use super::seal::SealError;
use super::token::{HEADER_LEN, InvalidToken, Version, header};
use crate::clock::Timestamp;

/// An authenticated payload, in the buffer in which it was opened.
pub(crate) struct Opened {
    raw: Vec<u8>,
    payload: Range<usize>,
    /// If not, the token should be issued anew, so that the old key can retire.
    pub(crate) under_active_key: bool,
}

impl Opened {
    pub(crate) fn payload(&self) -> &[u8] {
        self.raw.get(self.payload.clone()).unwrap_or_default()
    }
}

/// Encrypts a payload into a cookie value.
pub(crate) fn seal_cookie(
    ring: &KeyRing,
    binding: Binding<'_>,
    payload: &[u8],
) -> Result<String, SealError> {
    let keys = ring.active();
    let header = header(Version::Sealed, keys.id);
    let aad = sealed_aad(binding, &header);
    let raw = keys.cookie_seal.seal(&aad, &header, &[payload])?;
    Ok(encoding::encode(&raw))
}

pub(crate) fn open_cookie(
    ring: &KeyRing,
    binding: Binding<'_>,
    text: &[u8],
    now: Timestamp,
) -> Result<Opened, InvalidToken> {
    let mut raw = encoding::decode(text, LONGEST_TEXT).ok_or(InvalidToken)?;
    let (keys, header, _) = ring.split(&raw, Version::Sealed, now)?;
    let aad = sealed_aad(binding, &header);
    let (_, body) = raw.split_at_mut_checked(HEADER_LEN).ok_or(InvalidToken)?;
    let Range { start, end } = keys.cookie_seal.open_in_place(&aad, body)?;
    Ok(Opened {
        raw,
        payload: HEADER_LEN + start..HEADER_LEN + end,
        under_active_key: keys.id == ring.active().id,
    })
}

/// Signs a payload into a cookie value; the holder of the cookie can read it.
pub(crate) fn sign_cookie(ring: &KeyRing, binding: Binding<'_>, payload: &[u8]) -> String {
    let keys = ring.active();
    let header = header(Version::Signed, keys.id);
    let tag = keys.cookie_sign.message(binding, &header, payload).tag();
    encoding::encode(&[&header, payload, &*tag].concat())
}

pub(crate) fn verify_cookie(
    ring: &KeyRing,
    binding: Binding<'_>,
    text: &[u8],
    now: Timestamp,
) -> Result<Opened, InvalidToken> {
    let raw = encoding::decode(text, LONGEST_TEXT).ok_or(InvalidToken)?;
    let (keys, header, body) = ring.split(&raw, Version::Signed, now)?;
    let (payload, tag) = body.split_last_chunk::<TAG_LEN>().ok_or(InvalidToken)?;
    let message = keys.cookie_sign.message(binding, &header, payload);
    message.verify(tag)?;
    let payload = HEADER_LEN..HEADER_LEN + payload.len();
    Ok(Opened {
        raw,
        payload,
        under_active_key: keys.id == ring.active().id,
    })
}

/// Browsers drop a cookie whose name and value are together longer (RFC 6265bis section 5.6).
const LONGEST_TEXT: usize = 4096;
