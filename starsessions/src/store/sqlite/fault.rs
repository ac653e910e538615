//! What goes wrong between the store and its file.

use std::sync::Arc;

use rusqlite::ErrorCode;

use super::fields::Malformed;
use crate::store::StoreError;

/// An error that all operations of one transaction can be told.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Sqlite(Arc<rusqlite::Error>),
    Malformed(Malformed),
}

impl Fault {
    /// The operation came into a transaction that another one has brought down.
    pub(super) fn rolled_back() -> Self {
        let code = rusqlite::ffi::SQLITE_ABORT_ROLLBACK;
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
    }

    fn is_corruption(&self) -> bool {
        match self {
            Self::Malformed(_) => true,
            Self::Sqlite(error) => matches!(
                (&**error, error.sqlite_error_code()),
                (rusqlite::Error::InvalidColumnType(..), _)
                    | (
                        _,
                        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                    )
            ),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let is_corruption = fault.is_corruption();
        let source = match fault {
            Fault::Sqlite(error) => error.into(),
            Fault::Malformed(malformed) => malformed.into(),
        };
        if is_corruption {
            Self::Corrupt(source)
        } else {
            Self::Unavailable(source)
        }
    }
}
