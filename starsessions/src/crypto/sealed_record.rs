//! The record of a stored session, sealed as a whole.
//!
//! ```text
//! record = nonce(24) ‖ XChaCha20-Poly1305(S_record, nonce, payload, aad =
//!              PAE("starsessions/v1/record", namespace, row key, format(1), LE64(revision)))
//! ```
//!
//! No part of a record can be moved or restored alone. A whole row can: an older row with its older revision opens, and
//! only protection outside of this crate detects it.

use std::ops::Range;

use super::id::RowKey;
use super::keyset::{RecordPlace, record_aad};
use super::seal::{self, SealError, SealKey};
use super::token::InvalidToken;

/// Seals and opens the record of one session; only its cookie leads to this key.
pub(crate) struct RecordKey {
    key: SealKey,
    row: RowKey,
}

impl RecordKey {
    /// The room for the nonce, in front of the payload.
    pub(crate) const NONCE_LEN: usize = seal::NONCE_LEN;
    /// The room for the tag, behind the payload.
    pub(crate) const TAG_LEN: usize = seal::TAG_LEN;

    pub(super) fn new(key: SealKey, row: RowKey) -> Self {
        Self { key, row }
    }

    /// Seals the payload in `room`, between [`NONCE_LEN`](Self::NONCE_LEN) bytes and [`TAG_LEN`](Self::TAG_LEN) bytes
    /// that this function fills in.
    ///
    /// Allocate all of `room` before writing the payload: a buffer that grows leaves plaintext behind in freed memory.
    pub(crate) fn seal_in_place(
        &self,
        place: &RecordPlace<'_>,
        room: &mut [u8],
    ) -> Result<(), SealError> {
        self.key.seal_in_place(&record_aad(&self.row, place), room)
    }

    /// Opens a record that was sealed for this place; returns the range of the payload in `sealed`.
    ///
    /// After an error the bytes are of no use.
    pub(crate) fn open_in_place(
        &self,
        place: &RecordPlace<'_>,
        sealed: &mut [u8],
    ) -> Result<Range<usize>, InvalidToken> {
        self.key
            .open_in_place(&record_aad(&self.row, place), sealed)
    }

    #[cfg(test)]
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}
