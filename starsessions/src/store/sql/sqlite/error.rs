//! What goes wrong between the store and its file.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::store::StoreError;
use crate::store::sql::error::SetupError;

impl From<rusqlite::Error> for SetupError {
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
