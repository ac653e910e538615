//! Sessions in MySQL or MariaDB: for several machines that share a database.

mod schema;
mod statements;

use sqlx::error::DatabaseError;
use sqlx::mysql::{MySql, MySqlDatabaseError, MySqlPool};

use self::statements::Statements;
use super::facade::sql_store;
use super::failure::Reason;

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
    MySqlStore, MySqlStoreBuilder, MySql, MySqlPool, "mysql::MySqlPoolOptions", "ROLLBACK"
}

/// What an error of the server means.
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
