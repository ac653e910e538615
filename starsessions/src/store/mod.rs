//! Where sessions are kept: one trait, one file for each store.
//!
//! Implement [`Store`] to keep sessions somewhere else, and put the implementation through the suite
//! in `starsessions::testing::conformance`.

mod memory;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::error::Error;
use std::fmt;
use std::future::Future;

pub use self::memory::{MemoryStore, MemoryStoreBuilder};
#[cfg(feature = "mysql")]
pub use self::mysql::{MySqlStore, MySqlStoreBuilder};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{RedisClient, RedisConnectError, RedisStore, RedisStoreBuilder};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use self::sql::{MigrateError, TableNameError};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteOpenError, SqliteStore, SqliteStoreBuilder};
use crate::clock::Timestamp;
pub use crate::crypto::{IndexKey, RowKey};
pub use crate::record::{
    Commit, Field, FieldName, FieldWrite, Fields, Forward, Record, Rotation, Touch,
};

/// A place that keeps records under keys.
///
/// A store knows bytes, revisions and deadlines; it knows no cookies, types or policies. It is told
/// what time it is. Its contract:
///
/// 1. **Only `create` and `rotate` insert**, and only where nothing is. No other operation brings
///    back a record that was deleted, has expired or was rotated away: to them it is `Gone`.
/// 2. **Each operation is atomic.** Others see all of it or nothing of it, also when its future is
///    dropped at any await point.
/// 3. **A record whose `expires_at` is not later than `now` is gone**, whether or not it was swept.
///    `load` may say that it [has expired](Loaded::Expired), so that this can be counted.
/// 4. **A commit changes what it names.** Every other field stays as it is stored at that moment.
/// 5. **Guards are checked and the changes made in one step.** A failed guard is a `Conflict` that
///    carries the record as it is now.
/// 6. **Revisions grow.** A commit raises the record's revision by one and marks the fields it sets
///    with it. `touch` raises nothing.
/// 7. **Keys are compared byte by byte.**
///
/// Errors mean that the outcome is unknown or that the store could not be asked; "not there" is
/// never an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "use `MemoryStore`, `CookieStore`, or implement `Store`"
)]
pub trait Store: Send + Sync + 'static {
    /// How the values that this store keeps are protected.
    ///
    /// [`Protection::Sealed`] is right for every store that somebody else could read a copy of: a
    /// file, a server, a backup.
    fn protection(&self) -> Protection;

    /// The record under `key`, or where it has moved.
    fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Loaded>, StoreError>> + Send;

    /// Inserts a new record. Never replaces one.
    fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Changes fields of a record that is there.
    fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send;

    /// Moves a record from `old` to `new`: inserts the one and ends the other.
    fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> impl Future<Output = Result<Rotated, StoreError>> + Send;

    /// Moves deadlines forward; never writes data, never brings anything back.
    fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> impl Future<Output = Result<Touched, StoreError>> + Send;

    /// Ends whatever is under `key`. If that was the way to a successor, returns it, so that the
    /// caller can end the successor too.
    fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Forward>, StoreError>> + Send;

    /// The live records that have a live field with this index key, with their keys, in no
    /// particular order: everything that was committed before the call and nothing that has ended.
    fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(RowKey, Record)>, StoreError>> + Send;

    /// Frees at most `limit` records that have expired; returns how many it looked at, so that a
    /// caller who gets `limit` back knows to call again.
    fn sweep(
        &self,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// How values are protected where they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted and authenticated under a key that only the session's cookie leads to.
    Sealed,
    /// As they are: for a store inside this process, whose memory holds the keys as well.
    Plain,
}

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// A record.
    Live(Record),
    /// The way to the record's new key, within the grace after a renewal.
    Moved(Forward),
    /// The times of a record that has expired and was not yet swept, without its fields. It is as
    /// good as nothing, and where a store cannot tell, it says nothing.
    Expired(Record),
}

impl Loaded {
    /// What this is at a time: nothing is alive after its deadline.
    ///
    /// ```
    /// use starsessions::Timestamp;
    /// use starsessions::store::{Loaded, Record};
    ///
    /// let at = Timestamp::from_unix_seconds;
    /// let found = Loaded::Live(Record::new(at(0), at(600)));
    /// assert!(matches!(found.clone().at(at(599)), Some(Loaded::Live(_))));
    /// assert!(matches!(found.at(at(600)), Some(Loaded::Expired(_))));
    /// ```
    #[must_use]
    pub fn at(self, now: Timestamp) -> Option<Self> {
        match self {
            Self::Live(mut record) if record.is_expired(now) => {
                record.fields = Fields::default();
                Some(Self::Expired(record))
            }
            Self::Moved(forward) if forward.until <= now => None,
            found => Some(found),
        }
    }

    /// What a commit meets that was refused.
    #[cfg(any(
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    ))]
    fn into_committed(self) -> Committed {
        match self {
            Self::Live(record) => Committed::Conflict(record),
            Self::Moved(forward) => Committed::Moved(forward),
            Self::Expired(_) => Committed::Gone,
        }
    }

    /// What a rotation meets that was refused.
    #[cfg(any(
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    ))]
    fn into_rotated(self) -> Rotated {
        match self {
            Self::Live(record) => Rotated::Conflict(record),
            Self::Moved(forward) => Rotated::Moved(forward),
            Self::Expired(_) => Rotated::Gone,
        }
    }
}

/// The outcome of [`Store::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The record is stored.
    Applied,
    /// Something is under that key; nothing was written.
    Exists,
}

/// The outcome of [`Store::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All changes are stored, and the record has this revision now.
    Applied(u64),
    /// A guard failed; nothing was written. The record as it is now.
    Conflict(Record),
    /// The record has moved to a new key; nothing was written.
    Moved(Forward),
    /// There is no such record any more; nothing was written.
    Gone,
}

/// The outcome of [`Store::rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The record is under the new key.
    Applied,
    /// Something is under the new key already; nothing was written.
    Exists,
    /// The old record has another revision than expected; nothing was written. It is this now.
    Conflict(Record),
    /// Another request has rotated the record; nothing was written.
    Moved(Forward),
    /// There is no old record any more; nothing was written.
    Gone,
}

/// The outcome of [`Store::touch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The deadlines are stored.
    Applied,
    /// There is no such record any more.
    Gone,
}

/// Why a store could not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or did not answer in time. Whether the operation took place is
    /// unknown.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// What is stored under the key is not a record.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The store is at its limit of signed-in sessions.
    Full,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "the session store cannot be reached; look at its own log",
            Self::Corrupt(_) => {
                "the session store holds something that is not a session; was it written by another program?"
            }
            Self::Full => "the session store is full; raise its limit of signed-in sessions",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Corrupt(source) => Some(&**source),
            Self::Full => None,
        }
    }
}
