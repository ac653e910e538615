//! Cookies that refer to a session in a store.
//!
//! ```text
//! token   = base64url(0x04 ‖ key id(4) ‖ secret(32))         50 characters
//! lookup  = HKDF(ikm = secret, salt = K_index, "lookup")     the row key
//! record  = HKDF(ikm = secret, salt = K_index, "record")     seals the row's values
//! forward = HKDF(ikm = secret, salt = K_index, "forward")    seals the way to a successor
//! ending  = HKDF(ikm = secret, salt = K_index, "ending")     the same, for whoever ends the session
//! ```
//!
//! The token needs no MAC: 256 random bits cannot be guessed, and a made-up one leads to a row key
//! that does not exist. The key id selects the pepper; an unknown one is refused without asking the
//! store.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::base64;
use super::derive::{KeySet, SealKey, SessionPrk, forward_aad};
use super::id::{LogId, RowKey};
use super::random::{self, RandomError};
use super::record::RecordKey;
use super::ring::KeyRing;
use super::seal::{self, SealError};
use super::token::{HEADER_LEN, InvalidToken, SECRET_LEN, Version, header, split};
use crate::clock::Timestamp;

/// The credential of a stored session, as a browser holds it.
///
/// Wiped on drop, and without `Clone` or `==`.
pub(crate) struct ReferenceToken {
    secret: Zeroizing<[u8; SECRET_LEN]>,
    keys: Arc<KeySet>,
    prk: SessionPrk,
    row_key: RowKey,
}

impl ReferenceToken {
    /// A new secret under the active key. The only way in which a session gets an id: none is ever
    /// taken over from a client (ASVS 7.2.4).
    pub(crate) fn mint(ring: &KeyRing) -> Result<Arc<Self>, RandomError> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        random::fill(secret.as_mut_slice())?;
        Ok(Self::new(&secret, ring.active()))
    }

    /// The token with this text, if a key of the ring can have made it.
    pub(crate) fn parse(
        text: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        let raw = base64::decode_secret::<RAW_LEN>(text).ok_or(InvalidToken)?;
        Self::from_raw(raw.as_slice(), ring, now)
    }

    /// The text for the cookie.
    pub(crate) fn encode(&self) -> Zeroizing<String> {
        base64::encode_secret(self.to_raw().as_slice())
    }

    /// Where the store keeps this session.
    pub(crate) fn row_key(&self) -> &RowKey {
        &self.row_key
    }

    /// What seals this session's values.
    pub(crate) fn record_key(&self) -> RecordKey {
        RecordKey::new(self.prk.record_key(), Arc::clone(&self.keys), self.row_key)
    }

    /// How logs call this session.
    pub(crate) fn log_id(&self) -> LogId {
        self.keys.log.id(&self.row_key)
    }

    /// What a request-forgery token of this session masks; it ends when the id changes.
    #[cfg(test)]
    pub(super) fn csrf_token(&self) -> Zeroizing<[u8; 32]> {
        self.keys.csrf.tag(&self.row_key)
    }

    /// If not, the session should get a new id, so that the old key can retire.
    pub(crate) fn is_under_active_key(&self, ring: &KeyRing) -> bool {
        self.keys.id == ring.active().id
    }

    /// Seals the successor of this id, for the grace in which requests still bring the old one.
    ///
    /// Only the old token opens it: whoever reads the store sees that there is a successor, not
    /// which.
    pub(crate) fn seal_forward(&self, successor: &Self) -> Result<Vec<u8>, SealError> {
        self.seal_way(&self.prk.forward_key(), successor)
    }

    /// Seals it for one purpose alone: to end the session under its new id.
    pub(crate) fn seal_ending(&self, successor: &Self) -> Result<Vec<u8>, SealError> {
        self.seal_way(&self.prk.ending_key(), successor)
    }

    fn seal_way(&self, key: &SealKey, successor: &Self) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::new();
        seal::seal(
            key,
            &self.keys.nonce,
            &forward_aad(&self.row_key),
            successor.to_raw().as_slice(),
            &mut sealed,
        )?;
        Ok(sealed)
    }

    /// The successor that [`seal_forward`](Self::seal_forward) has sealed.
    pub(crate) fn open_forward(
        &self,
        sealed: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        self.open_way(&self.prk.forward_key(), sealed, ring, now)
    }

    /// The successor that [`seal_ending`](Self::seal_ending) has sealed.
    pub(crate) fn open_ending(
        &self,
        sealed: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        self.open_way(&self.prk.ending_key(), sealed, ring, now)
    }

    fn open_way(
        &self,
        key: &SealKey,
        sealed: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        let mut raw = Zeroizing::new(sealed.to_vec());
        let place = seal::open(key, &forward_aad(&self.row_key), &mut raw)?;
        Self::from_raw(raw.get(place).ok_or(InvalidToken)?, ring, now)
    }

    fn new(secret: &[u8; SECRET_LEN], keys: &Arc<KeySet>) -> Arc<Self> {
        let prk = keys.index.session(secret);
        let row_key = prk.row_key();
        let mut token = Arc::new(Self {
            secret: Zeroizing::new([0; SECRET_LEN]),
            keys: Arc::clone(keys),
            prk,
            row_key,
        });
        // Written where it stays: what is moved leaves copies behind.
        if let Some(token) = Arc::get_mut(&mut token) {
            token.secret.copy_from_slice(secret);
        }
        token
    }

    fn from_raw(raw: &[u8], ring: &KeyRing, now: Timestamp) -> Result<Arc<Self>, InvalidToken> {
        let (key_id, _, body) = split(raw, Version::Reference)?;
        let secret = body.try_into().map_err(|_| InvalidToken)?;
        let keys = ring.find(key_id, now).ok_or(InvalidToken)?;
        Ok(Self::new(secret, keys))
    }

    fn to_raw(&self) -> Zeroizing<[u8; RAW_LEN]> {
        let header = header(Version::Reference, self.keys.id);
        let mut raw = Zeroizing::new([0; RAW_LEN]);
        let token = header.iter().chain(self.secret.iter());
        for (to, from) in raw.iter_mut().zip(token) {
            *to = *from;
        }
        raw
    }
}

/// Shows the log id; the secret is deliberately left out.
impl fmt::Debug for ReferenceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceToken({})", self.log_id())
    }
}

const RAW_LEN: usize = HEADER_LEN + SECRET_LEN;
