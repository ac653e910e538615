//! Ways: from a former id to its successor.
//!
//! ```text
//! way       = kind(1) ‖ until(5, big-endian Unix seconds) ‖ key id(4) ‖ salt(32)
//! successor = 0x04 ‖ key id ‖ keyed(K_way, secret, way)       the secret of the former token; see `kdf`
//! carried   = nonce(24) ‖ XChaCha20-Poly1305(S_carry, nonce, payload, aad = PAE("starsessions/v1/way", way))
//! ```
//!
//! The salt is random and as long as a secret, so a successor is as hard to guess as a secret, also for a holder of the
//! former token. Without that token a way leads nowhere: a reader of the store sees that there is a successor, but not
//! which one. The successor is derived from the whole way, so a writer to the store can neither redirect nor prolong a
//! way, nor change its kind: a changed way leads to an id that does not exist. The payload that a way carries is sealed
//! for the holders of the former token, and bound to the way.

use std::sync::Arc;

use super::keyring::KeyRing;
use super::keyset::{WAY_LEN, way_aad};
use super::random::{self, RandomError};
use super::reference_token::ReferenceToken;
use super::seal::SealError;
use super::token::KeyId;
use crate::clock::Timestamp;

/// The rights of a request that brings the former id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WayKind {
    /// Go on with the session under its new id.
    Forward = 3,
    /// End the session under its new id, and nothing else.
    Ending = 4,
    /// As `Ending`, where another session has replaced the one with the former id.
    Anew = 5,
}

impl WayKind {
    /// The kind of a way that begins with this byte; `None` if it is no way.
    pub(crate) fn of(byte: u8) -> Option<Self> {
        let kinds = [Self::Forward, Self::Ending, Self::Anew];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
    }
}

pub(crate) struct Way {
    pub(crate) kind: WayKind,
    /// From this second on, the way is closed; the caller checks it.
    pub(crate) until: Timestamp,
    /// The id that the session has now.
    pub(crate) successor: Arc<ReferenceToken>,
    bytes: [u8; WAY_LEN],
}

impl Way {
    /// The content of the former id's row.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl ReferenceToken {
    /// A new id under the active key, as the successor of this one.
    ///
    /// A deadline that does not fit into 40 bits is capped.
    pub(crate) fn succeed(
        &self,
        kind: WayKind,
        until: Timestamp,
        ring: &KeyRing,
    ) -> Result<Way, RandomError> {
        let keys = ring.active();
        let mut bytes = [0; WAY_LEN];
        let (start, salt) = bytes.split_at_mut(HEAD_LEN);
        start.copy_from_slice(&head(kind, until, keys.id));
        random::fill(salt)?;
        Ok(Way {
            kind,
            until,
            successor: Self::new(&self.keys.way.successor(&self.secret, &bytes), keys),
            bytes,
        })
    }

    /// The content of the row of a way that carries a payload.
    pub(crate) fn seal_way(&self, way: &Way, payload: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.pepper.carry_key(&self.secret);
        key.seal(&way_aad(&way.bytes), &way.bytes, &[payload])
    }

    /// The way at the start of this id's row, and the payload that it carries (`None` if there is none, or it is
    /// damaged). Returns `None` if the row begins with no way, or the ring does not accept the successor's key.
    pub(crate) fn read_way(
        &self,
        bytes: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Option<(Way, Option<Vec<u8>>)> {
        let (bytes, sealed) = bytes.split_first_chunk::<WAY_LEN>()?;
        let [kind, head @ ..] = bytes;
        let (until, head) = head.split_first_chunk()?;
        let keys = ring.find(KeyId(*head.first_chunk()?), now)?;
        let way = Way {
            kind: WayKind::of(*kind)?,
            until: Timestamp::from_packed(*until),
            successor: Self::new(&self.keys.way.successor(&self.secret, bytes), keys),
            bytes: *bytes,
        };
        let open = || {
            let key = self.keys.pepper.carry_key(&self.secret);
            key.open(&way_aad(bytes), sealed).ok()
        };
        let carried = (!sealed.is_empty()).then(open).flatten();
        Some((way, carried))
    }
}

fn head(kind: WayKind, until: Timestamp, KeyId([f, g, h, i]): KeyId) -> [u8; HEAD_LEN] {
    let [a, b, c, d, e] = until.to_packed();
    [kind as u8, a, b, c, d, e, f, g, h, i]
}

const HEAD_LEN: usize = 1 + Timestamp::PACKED + KeyId::LEN;
