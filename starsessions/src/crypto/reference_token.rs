//! Cookies that refer to a session in a store.
//!
//! ```text
//! token     = base64url(0x04 ‖ key id(4) ‖ secret(32))      50 characters
//! S_purpose = keyed(K_index, secret, purpose)               one compression; see `kdf`
//! purpose   = "lookup"     the row key
//!             "record"     seals the record
//!             "carry"      seals what the way to the successor of an id carries
//! ```
//!
//! The token needs no MAC: a secret is random, or derived from as many random bits (see `way`), so it cannot be
//! guessed, and a made-up one leads to a row key that does not exist. The key id selects the pepper; a token with an
//! unknown key id is refused without asking the store.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::encoding;
use super::id::{Fingerprint, RowKey};
use super::keyring::KeyRing;
use super::keyset::KeySet;
use super::random::{self, RandomError};
use super::sealed_record::RecordKey;
use super::token::{HEADER_LEN, InvalidToken, SECRET_LEN, Version, header, split};
use crate::clock::Timestamp;

/// The credential of a stored session, as a browser holds it.
///
/// Wiped on drop, and without `Clone` or `==`. Only the row key is derived at once; other keys are
/// derived when they are used.
pub(crate) struct ReferenceToken {
    pub(super) secret: Zeroizing<[u8; SECRET_LEN]>,
    pub(super) keys: Arc<KeySet>,
    row_key: RowKey,
}

impl ReferenceToken {
    /// A new secret under the active key. A session gets its id here or by [`succeed`](Self::succeed); no id is ever
    /// adopted from a client (ASVS 7.2.4).
    pub(crate) fn mint(ring: &KeyRing) -> Result<Arc<Self>, RandomError> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        random::fill(secret.as_mut_slice())?;
        Ok(Self::new(&secret, ring.active()))
    }

    /// The tokens of another library's session: one under each key of the ring, the active one first, and the same for
    /// all requests with its cookie. Browsers never get them; the session that they lead to has a random id.
    #[cfg(feature = "takeover")]
    pub(crate) fn of_former(ring: &KeyRing, cookie_name: &str, id: &[u8]) -> Vec<Arc<Self>> {
        let token = |keys: &Arc<KeySet>| Self::new(&keys.former.secret(cookie_name, id), keys);
        ring.key_sets().map(token).collect()
    }

    /// The token with this text, if it names a key that the ring accepts now.
    pub(crate) fn parse(
        text: &[u8],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        let mut raw = Zeroizing::new([0; RAW_LEN]);
        encoding::decode_secret(text, &mut raw).ok_or(InvalidToken)?;
        Self::from_raw(&raw, ring, now)
    }

    /// Whether a text has the form of such a token, under any key. The form proves nothing.
    pub(crate) fn has_form(text: &[u8]) -> bool {
        let mut raw = Zeroizing::new([0; RAW_LEN]);
        encoding::decode_secret(text, &mut raw).is_some()
            && split(raw.as_slice(), Version::Reference).is_ok()
    }

    /// The text for the cookie.
    pub(crate) fn encode(&self) -> Zeroizing<String> {
        encoding::encode_secret(self.to_raw().as_slice())
    }

    /// Where the store keeps this session.
    pub(crate) fn row_key(&self) -> &RowKey {
        &self.row_key
    }

    /// The key that seals this session's record; derived by each call.
    pub(crate) fn record_key(&self) -> RecordKey {
        RecordKey::new(self.keys.pepper.record_key(&self.secret), self.row_key)
    }

    /// The name of this session in logs.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.keys.log.id(&self.row_key)
    }

    /// If not, the session should get a new id, so that the old key can retire.
    pub(crate) fn is_under_active_key(&self, ring: &KeyRing) -> bool {
        self.keys.id == ring.active().id
    }

    pub(super) fn from_raw(
        raw: &[u8; RAW_LEN],
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Arc<Self>, InvalidToken> {
        let (keys, _, body) = ring.split(raw, Version::Reference, now)?;
        let secret = body.try_into().map_err(|_| InvalidToken)?;
        Ok(Self::new(secret, keys))
    }

    pub(super) fn to_raw(&self) -> Zeroizing<[u8; RAW_LEN]> {
        let header = header(Version::Reference, self.keys.id);
        let mut raw = Zeroizing::new([0; RAW_LEN]);
        let (start, secret) = raw.split_at_mut(HEADER_LEN);
        start.copy_from_slice(&header);
        secret.copy_from_slice(&*self.secret);
        raw
    }

    pub(super) fn new(secret: &[u8; SECRET_LEN], keys: &Arc<KeySet>) -> Arc<Self> {
        let mut token = Arc::new(Self {
            secret: Zeroizing::new([0; SECRET_LEN]),
            keys: Arc::clone(keys),
            row_key: keys.pepper.row_key(secret),
        });
        // The secret is written into its final place, because a move leaves a copy.
        if let Some(token) = Arc::get_mut(&mut token) {
            token.secret.copy_from_slice(secret);
        }
        token
    }
}

/// Shows the log id; the secret is deliberately left out.
impl fmt::Debug for ReferenceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceToken({})", self.fingerprint())
    }
}

pub(super) const RAW_LEN: usize = HEADER_LEN + SECRET_LEN;
