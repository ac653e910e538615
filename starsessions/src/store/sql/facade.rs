//! The public face of a store on an SQL server, written once.

/// Makes a store and its builder around a [`Table`](super::table::Table) with these statements.
macro_rules! sql_store {
    ($(#[$about:meta])* $store:ident, $builder:ident, $pool:ty, $statements:ty) => {
        use std::fmt;
        use std::sync::Arc;
        use std::time::Duration;

        use crate::clock::Timestamp;
        use crate::crypto::{IndexKey, RowKey};
        use crate::store::sql::connections::{Connections, RESPONSE_TIMEOUT};
        use crate::store::sql::names::{DEFAULT_TABLE, MigrateError, TableName, TableNameError};
        use crate::store::sql::table::{Dialect, Table};
        use crate::store::uninterrupted::to_its_end;
        use crate::store::{
            Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, Store, StoreError, Touch,
            Touched,
        };

        $(#[$about])*
        #[derive(Clone)]
        pub struct $store {
            table: Arc<Table<$statements>>,
        }

        impl $store {
            /// A store in the table `starsessions` of the database that the pool leads to.
            #[must_use]
            pub fn new(pool: $pool) -> Self {
                Self::builder(pool).with_table(TableName::default())
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
            /// It needs the right `CREATE`, on MySQL and MariaDB `REFERENCES` as well; nothing else here does.
            /// Where all changes of a database are kept in one place, take [`schema_sql`](Self::schema_sql)
            /// there instead.
            ///
            /// Runs to its end, also if its future is dropped.
            ///
            /// # Errors
            /// See [`MigrateError`].
            pub async fn migrate(&self) -> Result<(), MigrateError> {
                let table = Arc::clone(&self.table);
                to_its_end(async move { table.dialect.migrate(table.connections.pool()).await }).await
            }

            /// What [`migrate`](Self::migrate) runs: a script for the application's own migrations.
            #[must_use]
            pub fn schema_sql(&self) -> String {
                self.table.dialect.script()
            }
        }

        impl fmt::Debug for $store {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($store))
                    .field("table", self.table.dialect.name())
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
                    dialect: <$statements>::new(table),
                    protection: self.protection,
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

        impl Store for $store {
            fn protection(&self) -> Protection {
                self.table.protection
            }

            async fn load(&self, key: &RowKey, _: Timestamp) -> Result<Option<Row>, StoreError> {
                self.table.load(key).await
            }

            async fn insert(
                &self,
                key: &RowKey,
                row: &Row,
                now: Timestamp,
            ) -> Result<Inserted, StoreError> {
                self.table.insert(key, row, now).await
            }

            async fn replace(
                &self,
                key: &RowKey,
                seen: &Row,
                row: &Row,
                now: Timestamp,
            ) -> Result<Replaced, StoreError> {
                self.table.replace(key, seen, row, now).await
            }

            async fn rotate(
                &self,
                rotation: Rotation<'_>,
                now: Timestamp,
            ) -> Result<Rotated, StoreError> {
                self.table.rotate(&rotation, now).await
            }

            async fn touch(
                &self,
                key: &RowKey,
                seen: &Row,
                touch: Touch,
                now: Timestamp,
            ) -> Result<Touched, StoreError> {
                self.table.touch(key, seen, touch, now).await
            }

            async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
                Dialect::remove(&self.table, key).await
            }

            async fn listed(
                &self,
                index_key: &IndexKey,
                now: Timestamp,
            ) -> Result<Vec<Listed>, StoreError> {
                self.table.listed(index_key, now).await
            }

            async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
                self.table.sweep(limit, now).await
            }
        }
    };
}
pub(super) use sql_store;
