//! Sessions in PostgreSQL: for several machines that share a database.

mod schema;
mod statements;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnection, PgPool, PgRow, Postgres};

use self::statements::Statements;
use super::facade::sql_store;
use super::failure::Reason;
use super::request::{Prepared, Server};

sql_store! {
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
    /// For an application on several machines that has a PostgreSQL anyway. It needs version 12 or later and
    /// works at every isolation level. Every connection of the pool must lead to the same primary: a replica
    /// that lags behind still shows sessions that have ended.
    ///
    /// # A pool that is shared
    ///
    /// A pool of their own is best for sessions. It may leave out the test of a connection before each use,
    /// because the store repeats what fails on a connection that was closed:
    ///
    /// ```no_run
    /// # async fn start(url: &str) -> Result<(), sqlx::Error> {
    /// let options = sqlx::postgres::PgPoolOptions::new().test_before_acquire(false);
    /// let sessions = options.connect(url).await?;
    /// # let _ = sessions;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// sqlx 0.9 leaves a transaction open if a future that begins one is dropped, as that of a request is
    /// when its browser goes away (launchbadge/sqlx#4385). What is sent over that connection next is part of
    /// that transaction and is undone with it, a logout too. If the application shares its pool with the
    /// store, let the pool end such transactions:
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
    /// Each operation is one statement, which is a transaction of its own: no lock outlives a round trip. A
    /// `replace` or `rotate` that is refused asks once more what is there, and a sweep is one statement for
    /// each thousand rows. The pool adds a ping before each statement, unless `test_before_acquire` is off.
    ///
    /// A `replace` that leaves the deadline and the listing as they are changes no index.
    ///
    /// # When connections fail
    ///
    /// A statement whose connection breaks, or does not answer within the
    /// [response time-out](PostgresStoreBuilder::response_timeout), is sent once more over another
    /// connection; the store recognises what the first try has written. The connection is closed, and so are
    /// the idle ones that do not answer. If the second try fails as well, or its answer does not tell what
    /// the first one did, the operation is [unavailable](StoreError::Unavailable).
    ///
    /// Statements run in tasks of their own, to their end, also if the future of the operation is dropped.
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
    /// A copy of the database shows how many sessions there are, their times and sizes, and which of them
    /// have the same indexed value, but not which value that is.
    ///
    /// Restoring a backup brings back the sessions that were ended since: change the keys, or delete the
    /// rows.
    ///
    /// # Sweeping
    ///
    /// Expired sessions are never shown again, but stay in the table until they are swept. Any number of
    /// instances may do so, at the same time too: each passes over the rows that another one has, and a
    /// session that is extended meanwhile stays.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use starsessions::store::Store;
    /// use starsessions::config::{Clock, SystemClock};
    /// use starsessions::PostgresStore;
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
    PostgresStore, PostgresStoreBuilder, PgPool, Statements
}

impl PostgresStoreBuilder {
    /// The schema that the table is in; what the connection's `search_path` leads to unless set.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }
}

impl Server for Postgres {
    async fn rows(
        connection: &mut PgConnection,
        query: Prepared<Self>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        query.fetch_all(connection).await
    }

    async fn changes(
        connection: &mut PgConnection,
        query: Prepared<Self>,
    ) -> Result<u64, sqlx::Error> {
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn reason(error: &dyn DatabaseError) -> Reason {
        let code = error.code().unwrap_or_default();
        match &*code {
            "40001" | "40P01" => Reason::Undone,
            "53100" => Reason::DiskFull,
            "25006" => Reason::ReadOnly,
            "42P01" => Reason::NoTable,
            "42501" => Reason::NotAllowed,
            // An operator, a restart or a limit on idle connections ends it.
            _ if code.starts_with("57P") || code.starts_with("08") => Reason::Closing,
            _ => Reason::Other,
        }
    }
}
