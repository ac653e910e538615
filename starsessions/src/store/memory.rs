//! Sessions in this process's memory: for applications of one process, and for tests of all others.

mod queue;
mod rows;
mod shard;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use self::shard::Shard;
use super::{
    Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, Store, StoreCounts, StoreError,
    Touch, Touched,
};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};

/// Keeps sessions in memory, spread over shards with a lock each.
///
/// Memory is bounded. At the limit of anonymous sessions, the longest unused one makes room; at the
/// limit of signed-in sessions, a new one is refused. Neither kind can push out the other, so a flood of
/// visitors logs no user out. A use counts when it is written: for a session that is only read, about
/// once in a minute. The old id of a renewed session counts as an anonymous session until its grace is
/// over.
///
/// Each write inspects a few sessions and frees the expired ones, so [`sweep`](Store::sweep) is not
/// needed.
///
/// Clones share their sessions. All operations end at their first poll.
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
    inner: Arc<Inner>,
}

struct Inner {
    shards: Box<[Mutex<Shard>]>,
    /// Shared by rotations and exclusive to [`Store::listed`], which would otherwise find a session
    /// twice or not at all when it moves from one shard to another.
    moving: RwLock<()>,
    /// The shard that the next sweep begins with.
    swept: AtomicUsize,
}

impl MemoryStore {
    /// A store for up to 100 000 anonymous and a million signed-in sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder, for other limits.
    #[must_use]
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder {
            anonymous_limit: 100_000,
            identified_limit: 1_000_000,
        }
    }

    /// How many sessions are held, including expired ones that are not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.every_shard().map(|shard| shard.len()).sum()
    }

    /// Whether no session is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sessions there are, by kind and age. Walks over all of them.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> StoreCounts {
        let mut counts = StoreCounts::default();
        for shard in self.every_shard() {
            for row in shard.rows() {
                counts.add(row, row.listing.is_some(), now);
            }
        }
        counts
    }

    fn shard(&self, key: &RowKey) -> MutexGuard<'_, Shard> {
        let [low, high, ..] = *key.as_bytes();
        let shards = &self.inner.shards;
        lock(&shards[usize::from(u16::from_le_bytes([low, high])) % shards.len()])
    }

    /// Each shard in turn, never two at once.
    fn every_shard(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.inner.shards.iter().map(lock)
    }
}

impl Store for MemoryStore {
    /// This process's memory also holds the keys.
    fn protection(&self) -> Protection {
        Protection::Plain
    }

    async fn load(&self, key: &RowKey, _now: Timestamp) -> Result<Option<Row>, StoreError> {
        Ok(self.shard(key).get(key).cloned())
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.shard(key).insert(key, row.clone(), None, now)
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.shard(key).replace(key, seen, row, now)
    }

    /// The locks of two shards are never held together. The new key is secret until `rotate` returns,
    /// so no request sees the new row before the old one has been replaced.
    async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated, StoreError> {
        let Rotation { old, seen, new, .. } = rotation;
        // Poisoned or not, the result holds the lock.
        let _moving = self.inner.moving.read();
        let row = match self.shard(old).before_leaving(&rotation, now) {
            Ok(row) => row,
            Err(outcome) => return Ok(outcome.into()),
        };
        let times = Touch::new(row.last_seen, row.deadline);
        let inserted = self.shard(new).insert(new, row, Some(seen), now)?;
        if inserted == Inserted::Exists {
            return Ok(Rotated::Exists);
        }
        // Not in the `match`, which would hold the lock while its arms take that of the other shard.
        let left = self.shard(old).leave(&rotation, now);
        match left {
            Ok(last) if last == times => {}
            Ok(last) => _ = self.shard(new).touch(new, rotation.row, last, now),
            Err(outcome) => {
                self.shard(new).remove(new);
                return Ok(outcome.into());
            }
        }
        Ok(Rotated::Rotated)
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        Ok(self.shard(key).touch(key, seen, touch, now))
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        Ok(self.shard(key).remove(key))
    }

    async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let _still = self.inner.moving.write();
        let found = self.every_shard();
        let found = found.flat_map(|shard| shard.listed(index_key, now));
        Ok(found.collect())
    }

    /// Looks at every session in turn. A sweep that returns less than its limit has reached the last
    /// session, and the next sweep begins with the first.
    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let Inner { shards, swept, .. } = &*self.inner;
        let mut left = limit;
        while left > 0 {
            let at = swept.load(Ordering::Relaxed);
            let Some(shard) = shards.get(at) else {
                swept.store(0, Ordering::Relaxed);
                break;
            };
            // A few under each lock, so that a request for the same shard does not wait long.
            let few = left.min(SWEPT_PER_LOCK);
            let looked_at = lock(shard).sweep(few, now);
            left -= looked_at;
            if looked_at < few {
                swept.store(at + 1, Ordering::Relaxed);
            }
        }
        Ok(limit - left)
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

    /// The most signed-in sessions that are kept; at the limit, a further sign-in fails with
    /// [`StoreError::Full`]. At least 1.
    ///
    /// Keys are random, and each shard has its part of the limits: sign-ins begin to fail a few percent earlier.
    #[must_use]
    pub fn identified_limit(mut self, sessions: usize) -> Self {
        self.identified_limit = sessions.max(1);
        self
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        // Each shard gets its part of the limits, so small limits need few shards.
        let smallest = self.anonymous_limit.min(self.identified_limit);
        let shards = (smallest / SESSIONS_PER_SHARD).clamp(1, MOST_SHARDS);
        let guests = self.anonymous_limit / shards;
        let listed = self.identified_limit / shards;
        let inner = Inner {
            shards: (0..shards)
                .map(|_| Mutex::new(Shard::new(guests, listed)))
                .collect(),
            moving: RwLock::default(),
            swept: AtomicUsize::default(),
        };
        MemoryStore {
            inner: Arc::new(inner),
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Ignores poisoning: a shard is consistent between any two of its statements.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

const SWEPT_PER_LOCK: usize = 64;
const MOST_SHARDS: usize = 256;
const SESSIONS_PER_SHARD: usize = 1_000;
