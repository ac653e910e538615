//! The database of another library's sessions: a value for each id, in Redis or in a table.

#[cfg(feature = "sqlite")]
use std::path::Path;
#[cfg(feature = "sqlite")]
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "sqlite")]
use std::time::Duration;

#[cfg(any(feature = "mysql", feature = "postgres"))]
use sqlx::AssertSqlSafe;

use crate::clock::Timestamp;
use crate::sentence::debug_as_name;
use crate::store::StoreError;
#[cfg(feature = "redis")]
use crate::store::{RedisClient, RedisConnectError, redis::Link};

/// A database in which another library keeps sessions.
///
/// A pool converts into it: `TowerSessions::new(pool)` takes a `PgPool` or a `MySqlPool` of `sqlx` 0.9. If the
/// application's pools are of another version, add a second pool. A few connections are enough, because each session is
/// taken over once.
pub struct Database(Kind);

enum Kind {
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlPool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "redis")]
    Redis(Box<Link>),
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
}

/// The place of the values in the database.
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
    expect(dead_code, reason = "in Redis there are no columns")
)]
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// The schema, if it is not in the connection's search path.
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) column: &'static str,
    /// The column with the second in which a row ends, if the value does not contain it.
    pub(super) end: Option<&'static str>,
    /// The prefix of the id in Redis.
    pub(super) prefix: String,
}

#[cfg(feature = "mysql")]
impl From<sqlx::MySqlPool> for Database {
    fn from(pool: sqlx::MySqlPool) -> Self {
        Self(Kind::MySql(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::PgPool> for Database {
    fn from(pool: sqlx::PgPool) -> Self {
        Self(Kind::Postgres(pool))
    }
}

impl Database {
    /// Redis: a client of the `redis` crate, with the address that the other library uses.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    #[cfg(feature = "redis")]
    pub async fn redis(client: impl Into<RedisClient>) -> Result<Self, RedisConnectError> {
        Ok(Self(Kind::Redis(Box::new(
            Link::open(client.into()).await?,
        ))))
    }

    /// An SQLite file, which may be in use.
    ///
    /// # Errors
    /// If the file does not exist or cannot be opened.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(unavailable)?;
        connection.busy_timeout(PATIENCE).map_err(unavailable)?;
        Ok(Self(Kind::Sqlite(Arc::new(Mutex::new(connection)))))
    }

    pub(super) fn is_sqlite(&self) -> bool {
        #[cfg(feature = "sqlite")]
        return matches!(self.0, Kind::Sqlite(_));
        #[cfg(not(feature = "sqlite"))]
        false
    }

    /// The value of this id, if it has not expired. Redis removes expired values by itself.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
        expect(unused_variables, reason = "Redis knows the time")
    )]
    pub(super) async fn find(
        &self,
        table: &Table,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            #[cfg(feature = "mysql")]
            Kind::MySql(pool) => {
                let query = table.select("cast(", " as binary)", '`', "?", now);
                let value = sqlx::query_scalar(AssertSqlSafe(query)).bind(id);
                value.fetch_optional(pool).await.map_err(unavailable)
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => {
                let text = table.end.is_some();
                let (before, after) = if text {
                    ("convert_to(", ", 'UTF8')")
                } else {
                    ("", "")
                };
                let query = table.select(before, after, '"', "$1", now);
                let value = sqlx::query_scalar(AssertSqlSafe(query)).bind(id);
                value.fetch_optional(pool).await.map_err(unavailable)
            }
            #[cfg(feature = "redis")]
            Kind::Redis(link) => {
                let get = redis::Cmd::get(format!("{}{id}", table.prefix));
                link.send(&get).await.read()
            }
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(connection) => {
                let query = table.select("cast(", " as blob)", '"', "?1", now);
                let id = id.to_owned();
                let found = on_thread(connection, move |connection| {
                    connection.query_row(&query, [id], |row| row.get(0))
                });
                match found.await {
                    Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
                    found => found.map(Some).map_err(unavailable),
                }
            }
        }
    }

    pub(super) async fn remove(&self, table: &Table, id: &str) -> Result<(), StoreError> {
        match &self.0 {
            #[cfg(feature = "mysql")]
            Kind::MySql(pool) => {
                let query = format!("delete from {} where id = ?", table.quoted('`'));
                let done = sqlx::query(AssertSqlSafe(query)).bind(id).execute(pool);
                done.await.map(drop).map_err(unavailable)
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => {
                let query = format!("delete from {} where id = $1", table.quoted('"'));
                let done = sqlx::query(AssertSqlSafe(query)).bind(id).execute(pool);
                done.await.map(drop).map_err(unavailable)
            }
            #[cfg(feature = "redis")]
            Kind::Redis(link) => {
                let del = redis::Cmd::del(format!("{}{id}", table.prefix));
                link.send(&del).await.read()
            }
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(connection) => {
                let query = format!("delete from {} where id = ?1", table.quoted('"'));
                let id = id.to_owned();
                let done = on_thread(connection, move |connection| {
                    connection.execute(&query, [id])
                });
                done.await.map(drop).map_err(unavailable)
            }
        }
    }
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
impl Table {
    fn select(&self, before: &str, after: &str, quote: char, id: &str, now: Timestamp) -> String {
        let (column, table) = (self.column, self.quoted(quote));
        let mut query = format!("select {before}{column}{after} from {table} where id = {id}");
        if let Some(end) = self.end {
            let now = now.as_unix_seconds();
            query.push_str(&format!(" and ({end} is null or {end} > {now})"));
        }
        query
    }

    fn quoted(&self, quote: char) -> String {
        let doubled = format!("{quote}{quote}");
        let quoted = |name: &String| format!("{quote}{}{quote}", name.replace(quote, &doubled));
        let parts: Vec<_> = self.schema.iter().chain([&self.name]).map(quoted).collect();
        parts.join(".")
    }
}

#[cfg(feature = "sqlite")]
async fn on_thread<T: Send + 'static>(
    connection: &Arc<Mutex<rusqlite::Connection>>,
    job: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> rusqlite::Result<T> {
    let connection = Arc::clone(connection);
    let done = tokio::task::spawn_blocking(move || {
        job(&connection.lock().unwrap_or_else(PoisonError::into_inner))
    });
    // A job does not panic, and is not aborted.
    done.await.unwrap_or(Err(rusqlite::Error::InvalidQuery))
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(error.into())
}

// Shows no address, which may contain a password.
debug_as_name!(Database);

/// How long SQLite waits for another writer of the file.
#[cfg(feature = "sqlite")]
const PATIENCE: Duration = Duration::from_secs(2);
