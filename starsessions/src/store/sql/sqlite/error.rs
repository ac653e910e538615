//! What goes wrong between the store and its file.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::sentence::{debug_as_sentence, sentences};
use crate::store::StoreError;

/// Why an SQLite file cannot be used for sessions.
#[non_exhaustive]
pub enum SqliteOpenError {
    /// The file cannot be opened or written.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The file is damaged, or is no SQLite database at all.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The file is the database of another application.
    Foreign,
    /// The file was written by this crate before its first release.
    Unreleased,
    /// The file was written by a newer version of this crate.
    Newer {
        /// The version of the schema in the file.
        found: i32,
        /// The newest version that this version of the crate knows.
        known: i32,
    },
}

debug_as_sentence!(SqliteOpenError);

sentences! { SqliteOpenError:
    Self::Unavailable(source) => "the session file cannot be opened; check its path, its permissions and the space on its disk", from &**source;
    Self::Corrupt(source) => "the session file is damaged or is not an SQLite database; restore it from a backup, or move it away and begin with a new one", from &**source;
    Self::Foreign => "the file is the database of another application; give the sessions a file of their own";
    Self::Unreleased => "the session file has a layout from before the first release of `starsessions`; move it away and begin with a new one";
    Self::Newer { found, known } => "the session file has schema {found} and this version knows {known}; update `starsessions`, or begin with a new file";
}

impl From<rusqlite::Error> for SqliteOpenError {
    fn from(error: rusqlite::Error) -> Self {
        if is_corruption(&error) {
            Self::Corrupt(error.into())
        } else {
            Self::Unavailable(error.into())
        }
    }
}

/// Shared, because all operations of a transaction may get the same error.
impl From<Arc<rusqlite::Error>> for StoreError {
    fn from(error: Arc<rusqlite::Error>) -> Self {
        if is_corruption(&error) {
            Self::Corrupt(error.into())
        } else {
            Self::Unavailable(error.into())
        }
    }
}

fn is_corruption(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, InvalidColumnType};
    matches!(error, InvalidColumnType(..) | FromSqlConversionFailure(..))
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
}
