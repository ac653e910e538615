//! From an id that has ended to the one that came after it.
//!
//! ```text
//! way  = nonce(24) ‖ XChaCha20-Poly1305(S_forward or S_ending, nonce, text, aad =
//!            PAE("starsessions/v1/way", row key))
//! text = until(5, big-endian Unix seconds) ‖ 0x04 ‖ key id(4) ‖ secret(32) ‖ payload
//! ```
//!
//! Only the former token opens it: a reader of the store sees that there is a successor, not which, and
//! a writer can neither lead elsewhere nor prolong it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::keyring::KeyRing;
use super::keyset::way_aad;
use super::reference_token::{RAW_LEN, ReferenceToken};
use super::seal::{SealError, SealKey};
use super::token::InvalidToken;
use crate::clock::Timestamp;

/// What a request that brings the former id may do. Each kind has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayKind {
    /// Go on with the session under its new id.
    Forward,
    /// End the session under its new id, and nothing else.
    Ending,
}

pub(crate) struct Way {
    /// The id that the session has now.
    pub(crate) successor: Arc<ReferenceToken>,
    /// From this second on the way is closed; the caller compares.
    pub(crate) until: Timestamp,
    /// What was sealed beside it.
    pub(crate) payload: Vec<u8>,
}

impl ReferenceToken {
    /// Seals the successor of this id, for the grace in which requests still bring the former one.
    ///
    /// A deadline that does not fit into 40 bits becomes the last one that does.
    pub(crate) fn seal_way(
        &self,
        kind: WayKind,
        successor: &Self,
        until: Timestamp,
        payload: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let (until, successor) = (until.to_packed(), successor.to_raw());
        let text: [&[u8]; 3] = [&until, successor.as_slice(), payload];
        self.way_key(kind)
            .seal(&way_aad(self.row_key()), &[], &text)
    }

    /// The way of this kind that was sealed under this id.
    pub(crate) fn open_way(
        &self,
        kind: WayKind,
        sealed: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Way, InvalidToken> {
        let text = self
            .way_key(kind)
            .open(&way_aad(self.row_key()), sealed)
            .map(Zeroizing::new)?;
        let (until, rest) = text.split_first_chunk().ok_or(InvalidToken)?;
        let (raw, payload) = rest.split_first_chunk::<RAW_LEN>().ok_or(InvalidToken)?;
        Ok(Way {
            successor: Self::from_raw(raw, ring, now)?,
            until: Timestamp::from_packed(*until),
            payload: payload.to_vec(),
        })
    }

    fn way_key(&self, kind: WayKind) -> SealKey {
        match kind {
            WayKind::Forward => self.keys.pepper.forward_key(&self.secret),
            WayKind::Ending => self.keys.pepper.ending_key(&self.secret),
        }
    }
}
