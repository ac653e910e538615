//! Sessions in PostgreSQL: for several machines that share a database.

mod schema;
mod statements;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgPool, Postgres};

use self::statements::Statements;
use super::facade::sql_store;
use super::failure::Reason;

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
    /// # PgBouncer
    ///
    /// It has to know a parameter that `sqlx` sends: `ignore_startup_parameters = extra_float_digits`. In
    /// session mode that is all. In transaction mode it must be version 1.21 or later with
    /// `max_prepared_statements` above 0, so that it knows the prepared statements of its clients. Otherwise
    /// it mixes them up, and a statement runs in the place of another: this is so for everything that goes
    /// through `sqlx`, and `statement_cache_capacity(0)` does not change it, because `sqlx` names its
    /// statements all the same.
    // By itself, `ROLLBACK` is a warning in the log where there is nothing to roll back.
    PostgresStore, PostgresStoreBuilder, Postgres, PgPool, "postgres::PgPoolOptions", "BEGIN; ROLLBACK"
}

impl PostgresStoreBuilder {
    /// The schema that the table is in; what the connection's `search_path` leads to unless set.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }
}

/// What an error of the server means.
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
