//! The stores in SQL: one set of operations, and what each database does in its own way.

mod columns;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod connections;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod driver;
mod error;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod failure;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
mod names;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod table;

use std::time::Duration;

pub use self::error::SetupError;
#[cfg(feature = "mysql")]
pub use self::mysql::{MySqlStore, MySqlStoreBuilder};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteStore, SqliteStoreBuilder};

/// The longest time-out: as good as none, and less than drivers and clocks can tell.
const DAY: Duration = Duration::from_secs(24 * 3_600);
