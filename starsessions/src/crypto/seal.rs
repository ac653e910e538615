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

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::derive::{NonceKey, SealKey};
use super::random::RandomError;
use super::token::InvalidToken;

/// What sealing adds to the payload's length.
pub(super) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

pub(super) const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

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

/// The payload, if it was sealed under this key for this `aad`.
pub(super) fn open(
    key: &SealKey,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, InvalidToken> {
    let (nonce, rest) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(InvalidToken)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(InvalidToken)?;
    let mut payload = Zeroizing::new(ciphertext.to_vec());
    cipher(key)
        .decrypt_inout_detached(nonce.into(), aad, payload.as_mut_slice().into(), tag.into())
        .map_err(|_| InvalidToken)?;
    Ok(payload)
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
    let tag = cipher(key)
        .encrypt_inout_detached(nonce.into(), aad, text.into())
        .map_err(|_| SealError::TooLarge)?;
    out.extend_from_slice(&tag);
    Ok(())
}

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.as_bytes().into())
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
