//! The keys of a deployment: one makes tokens, the others are still accepted.

mod file;
mod text;

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use super::id::{Fingerprint, IndexKey, RowKey};
use super::key::{Key, KeyError};
use super::keyset::KeySet;
use super::random::RandomError;
use super::token::{self, Header, InvalidToken, KeyId, Version};
use crate::clock::Timestamp;
use crate::sentence::{debug_as_sentence, sentences};

/// The keys that make and open the tokens of sessions.
///
/// One key is *active* and makes every new token; up to seven others are *accepted*: old ones whose
/// sessions live on, and future ones that other nodes may already use. Each token names its key, so
/// there is exactly one to try.
///
/// To change keys without ending a session: accept the new key on every node; then make it the active one on every node
/// and accept the old; after the longest lifetime of a session, drop the old one. Dropping a key ends every session
/// under it at once, which is the emergency measure.
///
/// A clone shares the same keys.
///
/// ```
/// use starsessions::keys::Key;
/// use starsessions::{KeyRing, Timestamp};
///
/// let (new, old) = (Key::generate()?, Key::generate()?);
/// let new_year = Timestamp::from_unix_seconds(1_798_761_600);
/// let ring = KeyRing::new(new).accept(old, Some(new_year))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    /// A field of its own, not the first or last of a list (CVE-2025-47278).
    active: Arc<KeySet>,
    accepted: Vec<Accepted>,
}

#[derive(Clone)]
struct Accepted {
    keys: Arc<KeySet>,
    not_after: Option<Timestamp>,
}

impl KeyRing {
    /// How many keys a ring can hold, the active one included.
    pub const MAX_KEYS: usize = 8;

    /// A ring with one key.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the ring takes the key over and wipes it"
    )]
    pub fn new(active: Key) -> Self {
        Self {
            active: Arc::new(KeySet::new(active.as_bytes())),
            accepted: Vec::new(),
        }
    }

    /// A ring with one new random key, for development and tests: every session ends with the
    /// process, and no other process honours them.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self::new(Key::generate()?))
    }

    /// Honours the tokens of another key too, up to but not including `not_after`.
    ///
    /// # Errors
    /// [`KeyRingError`] if the ring is full or has a key with the same key id.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the ring takes the key over and wipes it"
    )]
    pub fn accept(mut self, key: Key, not_after: Option<Timestamp>) -> Result<Self, KeyRingError> {
        let item = 2 + self.accepted.len();
        if item > Self::MAX_KEYS {
            return Err(KeyRingError::Full);
        }
        let keys = Arc::new(KeySet::new(key.as_bytes()));
        if self.key_ids().any(|id| id == keys.id) {
            return Err(KeyRingError::Duplicate { item });
        }
        self.accepted.push(Accepted { keys, not_after });
        Ok(self)
    }

    /// The keys of one realm of one application: its cookies and rows are worthless in every other realm. Index keys
    /// differ as well, because two realms may have a struct of the same name for different users.
    pub(crate) fn of_realm(mut self, audience: &str, name: &str) -> Self {
        if audience.is_empty() && name.is_empty() {
            return self;
        }
        let all = self.accepted.iter_mut().map(|accepted| &mut accepted.keys);
        for keys in all.chain([&mut self.active]) {
            *keys = Arc::new(keys.of_realm(audience, name));
        }
        self
    }

    pub(super) fn active(&self) -> &Arc<KeySet> {
        &self.active
    }

    /// The one key with this id, if it is honoured at this time.
    pub(super) fn find(&self, id: KeyId, now: Timestamp) -> Option<&Arc<KeySet>> {
        if self.active.id == id {
            return Some(&self.active);
        }
        let accepted = self.accepted.iter().find(|it| it.keys.id == id)?;
        let is_over = accepted.not_after.is_some_and(|end| end <= now);
        (!is_over).then_some(&accepted.keys)
    }

    /// The keys that a token of this version names, its header, and its body, which is not authenticated yet.
    pub(super) fn split<'t>(
        &self,
        raw: &'t [u8],
        version: Version,
        now: Timestamp,
    ) -> Result<(&Arc<KeySet>, Header, &'t [u8]), InvalidToken> {
        let (key_id, header, body) = token::split(raw, version)?;
        let keys = self.find(key_id, now).ok_or(InvalidToken)?;
        Ok((keys, header, body))
    }

    /// The name in logs of a session of which only the row key is known.
    pub(crate) fn fingerprint(&self, row: &RowKey) -> Fingerprint {
        self.active().log.id(row)
    }

    /// The key under which a store files a session that holds this value.
    pub(crate) fn index_key(&self, namespace: &str, field: &str, value: &[u8]) -> IndexKey {
        self.active().subject.index_key(namespace, field, value)
    }

    /// The index keys to search for this value, one for each ring key: a row keeps the one of the ring key that was
    /// active when the row was written.
    pub(crate) fn index_keys(
        &self,
        namespace: &str,
        field: &str,
        value: &[u8],
    ) -> impl Iterator<Item = IndexKey> {
        self.key_sets()
            .map(move |keys| keys.subject.index_key(namespace, field, value))
    }

    /// The ids of the keys, the active one first, for comparison with the key of a cookie.
    ///
    /// ```
    /// use starsessions::KeyRing;
    ///
    /// assert_eq!(KeyRing::generate()?.key_ids().count(), 1);
    /// # Ok::<(), starsessions::keys::RandomError>(())
    /// ```
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.key_sets().map(|keys| keys.id)
    }

    pub(super) fn key_sets(&self) -> impl Iterator<Item = &Arc<KeySet>> {
        let accepted = self.accepted.iter().map(|accepted| &accepted.keys);
        std::iter::once(&self.active).chain(accepted)
    }
}

