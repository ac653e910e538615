//! Sealing of the card. The owner's other sessions may read it, so its key comes from the key ring alone.
//!
//! ```text
//! card = key id(4) ‖ nonce(24) ‖ XChaCha20-Poly1305(K_card, nonce, text, aad =
//!            PAE("starsessions/v1/card", namespace, row key, key id))
//! ```
//!
//! A card is sealed under the ring key of its session's token, so it can be read as long as the session can be used.

use super::id::RowKey;
use super::keyring::KeyRing;
use super::keyset::card_aad;
use super::reference_token::ReferenceToken;
use super::seal::SealError;
use super::token::{InvalidToken, KeyId};
use crate::clock::Timestamp;

impl ReferenceToken {
    /// The card of this session as the store keeps it.
    pub(crate) fn seal_card(&self, namespace: &str, card: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = self.keys.id;
        let aad = card_aad(namespace, self.row_key(), id);
        self.keys.card.seal(&aad, &id.0, &[card])
    }
}

pub(crate) fn open_card(
    ring: &KeyRing,
    namespace: &str,
    row: &RowKey,
    sealed: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, InvalidToken> {
    let (id, sealed) = sealed.split_first_chunk().ok_or(InvalidToken)?;
    let id = KeyId(*id);
    let keys = ring.find(id, now).ok_or(InvalidToken)?;
    keys.card.open(&card_aad(namespace, row, id), sealed)
}
