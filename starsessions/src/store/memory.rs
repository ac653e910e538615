//! Sessions in this process's memory: for one process, and for tests of the others.

mod shard;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::shard::Shard;
use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

/// Keeps sessions in memory, spread over shards with a lock each.
///
/// Memory is bounded: there is a limit of anonymous sessions, beyond which the longest unused one
/// makes room, and a limit of signed-in sessions, beyond which a new one is refused. Neither kind
/// can push out the other, so a flood of visitors logs nobody out.
///
/// Expired sessions are freed by the writes that come after, a few at each, so that there is never
/// a sweep of everything.
///
/// Clones share their sessions.
///
/// ```
/// use starsessions::MemoryStore;
///
/// let store = MemoryStore::new();
/// let small = MemoryStore::builder().anonymous_limit(10_000).build();
/// # let _ = (store, small);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shards: Arc<[Mutex<Shard>]>,
}

impl MemoryStore {
    /// A store for up to 100 000 anonymous and a million signed-in sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A store with limits of one's own.
    #[must_use]
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder {
            anonymous_limit: 100_000,
            identified_limit: 1_000_000,
        }
    }

    /// How many sessions are held, those included that have expired and are not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        (0..self.shards.len()).map(|i| self.shard_at(i).len()).sum()
    }

    /// Whether no session is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &RowKey) -> MutexGuard<'_, Shard> {
        let [low, high, ..] = *key.as_bytes();
        self.shard_at(usize::from(u16::from_le_bytes([low, high])) % self.shards.len())
    }

    fn shard_at(&self, index: usize) -> MutexGuard<'_, Shard> {
        // A shard is whole between any two of its statements, so a panic elsewhere spoils nothing.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.len())
            .finish()
    }
}

impl Store for MemoryStore {
    /// This process's memory also holds the keys.
    fn protection(&self) -> Protection {
        Protection::Plain
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        Ok(self.shard(key).load(key, now))
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.shard(key).insert(key, record.clone(), false, now)
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.shard(key).commit(key, commit, now)
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        // The new key is nobody's secret yet, so the order of the two steps cannot be seen: insert,
        // then end the old record or take the insert back. The two locks are never held together.
        let record = rotation.record.clone();
        let replaces = self.shard(old).holds(old, record.identified);
        if self.shard(new).insert(new, record, replaces, now)? == Created::Exists {
            return Ok(Rotated::Exists);
        }
        let outcome = self.shard(old).retire(old, rotation, now);
        if outcome != Rotated::Applied {
            self.shard(new).delete(new);
        }
        Ok(outcome)
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        Ok(self.shard(key).touch(key, touch, now))
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        let forward = self.shard(key).delete(key);
        Ok(forward.filter(|forward| now < forward.until))
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        Ok((0..self.shards.len())
            .flat_map(|shard| self.shard_at(shard).sessions_of(index, now))
            .collect())
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let mut left = limit;
        for index in 0..self.shards.len() {
            // A few under each lock: a request that wants the same shard waits for no more.
            loop {
                let few = left.min(FREED_PER_LOCK);
                let looked_at = self.shard_at(index).free_expired(few, now);
                left -= looked_at;
                if looked_at < FREED_PER_LOCK {
                    break;
                }
            }
        }
        Ok(limit - left)
    }
}

/// Sets the limits of a [`MemoryStore`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryStoreBuilder {
    anonymous_limit: usize,
    identified_limit: usize,
}

impl MemoryStoreBuilder {
    /// The most anonymous sessions that are kept; at the limit, the longest unused makes room for a
    /// new one. At least 1.
    #[must_use]
    pub fn anonymous_limit(mut self, sessions: usize) -> Self {
        self.anonymous_limit = sessions.max(1);
        self
    }

    /// The most sessions that are kept once they were signed in; at the limit, a further sign-in
    /// fails with [`StoreError::Full`]. At least 1.
    #[must_use]
    pub fn identified_limit(mut self, sessions: usize) -> Self {
        self.identified_limit = sessions.max(1);
        self
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        // Each shard gets its part of the limits, so small limits want few shards.
        let smallest = self.anonymous_limit.min(self.identified_limit);
        let shards = (smallest / SESSIONS_PER_SHARD).clamp(1, MAX_SHARDS);
        let anonymous = self.anonymous_limit / shards;
        let identified = self.identified_limit / shards;
        MemoryStore {
            shards: (0..shards)
                .map(|_| Mutex::new(Shard::new(anonymous, identified)))
                .collect(),
        }
    }
}

const FREED_PER_LOCK: usize = 16;
const MAX_SHARDS: usize = 256;
const SESSIONS_PER_SHARD: usize = 1_000;
