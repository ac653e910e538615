//! XChaCha20-Poly1305, the nonce made inside.
//!
//! ```text
//! sealed = nonce(24) ‖ ciphertext ‖ tag(16)
//! nonce  = HMAC(nonce key, random(32) ‖ PAE(aad, payload))[..24]
//! ```
//!
//! 192 bits let random nonces be drawn for ever. Hedging them with the message means that even a
//! random generator that repeats itself repeats a nonce for an identical message only.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::aead::{self, NONCE_LEN, TAG_LEN};
use super::derive::{NonceKey, SealKey};
use super::random::RandomError;
use super::token::InvalidToken;

/// What sealing adds to the payload's length.
pub(super) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Far below what the cipher allows (256 GiB); sessions are bounded long before by their limits.
pub(super) const LONGEST_PAYLOAD: usize = 16 << 20;

/// Appends the sealed `payload` to `out`.
pub(super) fn seal(
    key: &SealKey,
    nonces: &NonceKey,
    aad: &[u8],
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    if payload.len() > LONGEST_PAYLOAD {
        return Err(SealError::TooLarge);
    }
    let nonce = nonces.nonce(aad, payload)?;
    seal_with_nonce(key, &nonce, aad, payload, out)
}

/// Opens in place what was sealed under this key for this `aad`: returns where the payload stands.
pub(super) fn open(
    key: &SealKey,
    aad: &[u8],
    sealed: &mut [u8],
) -> Result<Range<usize>, InvalidToken> {
    let end = sealed.len().checked_sub(TAG_LEN).ok_or(InvalidToken)?;
    let (nonce, rest) = sealed
        .split_first_chunk_mut::<NONCE_LEN>()
        .ok_or(InvalidToken)?;
    let (text, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(InvalidToken)?;
    aead::decrypt(key.as_bytes(), nonce, aad, text, tag).map_err(|_| InvalidToken)?;
    Ok(NONCE_LEN..end)
}

/// The payload of what was sealed under this key for this `aad`; nothing but the payload is copied.
pub(super) fn open_copy(key: &SealKey, aad: &[u8], sealed: &[u8]) -> Result<Bytes, InvalidToken> {
    let (nonce, rest) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(InvalidToken)?;
    let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(InvalidToken)?;
    let mut payload = text.to_vec();
    aead::decrypt(key.as_bytes(), nonce, aad, &mut payload, tag).map_err(|_| InvalidToken)?;
    Ok(payload.into())
}

/// Separate from [`seal`] for the published vectors, which prescribe the nonce.
pub(super) fn seal_with_nonce(
    key: &SealKey,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    // One reservation: a buffer that grew would leave the plaintext behind in freed memory.
    out.reserve_exact(OVERHEAD + payload.len());
    out.extend_from_slice(nonce);
    let start = out.len();
    out.extend_from_slice(payload);
    let (_, text) = out.split_at_mut_checked(start).ok_or(SealError::TooLarge)?;
    let tag = aead::encrypt(key.as_bytes(), nonce, aad, text).map_err(|_| SealError::TooLarge)?;
    out.extend_from_slice(&tag);
    Ok(())
}

/// Why a payload was not sealed. Nothing was written.
#[derive(Debug)]
pub(crate) enum SealError {
    /// No random bytes for the nonce.
    Random(RandomError),
    /// The payload is longer than its place allows.
    TooLarge,
}

impl From<RandomError> for SealError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(_) => f.write_str("the session could not be sealed"),
            Self::TooLarge => {
                f.write_str("the session is too large to be sealed; store less in it")
            }
        }
    }
}

impl Error for SealError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Random(error) => Some(error),
            Self::TooLarge => None,
        }
    }
}