/// Shows the key ids, which are public, and the ends of the accepted keys.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.accepted.iter();
        let accepted: Vec<_> = accepted.map(|it| (it.keys.id, it.not_after)).collect();
        f.debug_struct("KeyRing")
            .field("active", &self.active.id)
            .field("accepted", &accepted)
            .finish()
    }
}

/// Why a key ring could not be made. The error never holds a key or a part of one.
#[non_exhaustive]
pub enum KeyRingError {
    /// The active key has an end, which only accepted keys may have.
    ActiveEnds,
    /// The text behind an `@` is not a number of Unix seconds.
    Deadline {
        /// The number of the key, from one.
        item: usize,
    },
    /// Two keys have the same key id: in practice, one key is listed twice.
    Duplicate {
        /// The second of them, counted from one; the active key is the first.
        item: usize,
    },
    /// There is no key.
    Empty,
    /// There are more than [`KeyRing::MAX_KEYS`] keys.
    Full,
    /// An item of the list is not a key.
    Key {
        /// The number of the item, from one.
        item: usize,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The environment variable holds no valid ring.
    Variable {
        /// The name of the variable.
        name: String,
        /// What is wrong with it.
        reason: Box<Self>,
    },
    /// The environment variable is not set.
    NotSet,
    /// The environment variable or the file is not text in UTF-8.
    NotUnicode,
    /// The file holds no valid ring, and none could be made.
    File {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: Box<Self>,
    },
    /// A file could not be read or written.
    Io(io::Error),
}

sentences! { KeyRingError:
    Self::ActiveEnds => "key 1 is the active one and cannot end; remove what follows its `@`, or list the key that replaces it first";
    Self::Deadline { item } => "key {item} ends with something that is not a time; write Unix seconds, as in `@1798761600`";
    Self::Duplicate { item } => "key {item} has the key id of a key before it; list each key once, or make another one with `openssl \
        rand -base64 32`";
    Self::Empty => "there is no key; make one with `openssl rand -base64 32`";
    Self::Full => "there are more than {} keys; remove the oldest" with KeyRing::MAX_KEYS;
    Self::Key { item, source } => "key {item}: {source}";
    Self::Variable { name, reason } => "{name}: {reason}";
    Self::NotSet => "it is not set; make a key with `openssl rand -base64 32` and list it first, older keys behind it: \
        \"newkey...=,oldkey...=@1798761600\"";
    Self::File { path, reason } => "{}: {reason}" with path.display();
    Self::Io(error) => "{error}; name a file that this process may read, in an existing folder of a file system with hard links";
    Self::NotUnicode => "it is not text in UTF-8; write base64 keys in that encoding, as `openssl rand -base64 32` prints them";
}

debug_as_sentence!(KeyRingError);
