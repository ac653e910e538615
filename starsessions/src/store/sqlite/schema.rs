//! The file: how it is opened, what is in it, and how it becomes what this version wants.

use std::error::Error;
use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// Opens a file to write, makes it if it is not there, and brings it to the present schema.
pub(super) fn open_to_write(
    path: &Path,
    busy_timeout: Duration,
) -> Result<Connection, SqliteOpenError> {
    create_private(path).map_err(|error| SqliteOpenError::Unavailable(error.into()))?;
    let mut connection = connect(path, busy_timeout)?;
    check_owner(&connection)?;
    // WAL: readers and the writer never wait for each other. FULL: what was acknowledged is on the
    // disk, so that a session that was ended stays ended after a power cut.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// One more connection to a file that is open to write.
pub(super) fn open_to_read(
    path: &Path,
    busy_timeout: Duration,
) -> Result<Connection, SqliteOpenError> {
    let connection = connect(path, busy_timeout)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A new file is for its owner alone; SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Refuses a file that holds something else before anything is changed in it.
fn check_owner(connection: &Connection) -> Result<(), SqliteOpenError> {
    let is_empty = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    let is_empty: bool = connection.query_row(is_empty, [], |row| row.get(0))?;
    if is_empty || pragma(connection, "application_id")? == APPLICATION_ID {
        return Ok(());
    }
    Err(SqliteOpenError::Foreign)
}

fn migrate(connection: &mut Connection) -> Result<(), SqliteOpenError> {
    // Processes that start together take turns here, and the later ones find the work done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = pragma(&transaction, "user_version")?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let Some(missing) = MIGRATIONS.get(done..) else {
        return Err(SqliteOpenError::Newer {
            found,
            known: SCHEMA,
        });
    };
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    if !missing.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    Ok(transaction.commit()?)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Why an SQLite file cannot be used for sessions.
#[derive(Debug)]
#[non_exhaustive]
pub enum SqliteOpenError {
    /// The file cannot be opened or written.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The file is damaged, or is no SQLite database at all.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The file is the database of another application.
    Foreign,
    /// The file was written by a newer version of this crate.
    Newer {
        /// The version of the schema in the file.
        found: i32,
        /// The newest version that is understood here.
        known: i32,
    },
}

impl fmt::Display for SqliteOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the session file cannot be opened; check its path, its permissions and the space on its disk"),
            Self::Corrupt(_) => f.write_str("the session file is damaged or is not an SQLite database; restore it from a backup, or move it away and begin with a new one"),
            Self::Foreign => f.write_str("the file is the database of another application; give the sessions a file of their own"),
            Self::Newer { found, known } => write!(f, "the session file has schema {found} and this version knows {known}; update `starsessions`, or begin with a new file"),
        }
    }
}

impl Error for SqliteOpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Corrupt(source) => Some(&**source),
            Self::Foreign | Self::Newer { .. } => None,
        }
    }
}

impl From<rusqlite::Error> for SqliteOpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.into())
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}

/// "star": which files are ours.
const APPLICATION_ID: i32 = 0x7374_6172;

/// The version of the schema that this code works with.
const SCHEMA: i32 = 1;

/// As many as there are statements, with room.
const STATEMENTS: usize = 32;

/// Each brings the schema from the version that is its place in this list to the next one.
///
/// Rows have a number besides their key: they are appended, so that sessions that begin together lie
/// together and are freed together, where rows ordered by a random key would touch a page each.
/// `expires_at` of a row with `forward` is the end of that way.
const MIGRATIONS: [&str; SCHEMA as usize] = ["
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        issued_at INTEGER NOT NULL,
        last_seen_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        remembered INTEGER NOT NULL,
        identified INTEGER NOT NULL,
        fields BLOB NOT NULL,
        forward BLOB
    ) STRICT;
    CREATE INDEX sessions_by_end ON sessions (expires_at);
    CREATE TABLE session_index (
        key BLOB NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        PRIMARY KEY (key, session)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_index_by_session ON session_index (session);
"];
