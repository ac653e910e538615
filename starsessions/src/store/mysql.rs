//! Sessions in MySQL or MariaDB: for several machines that share a database.

mod columns;
mod fields;
mod rows;
mod schema;
mod statements;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sqlx::mysql::MySqlPool;
use tokio::task::JoinHandle;
use tracing::Instrument;

use self::rows::Rows;
use self::statements::Statements;
use super::sql::{DEFAULT_TABLE, MigrateError, TableName, TableNameError};
use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

/// Keeps sessions in MySQL or MariaDB, over a pool of `sqlx`.
///
/// ```no_run
/// use sqlx::mysql::MySqlPool;
/// use starsessions::{KeyRing, MySqlStore, SessionLayer};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = MySqlPool::connect(&std::env::var("DATABASE_URL")?).await?;
/// let store = MySqlStore::new(sessions);
/// store.migrate().await?;
/// let layer = SessionLayer::new(store, KeyRing::from_env("SESSION_KEYS")?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// # When to choose it
///
/// For an application on several machines that has a MySQL or MariaDB anyway. It wants MySQL 8 or
/// MariaDB 10.6, or a later version, with InnoDB, at any isolation level from READ COMMITTED on. Every
/// connection of the pool leads to the same primary: a replica that lags behind still shows sessions
/// that have ended.
///
/// How to connect is a matter of `sqlx`: the application turns on its features, such as
/// `tls-rustls`. MySQL's own way to check passwords, `caching_sha2_password`, needs TLS; without it, sqlx needs
/// its feature `mysql-rsa`, whose cryptography can be timed (RUSTSEC-2023-0071) and is not built here.
///
/// # A pool that others use
///
/// Best the sessions have a pool of their own. sqlx 0.9 leaves a transaction open if a future that
/// begins one is dropped, as a request is whose browser goes away (launchbadge/sqlx#4385). Whatever
/// comes next over that connection is part of it, a session's logout too, and is undone with it. If
/// the application shares its pool with the store, let the pool end such transactions:
///
/// ```no_run
/// use sqlx::Executor;
/// use sqlx::mysql::MySqlPoolOptions;
///
/// # async fn start(url: &str) -> Result<(), sqlx::Error> {
/// let shared = MySqlPoolOptions::new()
///     .after_release(|connection, _| {
///         Box::pin(async move { connection.execute("ROLLBACK").await.map(|_| true) })
///     })
///     .connect(url)
///     .await?;
/// # let _ = shared;
/// # Ok(())
/// # }
/// ```
///
/// # Durability
///
/// What was acknowledged is as durable as the server makes it. With its defaults
/// (`innodb_flush_log_at_trx_commit = 1`) a logout survives a crash and a power cut.
///
/// # Round trips
///
/// Each statement is a transaction of its own, so no lock outlives a round trip, and a process that
/// stops half way holds nobody up. Whoever has lost against another request asks once more what is
/// there.
///
/// | operation | statements |
/// |---|---|
/// | load, touch, `sessions_of` | 1 |
/// | commit | 1, and 1 for each indexed field that it sets; 1 more for a conflict, or a session that is gone |
/// | create | 1, and 1 for each indexed value |
/// | rotate | 2, and 1 for each indexed value; 2 more if it is refused |
/// | delete | 1; 2 for a session that is gone, 3 for the way that a rotation has left |
/// | sweep | 2 for each thousand |
///
/// A commit changes fields on the server, in one `UPDATE` that checks the guards: two requests that
/// change different fields at the same time both succeed at the first attempt, however many there
/// are. The price is that values are kept as base64. A statement that the server has undone to end a
/// deadlock is made again.
///
/// sqlx adds one more to prepare a statement for the first time on a connection; and with
/// `test_before_acquire`, which is its default, a ping before each.
///
/// Operations run in tasks of their own. One whose future is dropped goes on to its end, so that no
/// answer is left on a connection for the next to read.
///
/// # What is in the tables
///
/// `starsessions`, `starsessions_index` and `starsessions_schema`, unless another name is
/// [set](MySqlStoreBuilder::table). Values are sealed under keys that only the cookies lead to. Whoever
/// has a copy of the database sees how many sessions there are, their times, the names and sizes of
/// their fields, and which of them have the same indexed value, but not which value that is.
///
/// Restoring a backup brings back the sessions that were ended since: change the keys, or delete the
/// rows.
///
/// # Sweeping
///
/// Expired sessions are never shown again, but stay in the table until they are swept. One replica is
/// enough; several do no harm, but share no work. A session that is extended meanwhile stays.
///
/// ```no_run
/// use std::time::Duration;
/// use starsessions::store::Store;
/// use starsessions::{Clock, MySqlStore, SystemClock};
///
/// fn sweep_every_minute(store: MySqlStore) {
///     tokio::spawn(async move {
///         loop {
///             tokio::time::sleep(Duration::from_secs(60)).await;
///             if let Err(error) = store.sweep(100_000, SystemClock.now()).await {
///                 tracing::warn!("sessions are not swept: {error}");
///             }
///         }
///     });
/// }
/// ```
#[derive(Clone)]
pub struct MySqlStore {
    rows: Arc<Rows>,
    protection: Protection,
}

