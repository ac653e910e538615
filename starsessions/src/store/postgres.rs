//! Sessions in PostgreSQL: for several machines that share a database.

mod columns;
mod rows;
mod schema;
mod statements;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sqlx::postgres::PgPool;
use tokio::task::JoinHandle;
use tracing::Instrument;

use self::rows::Rows;
use self::statements::Statements;
use super::sql::{DEFAULT_TABLE, MigrateError, TableName, TableNameError};
use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

/// Keeps sessions in PostgreSQL.
///
/// ```no_run
/// use sqlx::postgres::PgPool;
/// use starsessions::{KeyRing, PostgresStore, SessionLayer};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
/// let store = PostgresStore::new(sessions);
/// store.migrate().await?;
/// let layer = SessionLayer::new(store, KeyRing::from_env("SESSION_KEYS")?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// # When to choose it
///
/// For an application on several machines that has a PostgreSQL anyway. It wants version 12 or later, and
/// works at every isolation level. Every connection of the pool leads to the same primary: a replica
/// that lags behind still shows sessions that have ended.
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
/// use sqlx::postgres::PgPoolOptions;
///
/// # async fn start(url: &str) -> Result<(), sqlx::Error> {
/// let shared = PgPoolOptions::new()
///     .after_release(|connection, _| {
///         // By itself, `ROLLBACK` is a warning in the log where there is nothing to roll back.
///         Box::pin(async move { connection.execute("BEGIN; ROLLBACK").await.map(|_| true) })
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
/// (`synchronous_commit = on`) a logout survives a crash and a power cut.
///
/// # Round trips
///
/// Each operation is one statement, which is a transaction of its own: load, create, commit, rotate, touch,
/// delete and `sessions_of` are one round trip each, and a sweep is one for each thousand. No lock
/// outlives it, and a process that stops half way holds nobody up. A statement that the server has
/// undone because of another one is tried again. What the pool does by itself comes on top: with
/// `test_before_acquire`, which is its default, a ping before each statement.
///
/// A commit changes fields on the server, under the lock of the row: two requests that change
/// different fields at the same time both succeed at the first attempt, however many there are.
///
/// Operations run in tasks of their own. One whose future is dropped goes on to its end.
///
/// # PgBouncer
///
/// It has to know a parameter that `sqlx` sends: `ignore_startup_parameters = extra_float_digits`. In
/// session mode that is all. In transaction mode it must be version 1.21 or later with
/// `max_prepared_statements` above 0, so that it knows the prepared statements of its clients. Otherwise
/// it mixes them up, and a statement runs in the place of another: this is so for everything that goes
/// through `sqlx`, and `statement_cache_capacity(0)` does not change it, because `sqlx` names its
/// statements all the same.
///
/// # What is in the table
///
/// `starsessions`, unless another name is [set](PostgresStoreBuilder::table), and beside it
/// `starsessions_schema` with the version. Values are sealed under keys that only the cookies lead to.
/// Whoever has a copy of the database sees how many sessions there are, their times, the names and sizes
/// of their fields, and which of them have the same indexed value, but not which value that is.
///
/// Restoring a backup brings back the sessions that were ended since: change the keys, or delete the
/// rows.
///
/// # Sweeping
///
/// Expired sessions are never shown again, but stay in the table until they are swept. Any number of
/// replicas may do so, at the same time too: each passes over the rows that another one has, and a
/// session that is extended meanwhile stays.
///
/// ```no_run
/// use std::time::Duration;
/// use starsessions::store::Store;
/// use starsessions::{Clock, PostgresStore, SystemClock};
///
/// fn sweep_every_minute(store: PostgresStore) {
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
pub struct PostgresStore {
    rows: Arc<Rows>,
    protection: Protection,
}

impl PostgresStore {
    /// A store in the table `starsessions` of the database that the pool leads to.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::with_table(pool, TableName::default(), Protection::Sealed)
    }

    /// Settings of one's own.
    #[must_use]
    pub fn builder(pool: PgPool) -> PostgresStoreBuilder {
        PostgresStoreBuilder {
            pool,
            schema: None,
            table: DEFAULT_TABLE.to_owned(),
            protection: Protection::Sealed,
        }
    }

    /// Makes the tables, or brings them to what this version works with. Instances may do so at the
    /// same time, and as often as they like.
    ///
    /// It needs the right `CREATE` in the schema, which nothing else here does. Where all changes of a
    /// database are kept in one place, take [`schema_sql`](Self::schema_sql) there instead.
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

    /// What [`migrate`](Self::migrate) runs: a script for `psql`, or for the application's own migrations.
    #[must_use]
    pub fn schema_sql(&self) -> String {
        schema::script(&self.rows.statements).text().to_owned()
    }

    fn with_table(pool: PgPool, table: TableName, protection: Protection) -> Self {
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

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.rows.statements.table)
            .finish_non_exhaustive()
    }
}

impl Store for PostgresStore {
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
        let mut freed = 0;
        let mut last = Timestamp::from_unix_seconds(0);
        while freed < limit {
            let batch = SWEEP_BATCH.min(limit - freed);
            let sweep = self.run(move |rows| async move { rows.sweep(batch, last, now).await });
            let (found, until) = sweep.await?;
            freed += found;
            last = until;
            if found < batch {
                break;
            }
        }
        Ok(freed)
    }
}

/// Settings of a [`PostgresStore`].
#[derive(Clone)]
pub struct PostgresStoreBuilder {
    pool: PgPool,
    schema: Option<String>,
    table: String,
    protection: Protection,
}

impl PostgresStoreBuilder {
    /// The schema that the table is in; what the connection's `search_path` leads to unless set.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// The name of the table, and what the name of the one beside it begins with. `starsessions`
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
    /// If a name would have to be quoted.
    pub fn build(self) -> Result<PostgresStore, TableNameError> {
        let table = TableName::new(self.schema, self.table)?;
        Ok(PostgresStore::with_table(self.pool, table, self.protection))
    }
}

impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// Short enough for requests not to wait behind it.
const SWEEP_BATCH: usize = 1_000;
