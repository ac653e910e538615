//! Where sessions are kept: one trait, and its stores.
//!
//! A store keeps one opaque value for each session and replaces it only if it still is the value that
//! was read, like a web server with `ETag` and `If-Match`. It knows no fields, cookies, keys or policies.
//!
//! # What a copy shows
//!
//! Values are kept sealed in files and on servers, under keys that only the cookies lead to. A reader of the store,
//! or of a backup, sees how many sessions there are, their times and sizes, and which sessions have the same indexed
//! value, but not the value. Restoring a backup brings back sessions that have been ended since: change the keys, or
//! empty the store.
//!
//! # A custom store
//!
//! Implement [`Store`] to keep sessions somewhere else, and test the implementation with the suite in
//! `starsessions::testing::conformance`.

#[cfg(any(
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
pub(crate) mod again;
mod cookie;
mod counts;
mod erased;
#[cfg(any(
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
mod facade;
mod listing;
mod memory;
pub(crate) mod packed;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod row;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
mod uninterrupted;

use std::error::Error;
use std::future::Future;

pub use self::cookie::{Backend, CookieStore};
pub(crate) use self::cookie::{BackendKind, CookieMode};
pub use self::counts::StoreCounts;
#[cfg(feature = "python")]
pub(crate) use self::erased::DEFAULT_TIMEOUT;
pub(crate) use self::erased::ErasedStore;
#[cfg(feature = "takeover")]
pub(crate) use self::erased::within;
pub use self::listing::Listing;
pub use self::memory::{MemoryStore, MemoryStoreBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{RedisClient, RedisConnectError, RedisStore, RedisStoreBuilder};
pub use self::row::{Listed, Rotation, Row, Touch};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use self::sql::SetupError;
#[cfg(feature = "mysql")]
pub use self::sql::{MySqlStore, MySqlStoreBuilder};
#[cfg(feature = "postgres")]
pub use self::sql::{PostgresStore, PostgresStoreBuilder};
#[cfg(feature = "sqlite")]
pub use self::sql::{SqliteStore, SqliteStoreBuilder};
pub use self::uninterrupted::Uninterrupted;
pub(crate) use self::uninterrupted::to_its_end;
use crate::clock::Timestamp;
pub use crate::crypto::{IndexKey, RowKey};
use crate::sentence::{debug_as_sentence, sentences};

/// A place that keeps rows under keys.
///
/// The caller passes the current time. The contract of a store:
///
/// 1. **Only `insert` and `rotate` create a row**, and only under a key without a row. No other
///    operation brings back a row that was removed, has expired or was rotated away.
/// 2. **Each operation is atomic.** Other callers see all of it or nothing of it, even if its future is
///    dropped at any await point.
/// 3. **A row whose deadline is not later than `now` is gone**, whether or not it was swept: `insert`
///    may take its place, `replace` and `rotate` find nothing, no index key leads to it. `load` may still
///    return it, so that the runtime can distinguish an expired session from an unknown one.
/// 4. **A row is replaced only if it still has the revision that was read.** Otherwise nothing is
///    written, and the stored row is returned.
/// 5. **A row is kept as it was given**, byte for byte, with its revision and its listing. Only its
///    times may be later: if the row was [touched](Self::touch) since it was read, the later times
///    stay, also if the session moves to another key (see [`Row::in_place_of`]). The row that a rotation
///    leaves may have the later times or not.
/// 6. **An index key leads to every live row that is filed under it**: to each row written before the
///    call, and to none that has ended.
/// 7. **Keys are compared byte by byte.**
///
/// Each operation may be repeated after an error: values sealed by the runtime are unique, so a store can find out
/// whether the first try arrived. An equal value in the clear may be another request's. Errors mean that the outcome
/// is unknown or that the store could not be reached; "not there" is never an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "use `MemoryStore`, `CookieStore`, or implement `Store`"
)]
pub trait Store: Send + Sync + 'static {
    /// How the values that this store keeps are protected.
    ///
    /// Use [`Protection::Sealed`] for every store that others could read or copy: a file, a server,
    /// a backup.
    fn protection(&self) -> Protection;

    /// The row under `key`.
    fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// Inserts a new row. Never replaces one.
    fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> impl Future<Output = Result<Inserted, StoreError>> + Send;

    /// Replaces `seen` by `row`, if `seen` is still stored. The deadline of `row` may have passed already: this ends a
    /// session unless another request has written meanwhile.
    fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> impl Future<Output = Result<Replaced, StoreError>> + Send;

    /// Moves a session to a new key: inserts the one row and replaces the other, or does neither.
    ///
    /// A store that cannot change two keys at once keeps this default. The runtime then moves the session
    /// in steps, and whichever step fails, no session is lost or left behind.
    fn rotate(
        &self,
        rotation: Rotation<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Rotated, StoreError>> + Send {
        let _ = (rotation, now);
        std::future::ready(Ok(Rotated::Unsupported))
    }

    /// Moves the times of `seen` forward, if `seen` is still stored; does not change the revision.
    fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> impl Future<Output = Result<Touched, StoreError>> + Send;

    /// Ends the row under `key`, and returns it: it may be the way to a successor that must end too.
    fn remove(&self, key: &RowKey) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// The live rows that are filed under `index_key`, in no particular order.
    fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;

    /// Frees at most `limit` expired rows; returns how many rows it looked at. If that is `limit`, the
    /// caller should call again.
    fn sweep(
        &self,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// How values are protected where they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted and authenticated with a key that only the session's cookie leads to.
    Sealed,
    /// In the clear: for a store inside this process, whose memory holds the keys as well.
    Plain,
}

/// The outcome of [`Store::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The row is stored.
    Inserted,
    /// The key has a row already; nothing was written.
    Exists,
}

/// The outcome of [`Store::replace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The row is stored.
    Replaced,
    /// Another row is stored, which is returned; nothing was written.
    Stale(Row),
    /// There is no live row any more; nothing was written.
    Gone,
}

/// The outcome of [`Store::rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session is under the new key.
    Rotated,
    /// Another row is under the old key, which is returned; nothing was written.
    Stale(Row),
    /// The new key has a row already; nothing was written.
    Exists,
    /// There is no live row under the old key any more; nothing was written.
    Gone,
    /// This store cannot change two keys at once; nothing was written.
    Unsupported,
}

/// The outcome of a rotation whose new row is stored, from that of the old row's replacement.
impl From<Replaced> for Rotated {
    fn from(replaced: Replaced) -> Self {
        match replaced {
            Replaced::Replaced => Self::Rotated,
            Replaced::Stale(row) => Self::Stale(row),
            Replaced::Gone => Self::Gone,
        }
    }
}

/// The outcome of [`Store::touch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The times are stored.
    Touched,
    /// The row is not there any more, or not as it was read; nothing was written.
    Stale,
}

/// The answer of a store.
pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store could not do what it was asked.
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, did not answer in time, or refuses the operation, as it does when its
    /// disk is full. Whether the operation took place is unknown.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The stored value under the key is not a record.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The store is at its limit of signed-in sessions.
    Full,
}

debug_as_sentence!(StoreError);

sentences! { StoreError:
    Self::Unavailable(source) => "the session store has failed; look at the cause, and at the store's own log", from &**source;
    Self::Corrupt(source) => "the session store holds something that is not a session; was it written by another program?", from &**source;
    Self::Full => "the session store is full; raise its limit of signed-in sessions";
}
