//! Sessions in MySQL or MariaDB: for several machines that share a database.

mod schema;
mod statements;

use sqlx::error::DatabaseError;
use sqlx::mysql::{MySql, MySqlConnection, MySqlDatabaseError, MySqlPool, MySqlRow};

use self::statements::Statements;
use super::facade::sql_store;
use super::failure::Reason;
use super::request::{Prepared, Server};

sql_store! {
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
    /// For an application on several machines that has a MySQL or MariaDB anyway. It needs MySQL 8 or
    /// MariaDB 10.6, or a later version, with InnoDB, at any isolation level from READ COMMITTED on. Every
    /// connection of the pool must lead to the same primary: a replica that lags behind still shows sessions
    /// that have ended.
    ///
    /// How to connect is a matter of `sqlx`: the application turns on its features, such as
    /// `tls-rustls`. MySQL's own way to check passwords, `caching_sha2_password`, needs TLS; without it, sqlx needs
    /// its feature `mysql-rsa`, whose cryptography can be timed (RUSTSEC-2023-0071) and is not built here.
    ///
    /// # A pool that is shared
    ///
    /// A pool of their own is best for sessions. It may leave out the test of a connection before each use,
    /// because the store repeats what fails on a connection that was closed:
    ///
    /// ```no_run
    /// # async fn start(url: &str) -> Result<(), sqlx::Error> {
    /// let options = sqlx::mysql::MySqlPoolOptions::new().test_before_acquire(false);
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
    /// | operation | statements |
    /// |---|---|
    /// | load, touch, listed | 1 |
    /// | insert, replace | 1; with index keys that change, a transaction with 1 more for each of them |
    /// | rotate | a transaction of 2, and 1 for each index key that changes |
    /// | remove | 2 |
    /// | sweep | 1 for each thousand |
    ///
    /// A transaction adds its beginning and its end, a `replace` or `rotate` that is refused a look at what is
    /// there. The pool adds a ping before each, unless `test_before_acquire` is off.
    ///
    /// # When connections fail
    ///
    /// A statement whose connection breaks, or does not answer within the
    /// [response time-out](MySqlStoreBuilder::response_timeout), is sent once more over another connection;
    /// the store recognises what the first try has written. The connection is closed, and so are the idle
    /// ones that do not answer. If the second try fails as well, or its answer does not tell what the first
    /// one did, the operation is [unavailable](StoreError::Unavailable).
    ///
    /// Statements run in tasks of their own, to their end, also if the future of the operation is dropped.
    ///
    /// # What is in the tables
    ///
    /// `starsessions`, `starsessions_index` and `starsessions_schema`, unless another name is
    /// [set](MySqlStoreBuilder::table). Values are sealed under keys that only the cookies lead to. A copy of
    /// the database shows how many sessions there are, their times and sizes, and which of them have the same
    /// indexed value, but not which value that is.
    ///
    /// Restoring a backup brings back the sessions that were ended since: change the keys, or delete the
    /// rows.
    ///
    /// # Sweeping
    ///
    /// Expired sessions are never shown again, but stay in the table until they are swept. One instance is
    /// enough; several do no harm, but wait for each other. A session that is extended meanwhile stays.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use starsessions::store::Store;
    /// use starsessions::config::{Clock, SystemClock};
    /// use starsessions::MySqlStore;
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
    MySqlStore, MySqlStoreBuilder, MySqlPool, Statements
}

impl Server for MySql {
    async fn rows(
        connection: &mut MySqlConnection,
        query: Prepared<Self>,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        query.fetch_all(connection).await
    }

    async fn changes(
        connection: &mut MySqlConnection,
        query: Prepared<Self>,
    ) -> Result<u64, sqlx::Error> {
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn reason(error: &dyn DatabaseError) -> Reason {
        let code = error.code().unwrap_or_default();
        let number = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .map_or(0, MySqlDatabaseError::number);
        match number {
            // "Record has changed since last read", of MariaDB 11 under REPEATABLE READ.
            1020 => Reason::Undone,
            _ if code == "40001" => Reason::Undone,
            1021 | 1114 => Reason::DiskFull,
            1290 | 1792 | 1836 => Reason::ReadOnly,
            1146 => Reason::NoTable,
            1044 | 1142 => Reason::NotAllowed,
            // An operator, a restart or a limit on idle connections ends it.
            1053 | 1317 | 1927 | 4031 => Reason::Closing,
            _ if code.starts_with("08") => Reason::Closing,
            _ => Reason::Other,
        }
    }
}
