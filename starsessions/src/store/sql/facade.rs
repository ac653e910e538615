//! The public face of a store on an SQL server, written once.

/// Makes a store and its builder around a [`Table`](super::table::Table) with these statements.
macro_rules! sql_store {
    (
        $(#[$about:meta])*
        $store:ident, $builder:ident, $server:ident, $pool:ident, $options:literal, $rollback:literal
    ) => {
        use std::fmt;
        use std::future::poll_fn;
        use std::sync::Arc;
        use std::time::Duration;

        use sqlx::{Either, Executor as _, Row as _, SqlStr};

        use crate::store::delegate::delegate;
        use crate::store::sql::connections::{Connections, RESPONSE_TIMEOUT};
        use crate::store::sql::migrate::MigrateError;
        use crate::store::sql::names::{DEFAULT_TABLE, TableName, TableNameError};
        use crate::store::Protection;
        use crate::store::sql::server::Driver;
        use crate::store::sql::statement::Reply;
        use crate::store::sql::table::Table;
        use crate::store::uninterrupted::to_its_end;

        $(#[$about])*
        ///
        /// # A pool that is shared
        ///
        /// A pool of their own is best for sessions. It may leave out the test of a connection before each use
        /// (`test_before_acquire(false)`), because the store repeats what fails on a connection that was closed.
        ///
        /// sqlx 0.9 leaves a transaction open if a future that begins one is dropped, as that of a request is
        /// when its browser goes away (launchbadge/sqlx#4385). What is sent over that connection next is part of
        /// that transaction and is undone with it, a logout too. If the application shares its pool with the
        /// store, let the pool end such transactions:
        ///
        /// ```no_run
        /// use sqlx::Executor;
        ///
        /// # async fn start(url: &str) -> Result<(), sqlx::Error> {
        #[doc = concat!("let shared = sqlx::", $options, "::new()")]
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
        /// connection; the store recognises what the first try has written. The connection is closed, and so are
        /// the idle ones that do not answer. If the second try fails as well, or its answer does not tell what
        /// the first one did, the operation is [unavailable](crate::store::StoreError::Unavailable).
        ///
        /// Statements run to their end, also if the future of the operation is dropped.
        ///
        /// # What is in the tables
        ///
        /// Values are sealed under keys that only the cookies lead to. A copy of the database shows how many
        /// sessions there are, their times and sizes, and which of them have the same indexed value, but not
        /// which value that is.
        ///
        #[doc = concat!("The tables are `starsessions`, unless another name is [set](", stringify!($builder), "::table), and those")]
        /// whose names begin with it. Restoring a backup brings back the sessions that were ended since: change
        /// the keys, or delete the rows.
        ///
        /// # Sweeping
        ///
        /// Expired sessions are never shown again, but stay in the table until they are swept. One instance is
        /// enough, any number may do so at the same time. A session that is extended meanwhile stays.
        ///
        /// ```no_run
        /// use std::time::Duration;
        /// use starsessions::store::Store;
        /// use starsessions::config::{Clock, SystemClock};
        ///
        /// async fn sweep_every_minute(store: impl Store) {
        ///     loop {
        ///         tokio::time::sleep(Duration::from_secs(60)).await;
        ///         if let Err(error) = store.sweep(100_000, SystemClock.now()).await {
        ///             tracing::warn!("sessions are not swept: {error}");
        ///         }
        ///     }
        /// }
        /// ```
        #[derive(Clone)]
        pub struct $store {
            table: Arc<Table<$server>>,
        }

        impl $store {
            /// A store in the table `starsessions` of the database that the pool leads to.
            #[must_use]
            pub fn new(pool: $pool) -> Self {
                let table = DEFAULT_TABLE.to_owned();
                Self::builder(pool).with_table(TableName { schema: None, table })
            }

            /// A store with other settings.
            #[must_use]
            pub fn builder(pool: $pool) -> $builder {
                $builder {
                    pool,
                    schema: None,
                    table: DEFAULT_TABLE.to_owned(),
                    protection: Protection::Sealed,
                    response_timeout: RESPONSE_TIMEOUT,
                }
            }

            /// Makes the tables, or checks that this version works with them. Instances may do so at the same
            /// time, and any number of times.
            ///
            /// To make them it needs the right `CREATE`, on MySQL and MariaDB `REFERENCES` as well; nothing else
            /// here does.
            /// Where all changes of a database are kept in one place, take [`schema_sql`](Self::schema_sql)
            /// there instead.
            ///
            /// Runs to its end, also if its future is dropped.
            ///
            /// # Errors
            /// See [`MigrateError`].
            pub async fn migrate(&self) -> Result<(), MigrateError> {
                let table = Arc::clone(&self.table);
                to_its_end(async move { table.migrate().await }).await
            }

            /// How many sessions there are. Walks over the whole table.
            ///
            /// # Errors
            /// If the server fails, or takes longer than ten times the response time-out.
            pub async fn count(&self, now: crate::clock::Timestamp) -> Result<crate::store::StoreCounts, crate::store::StoreError> {
                self.table.count(now).await
            }

            /// What [`migrate`](Self::migrate) runs: a script for the application's own migrations.
            #[must_use]
            pub fn schema_sql(&self) -> String {
                self.table.script()
            }
        }

        impl fmt::Debug for $store {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($store))
                    .field("table", &self.table.name)
                    .finish_non_exhaustive()
            }
        }

        #[doc = concat!("Settings of a [`", stringify!($store), "`].")]
        #[derive(Clone)]
        pub struct $builder {
            pool: $pool,
            schema: Option<String>,
            table: String,
            protection: Protection,
            response_timeout: Duration,
        }

        impl $builder {
            /// The name of the table, and what the names of those beside it begin with.
            /// `starsessions` unless set.
            #[must_use]
            pub fn table(mut self, name: impl Into<String>) -> Self {
                self.table = name.into();
                self
            }

            /// How long the server may take for a statement, a free connection included, before the connection
            /// counts as silent and another one is tried. Two seconds unless set; a sweep may take ten times as
            /// long.
            ///
            /// Twice this and a quarter should be less than the layer waits for a store.
            #[must_use]
            pub fn response_timeout(mut self, limit: Duration) -> Self {
                self.response_timeout = limit;
                self
            }

            /// Keeps values as they are: everybody who can read the database or a backup of it can read the
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
            pub fn build(self) -> Result<$store, TableNameError> {
                let table = TableName::new(self.schema.clone(), self.table.clone())?;
                Ok(self.with_table(table))
            }

            fn with_table(self, table: TableName) -> $store {
                let table = Table {
                    connections: Connections::new(self.pool, self.response_timeout),
                    statements: <$server>::STATEMENTS.fill::<$server>(&table),
                    name: table,
                    protection: self.protection,
                    outages: crate::observe::Outages::default(),
                };
                $store { table: Arc::new(table) }
            }
        }

        impl fmt::Debug for $builder {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($builder))
                    .field("schema", &self.schema)
                    .field("table", &self.table)
                    .finish_non_exhaustive()
            }
        }

        impl Driver for $server {
            async fn send(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Option<Self::Arguments>,
            ) -> sqlx::Result<Reply<Self>> {
                let mut reply = Reply::default();
                let mut steps = connection.fetch_many((sql, arguments));
                while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
                    match step? {
                        Either::Left(end) => reply.changes += end.rows_affected(),
                        Either::Right(row) => reply.rows.push(row),
                    }
                }
                Ok(reply)
            }

            fn key(row: &Self::Row) -> sqlx::Result<Vec<u8>> {
                row.try_get(6)
            }

            fn number(row: &Self::Row, column: usize) -> sqlx::Result<Option<i64>> {
                row.try_get(column)
            }
        }

        delegate!($store, |store| store.table.protection, store.table);
    };
}
pub(super) use sql_store;
