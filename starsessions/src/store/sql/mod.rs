//! What the stores on SQL servers share: everything but the statements.

mod connections;
mod facade;
mod failure;
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
mod names;
#[cfg(feature = "postgres")]
mod postgres;
mod server;
mod statement;
mod table;

pub use self::migrate::MigrateError;
#[cfg(feature = "mysql")]
pub use self::mysql::{MySqlStore, MySqlStoreBuilder};
pub use self::names::TableNameError;
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
