//! The values of a stored session.
//!
//! ```text
//! value = nonce(24) ‖ XChaCha20-Poly1305(record key, nonce, data, aad =
//!             PAE("starsessions/v1/record", namespace, lookup, field name, created, expires))
//! ```
//!
//! A value is bound to its application, row and field, and to the times that limit its life. A revision is not bound: fields are sealed
//! before the store decides the order of parallel commits.

use std::sync::Arc;

use bytes::Bytes;

use super::derive::{KeySet, SealKey, field_aad};
use super::id::RowKey;
use super::seal::{self, SealError};
use super::token::InvalidToken;
use crate::clock::Timestamp;

/// What a sealed value belongs to.
#[derive(Clone, Copy)]
pub(crate) struct FieldPlace<'a> {
    /// The application.
    pub(crate) namespace: &'a str,
    /// The stored name of the field.
    pub(crate) field: &'a str,
    /// When the session began.
    pub(crate) created_at: Timestamp,
    /// When the value ends, if it ends before its session.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Seals and opens the values of one session; only its cookie leads to this key.
pub(crate) struct RecordKey {
    key: SealKey,
    keys: Arc<KeySet>,
    row: RowKey,
}

impl RecordKey {
    pub(super) fn new(key: SealKey, keys: Arc<KeySet>, row: RowKey) -> Self {
        Self { key, keys, row }
    }

    pub(super) fn parts(&self) -> (&KeySet, &RowKey) {
        (&self.keys, &self.row)
    }

    /// The value as the store keeps it.
    pub(crate) fn seal_field(
        &self,
        place: &FieldPlace<'_>,
        value: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let aad = field_aad(&self.row, place);
        let mut sealed = Vec::new();
        seal::seal(&self.key, &self.keys.nonce, &aad, value, &mut sealed)?;
        Ok(sealed)
    }

    /// The value that was sealed for this place.
    pub(crate) fn open_field(
        &self,
        place: &FieldPlace<'_>,
        sealed: &[u8],
    ) -> Result<Bytes, InvalidToken> {
        seal::open_copy(&self.key, &field_aad(&self.row, place), sealed)
    }

    #[cfg(test)]
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}
