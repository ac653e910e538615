//! The stores in SQL: one set of operations, and the dialect of each database.

mod columns;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod connections;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod driver;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod failure;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
mod setup;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod table;

#[cfg(feature = "mysql")]
pub use self::mysql::{MySqlStore, MySqlStoreBuilder};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
pub use self::setup::SetupError;
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteStore, SqliteStoreBuilder};
