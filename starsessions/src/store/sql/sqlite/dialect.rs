//! The statements of SQLite, how they run, and their errors.
//!
//! SQLite has one writer at a time, even among processes: nothing changes between the statements of a transaction.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlResult, Null, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, Result as SqlResult, ToSql, ffi, params_from_iter};

use super::queue::Queue;
use crate::store::sql::columns::Value;
use crate::store::sql::setup::SetupError;
use crate::store::sql::statement::{Link, Reply, Request, Requests, Server};
use crate::store::{Result, StoreError};

/// The type of this dialect.
pub(super) enum Sqlite {}

impl Server for Sqlite {
    type Link = Threads;

    // `OR IGNORE`: if another program has deleted rows without foreign keys, their entries stay, and new rows may get
    // the same ids.
    const FILE: &'static str = "
        INSERT OR IGNORE INTO session_index (index_key, session)
        SELECT {index_key}, id FROM {table} WHERE session_key = {key}";

    const TAKE_OUT: &'static str = "
        DELETE FROM session_index
        WHERE index_key = {index_key} AND session = (SELECT id FROM {table} WHERE session_key = {key})";

    const LISTED: &'static str = "
        SELECT revision, deadline, last_seen, X'', index_keys, card, session_key
        FROM session_index JOIN {table} ON id = session
        WHERE index_key = {index_key} AND deadline > {now}";

    const SWEEP: &'static str = "
        DELETE FROM {table}
        WHERE id IN (SELECT id FROM {table} WHERE deadline <= {now} ORDER BY deadline LIMIT {number})";

    const GREATEST: &'static str = "max";
    /// A few milliseconds of the writer's time.
    const SWEEP_BATCH: usize = 256;
    /// Two for each new row, so that the file stops growing without a sweep.
    const FREED_PER_INSERT: usize = 2;
}

/// The threads of one store: one that writes, and some that read.
pub(super) struct Threads {
    pub(super) path: PathBuf,
    /// Dropped before the writer: the last connection to be closed empties the write-ahead log, and only that of the
    /// writer has `fullfsync`.
    pub(super) readers: Queue,
    pub(super) writer: Queue,
}

impl Link for Threads {
    async fn send(&self, requests: Requests, _: u32) -> Result<Reply> {
        let queue = match requests.first.sql.trim_start().starts_with("SELECT") {
            true => &self.readers,
            false => &self.writer,
        };
        queue.run(requests).await
    }
}

pub(super) fn run_all(connection: &Connection, requests: &Requests) -> SqlResult<Reply> {
    let code_of = |error: &Error| error.sqlite_error().map(|it| it.extended_code);
    let reply = match run(connection, &requests.first) {
        // The key of the new row is taken.
        Err(error) if code_of(&error) == Some(ffi::SQLITE_CONSTRAINT_UNIQUE) => Reply {
            is_taken: true,
            ..Reply::default()
        },
        reply => reply?,
    };
    if reply.changes > 0 {
        for request in &requests.others {
            run(connection, request)?;
        }
    }
    Ok(reply)
}

fn run(connection: &Connection, request: &Request) -> SqlResult<Reply> {
    let mut statement = connection.prepare_cached(&request.sql)?;
    let width = statement.column_count();
    let mut rows = statement.query(params_from_iter(&request.values))?;
    let mut reply = Reply::default();
    while let Some(row) = rows.next()? {
        let columns = (0..width).map(|column| row.get(column));
        reply.rows.push(columns.collect::<SqlResult<_>>()?);
    }
    reply.changes = connection.changes();
    Ok(reply)
}

impl ToSql for Value {
    fn to_sql(&self) -> SqlResult<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Number(number) => ToSqlOutput::from(*number),
            Self::Bytes(None) => ToSqlOutput::from(Null),
            Self::Bytes(Some(bytes)) => ToSqlOutput::from(&**bytes),
            Self::Keys(keys) => ToSqlOutput::from(keys.as_deref().unwrap_or_default().concat()),
        })
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(match value {
            ValueRef::Integer(number) => Self::Number(number),
            value => Self::Bytes(value.as_blob_or_null()?.map(Into::into)),
        })
    }
}

impl From<Error> for SetupError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.into())
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}

/// Shared, because all operations of a transaction may get the same error. A damaged file counts as an unavailable
/// store, not as a corrupt row, which would make guests of its users.
impl From<Arc<Error>> for StoreError {
    fn from(error: Arc<Error>) -> Self {
        match *error {
            Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) => {
                Self::Corrupt(error.into())
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}
