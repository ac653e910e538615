//! What a user has called a session. His other sessions read it, so its key is one of the ring.
//!
//! ```text
//! label = key id(4) ‖ nonce(24) ‖ XChaCha20-Poly1305(K_label, nonce, text, aad =
//!             PAE("starsessions/v1/label", namespace, lookup, created, key id))
//! ```

use bytes::Bytes;

use super::derive::{KeyId, KeySet, label_aad};
use super::id::RowKey;
use super::record::{FieldPlace, RecordKey};
use super::ring::KeyRing;
use super::seal::{self, SealError};
use super::token::InvalidToken;
use crate::clock::Timestamp;

impl RecordKey {
    /// The label as the store keeps it.
    pub(crate) fn seal_label(
        &self,
        place: &FieldPlace<'_>,
        label: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let (keys, row) = self.parts();
        let mut sealed = keys.id.0.to_vec();
        let aad = label_aad(row, place, keys.id);
        seal::seal(&keys.label, &keys.nonce, &aad, label, &mut sealed)?;
        Ok(sealed)
    }

    /// The label that was sealed for this session.
    pub(crate) fn open_label(
        &self,
        place: &FieldPlace<'_>,
        sealed: &[u8],
    ) -> Result<Bytes, InvalidToken> {
        let (keys, row) = self.parts();
        let (id, sealed) = split(sealed)?;
        if id != keys.id {
            return Err(InvalidToken);
        }
        open(keys, row, place, sealed)
    }
}

/// The label of the session in this row, for whoever may list it.
pub(crate) fn open_label(
    ring: &KeyRing,
    row: &RowKey,
    place: &FieldPlace<'_>,
    sealed: &[u8],
    now: Timestamp,
) -> Result<Bytes, InvalidToken> {
    let (id, sealed) = split(sealed)?;
    let keys = ring.find(id, now).ok_or(InvalidToken)?;
    open(keys, row, place, sealed)
}

fn open(
    keys: &KeySet,
    row: &RowKey,
    place: &FieldPlace<'_>,
    sealed: &[u8],
) -> Result<Bytes, InvalidToken> {
    seal::open_copy(&keys.label, &label_aad(row, place, keys.id), sealed)
}

fn split(sealed: &[u8]) -> Result<(KeyId, &[u8]), InvalidToken> {
    let (id, sealed) = sealed.split_first_chunk().ok_or(InvalidToken)?;
    Ok((KeyId(*id), sealed))
}
