//! Sessions in an SQLite file: for one machine, without a server to run.

mod fault;
mod fields;
mod queue;
mod rows;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use self::fault::Fault;
use self::queue::Queue;
pub use self::schema::SqliteOpenError;
use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

/// Keeps sessions in an SQLite file.
///
/// ```no_run
/// use starsessions::{KeyRing, SessionLayer, SqliteStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = SqliteStore::open("sessions.db")?;
/// let layer = SessionLayer::new(store.clone(), KeyRing::from_env("SESSION_KEYS")?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// # When to choose it
///
/// For an application on one machine whose sessions survive a restart. Several processes of that
/// machine can share the file, so a deployment can overlap with the one before it. The file belongs on a
/// local disk: the locks of network file systems are not reliable. For several machines take a store
/// on a server.
///
/// # Durability
///
/// What was acknowledged is on the disk (write-ahead log, `synchronous = FULL`): a logout survives a
/// crash of the process, of the system, and a power cut, as far as the disk keeps its promises.
/// Writes that wait at the same time share one transaction and so one wait for the disk.
///
/// SQLite runs on threads of the store's own, one that writes and some that read; no task is ever
/// blocked. An operation whose future is dropped takes place as a whole or not at all.
///
/// # What is in the file
///
/// Values are sealed under keys that only the cookies lead to. Whoever has a copy of the file sees
/// how many sessions there are, their times, the names and sizes of their fields, and which of them
/// have the same indexed value, but not which value that is. A new file is for its owner alone.
///
/// A copy made with SQLite's own means (`.backup`, `VACUUM INTO`) while the store is open is a
/// complete backup; a plain copy also needs the `-wal` file beside it. Restoring a backup brings
/// back the sessions that were ended since: change the keys, or empty the table `sessions`.
///
/// Each new session frees two expired ones, so that there is nothing to run beside. The file keeps its
/// largest size and uses the room again; `VACUUM` gives it back.
///
/// # Closing
///
/// Clones share the connections. The last one to be dropped waits until the operations that were
/// handed over are done; [`close`](Self::close) does so without blocking.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    protection: Protection,
    writer: Queue,
    readers: Queue,
}

impl SqliteStore {
    /// Opens a file, and makes it if it is not there. Waits for the disk, so it belongs to the start
    /// of the application.
    ///
    /// # Errors
    /// See [`SqliteOpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteOpenError> {
        Self::builder(path).open()
    }

    /// Settings of one's own.
    #[must_use]
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            path: path.as_ref().to_owned(),
            protection: Protection::Sealed,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Finishes what was handed over and closes the file, for all clones. Whatever is asked
    /// afterwards is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.shared.readers.close().await;
        // The last to go: it empties the write-ahead log.
        self.shared.writer.close().await;
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.readers.run(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = move |connection: &Connection| queue::whole(connection, job);
        self.shared.writer.run(job).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn protection(&self) -> Protection {
        self.shared.protection
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        let key = *key;
        self.read(move |connection| rows::load(connection, &key, now))
            .await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let (key, record) = (*key, record.clone());
        self.write(move |connection| rows::create(connection, &key, &record, now))
            .await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let (key, commit) = (*key, commit.clone());
        self.write(move |connection| rows::commit(connection, &key, &commit, now))
            .await
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let (old, new, rotation) = (*old, *new, rotation.clone());
        self.write(move |connection| rows::rotate(connection, &old, &new, &rotation, now))
            .await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let (key, touch) = (*key, touch.clone());
        self.write(move |connection| rows::touch(connection, &key, &touch, now))
            .await
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        let key = *key;
        self.write(move |connection| rows::delete(connection, &key, now))
            .await
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let index = index.clone();
        self.read(move |connection| rows::sessions_of(connection, &index, now))
            .await
    }

    /// In batches of their own, with the writes of requests between them.
    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let mut freed = 0;
        while freed < limit {
            let batch = SWEEP_BATCH.min(limit - freed);
            let found = self
                .write(move |connection| rows::free_expired(connection, batch, now))
                .await?;
            freed += found;
            if found < batch {
                break;
            }
        }
        Ok(freed)
    }
}

/// Settings of an [`SqliteStore`].
#[derive(Clone, Debug)]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    protection: Protection,
    readers: usize,
    busy_timeout: Duration,
}

impl SqliteStoreBuilder {
    /// Keeps values as they are: whoever can read the file or a backup of it can read the sessions.
    /// Sessions that were kept sealed cannot be read any more, and the other way round.
    #[must_use]
    pub fn plain_values(mut self) -> Self {
        self.protection = Protection::Plain;
        self
    }

    /// How many threads read, each over a connection of its own. 4 unless set; at least 1.
    #[must_use]
    pub fn readers(mut self, threads: usize) -> Self {
        self.readers = threads.max(1);
        self
    }

    /// How long a write waits for another process that is writing. 5 seconds unless set.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    /// See [`SqliteOpenError`].
    pub fn open(self) -> Result<SqliteStore, SqliteOpenError> {
        let writer = schema::open_to_write(&self.path, self.busy_timeout)?;
        let readers = (0..self.readers)
            .map(|_| schema::open_to_read(&self.path, self.busy_timeout))
            .collect::<Result<_, _>>()?;
        let no_thread = |error: std::io::Error| SqliteOpenError::Unavailable(error.into());
        Ok(SqliteStore {
            shared: Arc::new(Shared {
                path: self.path,
                protection: self.protection,
                writer: Queue::writer(writer).map_err(no_thread)?,
                readers: Queue::readers(readers).map_err(no_thread)?,
            }),
        })
    }
}

/// A few milliseconds of the writer's time.
const SWEEP_BATCH: usize = 256;
