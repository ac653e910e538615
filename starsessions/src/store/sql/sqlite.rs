//! Sessions in an SQLite file: for one machine, without a server to run.

mod dialect;
mod queue;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::dialect::{Sqlite, Threads};
use self::queue::{Queue, read, write};
use super::setup::{DAY, SetupError, TableName};
use super::table::Table;
use crate::store::Protection;
use crate::store::facade::facade;

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
/// machine can share the file, so a deployment can overlap with the one before it. The file holds only
/// sessions: a database with other tables is refused. Keep it on a local disk: the locks of network file
/// systems are not reliable. Several machines need a store on a server.
///
/// # Durability
///
/// An acknowledged write is on the disk (write-ahead log, `synchronous = FULL`): a logout survives a
/// crash of the process, of the system, and a power cut, as far as the disk keeps its promises.
/// Writes that wait at the same time share one transaction and so one wait for the disk.
///
/// SQLite runs on the store's own threads, one that writes and some that read, so no task is blocked.
/// An operation whose future is dropped takes place as a whole or not at all.
///
/// # What is in the file
///
/// Values are sealed: see [what a copy shows](crate::store#what-a-copy-shows). Only the owner of a new file can
/// read it. A copy made with SQLite's own tools (`.backup`, `VACUUM INTO`) while the store is open is a complete
/// backup; a plain copy also needs the `-wal` file beside it.
///
/// Each new session frees two expired ones, so the file stops growing without a sweep. The file keeps its
/// largest size and reuses the space; `VACUUM` shrinks it.
///
/// # Closing
///
/// Clones share the connections. The drop of the last clone blocks until the accepted operations are done;
/// [`close`](Self::close) waits without blocking.
#[derive(Clone)]
pub struct SqliteStore {
    table: Arc<Table<Sqlite>>,
}

impl SqliteStore {
    /// Opens a file, and creates it and its tables if they do not exist. Blocks on the disk, so call it at the start of
    /// the application.
    ///
    /// # Errors
    /// See [`SetupError`]. `:memory:`, `file:..` and `sqlite:..` are not paths: without a file, use a
    /// [`MemoryStore`](crate::MemoryStore).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SetupError> {
        Self::builder(path).open()
    }

    /// Opens a file with other settings.
    #[must_use]
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            path: path.as_ref().to_owned(),
            protection: Protection::Sealed,
            readers: 4,
            busy_timeout: Duration::from_secs(4),
        }
    }

    /// Finishes the accepted operations and closes the file, for all clones. Later operations fail with
    /// [`StoreError::Unavailable`](crate::store::StoreError::Unavailable).
    ///
    /// If the future is dropped, the store may stay open for writing; call it again.
    pub async fn close(&self) {
        // In the order in which they are dropped.
        self.table.link.readers.close().await;
        self.table.link.writer.close().await;
    }
}

facade!(
    SqliteStore("path": store.table.link.path),
    SqliteStoreBuilder,
    |store| store.table.protection,
    store.table
);

/// Settings of an [`SqliteStore`].
#[derive(Clone, Debug)]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    protection: Protection,
    readers: usize,
    busy_timeout: Duration,
}

impl SqliteStoreBuilder {
    /// How many threads read, each over its own connection; 4 by default, at least 1.
    #[must_use]
    pub fn readers(mut self, threads: usize) -> Self {
        self.readers = threads.max(1);
        self
    }

    /// How long a write waits for another process that is writing; 4 seconds by default.
    ///
    /// Keep it below the layer's store time-out, so that the log says that the file is locked.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(DAY);
        self
    }

    /// Opens the file, and creates it if it does not exist.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn open(self) -> Result<SqliteStore, SetupError> {
        let writer = schema::open_to_write(&self.path, self.busy_timeout)?;
        let readers = (0..self.readers)
            .map(|_| schema::open_to_read(&self.path, self.busy_timeout))
            .collect::<Result<_, _>>()?;
        let no_thread = |error: std::io::Error| SetupError::Unavailable(error.into());
        let link = Threads {
            path: self.path,
            writer: Queue::start("sessions-write", vec![writer], write).map_err(no_thread)?,
            readers: Queue::start("sessions-read", readers, read).map_err(no_thread)?,
        };
        let (schema, name) = (None, "sessions".to_owned());
        let table = Table::new(link, TableName { schema, name }, self.protection);
        Ok(SqliteStore { table })
    }
}
