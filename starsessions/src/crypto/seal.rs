//! Encrypts and authenticates payloads in place.
//!
//! ```text
//! sealed = nonce(24) ‖ XChaCha20-Poly1305(key, nonce, payload, aad) ‖ tag(16)
//! ```
//!
//! Each payload gets a new nonce from the operating system: with 192 bits, nonces can be random without a limit on
//! their number.

use std::ops::Range;

use zeroize::Zeroizing;

use super::random::{self, RandomError};
use super::token::InvalidToken;
use super::xchacha::{self, KEY_LEN};
pub(super) use super::xchacha::{NONCE_LEN, TAG_LEN};
use crate::sentence::sentences;

pub(super) struct SealKey(Box<Zeroizing<[u8; KEY_LEN]>>);

impl SealKey {
    /// The key with these bytes. They are copied into their final place, because a move leaves a copy.
    pub(super) fn new(bytes: &[u8; KEY_LEN]) -> Self {
        let mut key = Box::new(Zeroizing::new([0; KEY_LEN]));
        key.copy_from_slice(bytes);
        Self(key)
    }

    /// Seals the payload in `room`: 24 bytes for the nonce, the payload, 16 bytes for the tag.
    pub(super) fn seal_in_place(&self, aad: &[u8], room: &mut [u8]) -> Result<(), SealError> {
        let (nonce, rest) = room
            .split_first_chunk_mut::<NONCE_LEN>()
            .ok_or(SealError::TooLarge)?;
        let (payload, tag) = rest
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(SealError::TooLarge)?;
        if payload.len() > LONGEST_PAYLOAD {
            return Err(SealError::TooLarge);
        }
        random::fill(nonce)?;
        *tag = self.encrypt(nonce, aad, payload)?;
        Ok(())
    }

    /// Opens bytes that were sealed for this `aad`; returns the range of the payload.
    ///
    /// After an error the bytes are of no use.
    pub(super) fn open_in_place(
        &self,
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<Range<usize>, InvalidToken> {
        let (nonce, text) = sealed
            .split_first_chunk_mut::<NONCE_LEN>()
            .ok_or(InvalidToken)?;
        xchacha::decrypt(&self.0, nonce, aad, text).map_err(|_| InvalidToken)?;
        let end = sealed.len().checked_sub(TAG_LEN).ok_or(InvalidToken)?;
        Ok(NONCE_LEN..end)
    }

    /// `head` in the clear, followed by the sealed payload.
    pub(super) fn seal(
        &self,
        aad: &[u8],
        head: &[u8],
        payload: &[&[u8]],
    ) -> Result<Vec<u8>, SealError> {
        let len = payload.iter().fold(0, |sum, part| sum + part.len());
        // One allocation: a buffer that grew would leave the plaintext behind in freed memory.
        let mut out = Vec::with_capacity(head.len() + OVERHEAD + len);
        out.extend_from_slice(head);
        out.extend_from_slice(&[0; NONCE_LEN]);
        payload.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(&[0; TAG_LEN]);
        let room = out.get_mut(head.len()..).ok_or(SealError::TooLarge)?;
        self.seal_in_place(aad, room)?;
        Ok(out)
    }

    /// Opens a copy of bytes that were sealed for this `aad`; returns the payload.
    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, InvalidToken> {
        let (nonce, text) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(InvalidToken)?;
        let mut payload = text.to_vec();
        xchacha::decrypt(&self.0, nonce, aad, &mut payload).map_err(|_| InvalidToken)?;
        payload.truncate(text.len().saturating_sub(TAG_LEN));
        Ok(payload)
    }

    /// A separate function, because published vectors prescribe the nonce.
    pub(super) fn encrypt(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        payload: &mut [u8],
    ) -> Result<[u8; TAG_LEN], SealError> {
        xchacha::encrypt(&self.0, nonce, aad, payload).map_err(|_| SealError::TooLarge)
    }

    #[cfg(test)]
    pub(super) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

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

sentences! { SealError:
    Self::Random(error) => "the session could not be sealed", from error;
    Self::TooLarge => "the session is too large to be sealed; store less in it";
}

/// The octets that sealing adds to the payload.
pub(super) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Far below what the cipher allows (256 GiB); sessions are bounded long before by their limits.
pub(super) const LONGEST_PAYLOAD: usize = 16 << 20;