impl MySqlStore {
    /// A store in the table `starsessions` of the database that the pool leads to.
    #[must_use]
    pub fn new(pool: MySqlPool) -> Self {
        Self::with_table(pool, TableName::default(), Protection::Sealed)
    }

    /// Settings of one's own.
    #[must_use]
    pub fn builder(pool: MySqlPool) -> MySqlStoreBuilder {
        MySqlStoreBuilder {
            pool,
            table: DEFAULT_TABLE.to_owned(),
            protection: Protection::Sealed,
        }
    }

    /// Makes the tables, or brings them to what this version works with. Instances may do so at the
    /// same time, and as often as they like.
    ///
    /// It needs the rights `CREATE` and `REFERENCES`, which nothing else here does. Where all changes of
    /// a database are kept in one place, take [`schema_sql`](Self::schema_sql) there instead.
    ///
    /// # Errors
    /// See [`MigrateError`].
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let migrated =
            self.spawn(|rows| async move { schema::migrate(&rows.pool, &rows.statements).await });
        migrated
            .await
            .map_err(|error| MigrateError::Unavailable(error.into()))?
    }

    /// What [`migrate`](Self::migrate) runs: a script for the application's own migrations.
    #[must_use]
    pub fn schema_sql(&self) -> String {
        schema::script(&self.rows.statements)
    }

    fn with_table(pool: MySqlPool, table: TableName, protection: Protection) -> Self {
        let statements = Statements::new(table);
        Self {
            rows: Arc::new(Rows { pool, statements }),
            protection,
        }
    }

    async fn run<T, F>(&self, operation: impl FnOnce(Arc<Rows>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let done = self.spawn(operation).await;
        done.map_err(|error| StoreError::Unavailable(error.into()))?
    }

    /// Goes on to its end, also when nobody waits for it any more.
    fn spawn<F>(&self, operation: impl FnOnce(Arc<Rows>) -> F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(operation(Arc::clone(&self.rows)).in_current_span())
    }
}

impl fmt::Debug for MySqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStore")
            .field("table", self.rows.statements.table())
            .finish_non_exhaustive()
    }
}

impl Store for MySqlStore {
    fn protection(&self) -> Protection {
        self.protection
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        let key = *key;
        self.run(|rows| async move { rows.load(&key, now).await })
            .await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let (key, record) = (*key, record.clone());
        self.run(|rows| async move { rows.create(&key, &record, now).await })
            .await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let (key, commit) = (*key, commit.clone());
        self.run(|rows| async move { rows.commit(&key, &commit, now).await })
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
        self.run(|rows| async move { rows.rotate(&old, &new, &rotation, now).await })
            .await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let (key, touch) = (*key, touch.clone());
        self.run(|rows| async move { rows.touch(&key, &touch, now).await })
            .await
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        let key = *key;
        self.run(|rows| async move { rows.delete(&key, now).await })
            .await
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let index = index.clone();
        self.run(|rows| async move { rows.sessions_of(&index, now).await })
            .await
    }

    /// In batches, each a transaction of its own.
    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let mut found = 0;
        let mut last = Timestamp::from_unix_seconds(0);
        while found < limit {
            let batch = SWEEP_BATCH.min(limit - found);
            let sweep = self.run(move |rows| async move { rows.sweep(batch, last, now).await });
            let (more, until) = sweep.await?;
            found += more;
            last = until;
            if more < batch {
                break;
            }
        }
        Ok(found)
    }
}

/// Settings of a [`MySqlStore`].
#[derive(Clone)]
pub struct MySqlStoreBuilder {
    pool: MySqlPool,
    table: String,
    protection: Protection,
}

impl MySqlStoreBuilder {
    /// The name of the table, and what the names of the two beside it begin with. `starsessions`
    /// unless set.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Keeps values as they are: whoever can read the database or a backup of it can read the
    /// sessions. Sessions that were kept sealed cannot be read any more, and the other way round.
    #[must_use]
    pub fn plain_values(mut self) -> Self {
        self.protection = Protection::Plain;
        self
    }

    /// The store.
    ///
    /// # Errors
    /// If the name of the table would have to be quoted.
    pub fn build(self) -> Result<MySqlStore, TableNameError> {
        let table = TableName::new(None, self.table)?;
        Ok(MySqlStore::with_table(self.pool, table, self.protection))
    }
}

impl fmt::Debug for MySqlStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStoreBuilder")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// Short enough for requests not to wait behind it.
const SWEEP_BATCH: usize = 1_000;
