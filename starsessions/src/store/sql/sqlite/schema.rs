//! The file: opens it, checks that it is one of this store, and creates its tables.

use std::fs::OpenOptions;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::store::sql::setup::SetupError;

/// Opens a file for writing, and creates it with its tables if it does not exist.
pub(super) fn open_to_write(path: &Path, busy_timeout: Duration) -> Result<Connection, SetupError> {
    check_path(path)?;
    create_private(path).map_err(|error| SetupError::Unavailable(error.into()))?;
    let mut connection = connect(path, busy_timeout)?;
    create_tables(&mut connection)?;
    use_write_ahead_log(&connection, busy_timeout)?;
    // FULL: an acknowledged write is on the disk, so that a session that was ended stays ended after a power cut.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(connection)
}

/// Opens a read-only connection to a file that is already open for writing.
pub(super) fn open_to_read(path: &Path, busy_timeout: Duration) -> Result<Connection, SetupError> {
    let connection = connect(path, busy_timeout)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, SetupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Refuses names that SQLite does not take as a path, and URLs, for which it would create a file of that name. A
/// database in memory would be another one for each connection.
fn check_path(path: &Path) -> Result<(), SetupError> {
    let name = path.as_os_str().as_encoded_bytes();
    if name == b":memory:" || name.starts_with(b"file:") || name.starts_with(b"sqlite:") {
        let cure = "name a file by its path, as in \"sessions.db\", or take a `MemoryStore`";
        return Err(SetupError::Unavailable(cure.into()));
    }
    Ok(())
}

/// Creates a new file for its owner only; SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Creates the missing tables. Refuses a file with other contents, without changing it.
fn create_tables(connection: &mut Connection) -> Result<(), SetupError> {
    // Processes that start together take turns here, and the later ones find the tables.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_empty = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    if transaction.query_row(is_empty, [], |row| row.get(0))? {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    match pragma(&transaction, "application_id")? {
        APPLICATION_ID => SetupError::check(pragma(&transaction, "user_version")?, SCHEMA)?,
        UNRELEASED_ID => return Err(SetupError::Unreleased),
        _ => {
            let path = transaction.path().unwrap_or_default();
            return Err(SetupError::Foreign(path.to_owned()));
        }
    }
    transaction.execute_batch(TABLES)?;
    Ok(transaction.commit()?)
}

/// With a write-ahead log, readers and the writer never wait for each other.
fn use_write_ahead_log(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    let is_busy =
        |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let mut left = busy_timeout;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            // SQLite does not wait for another process that makes the same change.
            Err(error) if is_busy(&error) && !left.is_zero() => {
                thread::sleep(PAUSE);
                left = left.saturating_sub(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// "sess": marks the files of this store.
const APPLICATION_ID: i64 = 0x7365_7373;

/// "star": marks files from before the first release, which had a column for each property of a session.
const UNRELEASED_ID: i64 = 0x7374_6172;

/// The version of the schema that this code works with.
const SCHEMA: i64 = 2;

/// Between two attempts to change a file that another process is changing.
const PAUSE: Duration = Duration::from_millis(10);

/// The statement cache: more than there are statements.
const STATEMENTS: usize = 32;

/// Rows are ordered by a number, not by their random key: new rows are appended, so sessions that begin
/// together are on the same pages and are freed together. Ordered by the key, each would touch another
/// page. The value is last, so that the rest of a row is read without the pages of a long value.
///
/// If there are no index entries although the rows that end last have index keys, they were lost, and are made again.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        id INTEGER PRIMARY KEY,
        session_key BLOB NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        deadline INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        card BLOB,
        index_keys BLOB NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_by_deadline ON sessions (deadline);
    CREATE TABLE IF NOT EXISTS session_index (
        index_key BLOB NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        PRIMARY KEY (index_key, session)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS session_index_by_session ON session_index (session);
    INSERT INTO session_index (index_key, session)
    WITH RECURSIVE entry (session, place) AS (
        SELECT id, 1 FROM sessions
        WHERE length(index_keys) >= 32 AND NOT EXISTS (SELECT 1 FROM session_index) AND EXISTS (
            SELECT 1 FROM (SELECT index_keys FROM sessions ORDER BY deadline DESC LIMIT 10000)
            WHERE length(index_keys) >= 32
        )
        UNION ALL
        SELECT id, place + 32 FROM entry JOIN sessions ON id = session
        WHERE length(index_keys) >= place + 63
    )
    SELECT DISTINCT substr(index_keys, place, 32), id FROM entry JOIN sessions ON id = session;
";
