//! The public face of a store on an SQL server, written once.

/// Makes a store and its builder around the [`Table`](super::table::Table) of a server.
macro_rules! sql_store {
    (
        $(#[$about:meta])*
        $store:ident, $builder:ident, $server:ident, $database:literal,
        $module:literal, $pool:ident, $rollback:literal
    ) => {
        use std::sync::Arc;
        use std::time::Duration;

        use crate::store::facade::facade;
        use crate::store::sql::connections::{Connections, RESPONSE_TIMEOUT};
        use crate::store::sql::setup::{DAY, SetupError, TableName};
        use crate::store::sql::table::Table;
        use crate::store::{Protection, to_its_end};

        #[doc = concat!("Keeps sessions in ", $database, ", over a pool of `sqlx`.")]
        ///
        /// ```no_run
        #[doc = concat!("use sqlx::", $module, "::", stringify!($pool), ";")]
        #[doc = concat!("use starsessions::{KeyRing, ", stringify!($store), ", SessionLayer};")]
        ///
        /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let sessions = ", stringify!($pool), "::connect(&std::env::var(\"DATABASE_URL\")?).await?;")]
        #[doc = concat!("let store = ", stringify!($store), "::new(sessions);")]
        /// store.migrate().await?;
        /// let layer = SessionLayer::new(store, KeyRing::from_env("SESSION_KEYS")?);
        /// # let _ = layer;
        /// # Ok(())
        /// # }
        /// ```
        ///
        $(#[$about])*
        ///
        /// A `replace` or `rotate` that is refused sends one more statement to read the row. The pool adds a ping
        /// before each statement or transaction, unless `test_before_acquire` is off.
        ///
        /// # Durability
        ///
        /// An acknowledged write is as durable as the server makes it. With the defaults (`synchronous_commit = on` in
        /// PostgreSQL, `innodb_flush_log_at_trx_commit = 1` in MySQL and MariaDB) a logout survives a crash and a
        /// power cut.
        ///
        /// # The pool
        ///
        /// Every connection must lead to the same primary: a replica that lags behind still shows sessions that have
        /// ended. A separate pool is best for sessions. It may skip the test of a connection before each use
        /// (`test_before_acquire(false)`), because the store repeats statements that fail on a closed connection.
        ///
        /// sqlx 0.9 leaves a transaction open if a future that begins one is dropped, as that of a request is when its
        /// browser disconnects (launchbadge/sqlx#4385). The next statements over that connection, even a logout, are
        /// rolled back with that transaction. If the application shares the pool, let the pool end such transactions:
        ///
        /// ```no_run
        /// use sqlx::Executor;
        ///
        /// # async fn start(url: &str) -> Result<(), sqlx::Error> {
        #[doc = concat!("let shared = sqlx::", $module, "::", stringify!($pool), "Options::new()")]
        ///     .after_release(|connection, _| {
        #[doc = concat!("        Box::pin(async move { connection.execute(\"", $rollback, "\").await.map(|_| true) })")]
        ///     })
        ///     .connect(url)
        ///     .await?;
        /// # let _ = shared;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # When connections fail
        ///
        /// A statement whose connection breaks, or does not answer within the
        #[doc = concat!("[response time-out](", stringify!($builder), "::response_timeout), is sent once more over another")]
        /// connection; the store recognises what the first try has written. The store closes the failed connection,
        /// idle connections that do not answer, and a connection whose server accepts no changes any more. If the
        /// second try fails as well, or its answer does not show what the first one did, the operation is
        /// [unavailable](crate::store::StoreError::Unavailable).
        ///
        /// Statements run to their end, even if the future of the operation is dropped.
        ///
        /// # What is in the tables
        ///
        /// Values are sealed: see [what a copy shows](crate::store#what-a-copy-shows). The tables are `starsessions`,
        #[doc = concat!("unless another name is [set](", stringify!($builder), "::table), and those whose names begin with it.")]
        ///
        /// # Sweeping
        ///
        /// Expired sessions are never shown again, but stay in the table until they are swept, and so does the mark of
        /// a session that a revocation has ended. One instance that sweeps is enough; several may do so at the same
        /// time. A session that is extended during a sweep stays.
        ///
        /// ```no_run
        /// # use starsessions::config::{Clock, SystemClock};
        /// # async fn sweep_every_minute(store: impl starsessions::store::Store) {
        /// loop {
        ///     tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        ///     if let Err(error) = store.sweep(100_000, SystemClock.now()).await {
        ///         tracing::warn!("sessions are not swept: {error:?}");
        ///     }
        /// }
        /// # }
        /// ```
        #[derive(Clone)]
        pub struct $store {
            table: Arc<Table<$server>>,
        }

        impl $store {
            /// A store in the table `starsessions` of the database that the pool leads to.
            #[must_use]
            pub fn new(pool: $pool) -> Self {
                Self::builder(pool).assemble()
            }

            /// A store with other settings.
            #[must_use]
            pub fn builder(pool: $pool) -> $builder {
                let (schema, name) = (None, "starsessions".to_owned());
                $builder {
                    pool,
                    response_timeout: RESPONSE_TIMEOUT,
                    table: TableName { schema, name },
                    protection: Protection::Sealed,
                }
            }

            /// Creates the missing tables, and checks that this version works with the others. Several instances may
            /// call it at the same time, and any number of times. On MySQL and MariaDB, it files the sessions again if
            /// the table of index keys was lost or emptied, because no revocation would find them otherwise.
            ///
            /// Only this method needs the privilege `CREATE`, and on MySQL and MariaDB `REFERENCES`. If the
            /// application has its own migrations, put [`schema_sql`](Self::schema_sql) there instead. Runs to its
            /// end, even if its future is dropped.
            ///
            /// # Errors
            /// See [`SetupError`].
            pub async fn migrate(&self) -> Result<(), SetupError> {
                let table = Arc::clone(&self.table);
                to_its_end(async move { table.migrate().await }).await
            }

            /// The script that [`migrate`](Self::migrate) runs, for the application's own migrations.
            #[must_use]
            pub fn schema_sql(&self) -> String {
                self.table.script("").sql.to_string()
            }
        }

        #[doc = concat!("Settings of a [`", stringify!($store), "`].")]
        #[derive(Clone, Debug)]
        pub struct $builder {
            pool: $pool,
            response_timeout: Duration,
            table: TableName,
            protection: Protection,
        }

        impl $builder {
            /// The name of the table, and the prefix of the names of the other tables; `starsessions` by default.
            #[must_use]
            pub fn table(mut self, name: impl Into<String>) -> Self {
                self.table.name = name.into();
                self
            }

            /// How long a statement may take, including the wait for a free connection, before the connection counts
            /// as silent and another one is tried. Two seconds by default; a sweep, a count, and a query of `migrate`
            /// may take ten times as long. What `migrate` makes has no limit.
            ///
            /// Keep 2.25 times this limit below the layer's store time-out.
            #[must_use]
            pub fn response_timeout(mut self, limit: Duration) -> Self {
                self.response_timeout = limit.min(DAY);
                self
            }

            /// The store.
            ///
            /// # Errors
            /// [`SetupError::Name`].
            pub fn build(self) -> Result<$store, SetupError> {
                self.table.check()?;
                Ok(self.assemble())
            }

            fn assemble(self) -> $store {
                let (pool, limit) = (self.pool, self.response_timeout);
                let table = Table::new(Connections { pool, limit }, self.table, self.protection);
                $store { table }
            }
        }

        facade!($store("table": store.table.name), $builder, |store| store.table.protection, store.table);
    };
}
pub(super) use sql_store;
