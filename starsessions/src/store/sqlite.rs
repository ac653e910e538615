//! Sessions in an SQLite file: for one machine, without a server to run.

mod error;
mod queue;
mod rows;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

pub use self::error::SqliteOpenError;
use self::queue::Queue;
use super::owned::owned;
use super::{
    Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, Store, StoreCounts, StoreError,
    Touch, Touched,
};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe::Outages;

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
/// local disk: the locks of network file systems are not reliable. Several machines need a store on a
/// server.
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
/// Sessions are sealed under keys that only the cookies lead to. A copy of the file shows how many
/// sessions there are, their times and sizes, and which of them have the same indexed value, but not
/// which value that is. Only the owner of a new file can read it.
///
/// A copy made with SQLite's own means (`.backup`, `VACUUM INTO`) while the store is open is a
/// complete backup; a plain copy also needs the `-wal` file beside it. Restoring a backup brings
/// back the sessions that were ended since: change the keys, or empty the table `sessions`.
///
/// Each new session frees two expired ones, so the file stops growing without a sweep. It keeps its
/// largest size and uses the room again; `VACUUM` gives it back.
///
/// # Closing
///
/// Clones share the connections. The last clone to be dropped waits until the operations that were
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
    outages: Outages,
}

macro_rules! run {
    ($this:ident, load, $arguments:tt) => {
        $this.read(call!(load, $arguments)).await
    };
    ($this:ident, listed, ($index_key:expr, $now:ident)) => {{
        let read = $this.read(call!(listed, ($index_key, $now)));
        let (listed, passed_over) = read.await?;
        if let Some(error) = passed_over {
            let error = StoreError::Corrupt(error.into());
            $this.shared.outages.report(&error, $now);
        }
        Ok(listed)
    }};
    ($this:ident, sweep, $arguments:tt) => {
        $this.free_expired $arguments.await
    };
    ($this:ident, $name:ident, $arguments:tt) => {
        $this.write(call!($name, $arguments)).await
    };
}

macro_rules! call {
    ($name:ident, ($($argument:expr),*)) => {
        move |connection: &Connection| rows::$name(connection, $($argument),*)
    };
}

impl SqliteStore {
    /// Opens a file, and creates it if it is not there. Waits for the disk, so it belongs to the start
    /// of the application.
    ///
    /// # Errors
    /// See [`SqliteOpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteOpenError> {
        Self::builder(path).open()
    }

    /// Opens a file with other settings.
    #[must_use]
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            path: path.as_ref().to_owned(),
            protection: Protection::Sealed,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Finishes what was handed over and closes the file, for all clones. Later operations fail with
    /// [`StoreError::Unavailable`].
    ///
    /// If the future is dropped, the store may stay open for writing; call it again.
    pub async fn close(&self) {
        self.shared.readers.close().await;
        // The last connection to be closed empties the write-ahead log.
        self.shared.writer.close().await;
    }

    /// How many sessions there are. Walks over all of them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn count(&self, now: Timestamp) -> Result<StoreCounts, StoreError> {
        self.read(move |connection| rows::count(connection, now))
            .await
    }

    /// In steps of one transaction each, so that the writes of requests come between them.
    async fn free_expired(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let mut freed = 0;
        while freed < limit {
            let step = SWEEP_STEP.min(limit - freed);
            let found = self.write(call!(free_expired, (step, now))).await?;
            freed += found;
            if found < step {
                break;
            }
        }
        Ok(freed)
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.readers.run(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
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

owned!(SqliteStore; run, |this| this.shared.protection);

/// Settings of an [`SqliteStore`].
#[derive(Clone, Debug)]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    protection: Protection,
    readers: usize,
    busy_timeout: Duration,
}

impl SqliteStoreBuilder {
    /// Keeps values as they are: a copy of the file or of a backup shows what is in the sessions.
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

    /// Opens the file, and creates it if it is not there.
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
                outages: Outages::default(),
                writer: Queue::writer(writer).map_err(no_thread)?,
                readers: Queue::readers(readers).map_err(no_thread)?,
            }),
        })
    }
}

/// A few milliseconds of the writer's time.
const SWEEP_STEP: usize = 256;
