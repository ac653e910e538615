//! What an error of the server or of the connection means for an operation.

use std::error::Error;
use std::fmt;

use super::server::Server;
use crate::store::StoreError;

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server has undone it because of another one: nothing of it took place.
    Undone(sqlx::Error),
    /// A row has the key of the one that was to be inserted: nothing was written.
    Taken,
    /// The server refuses it, over a connection that is in order: nothing was written.
    Refused(Refusal),
    /// There was no connection to send it over.
    Unsent(Box<dyn Error + Send + Sync>),
    /// The connection is broken or silent: whether it took place is unknown.
    Lost(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Of a request that was sent.
    pub(super) fn of<DB: Server>(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(refused) = &error else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed => Self::Lost(error.into()),
                source => Self::refused(Reason::Other, source),
            };
        };
        if refused.is_unique_violation() {
            return Self::Taken;
        }
        match DB::reason(&**refused) {
            Reason::Undone => Self::Undone(error),
            Reason::Closing => Self::Lost(error.into()),
            reason => Self::refused(reason, error),
        }
    }

    /// Of a connection that was asked for.
    pub(super) fn to_connect(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed | sqlx::Error::Configuration(_) | sqlx::Error::Database(_) => {
                Self::refused(Reason::Connection, error)
            }
            other => Self::Unsent(other.into()),
        }
    }

    pub(super) fn cause(self) -> Box<dyn Error + Send + Sync> {
        match self {
            Self::Undone(error) => error.into(),
            // Without the server's message, which shows the key.
            Self::Taken => {
                "the table of sessions has a unique key that this store does not know".into()
            }
            Self::Refused(refusal) => Box::new(refusal),
            Self::Unsent(error) | Self::Lost(error) => error,
        }
    }

    fn refused(reason: Reason, source: sqlx::Error) -> Self {
        Self::Refused(Refusal { reason, source })
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.cause())
    }
}

/// What the code of a server's error stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A serialization failure or a deadlock.
    Undone,
    /// The server is closing the connection.
    Closing,
    Connection,
    DiskFull,
    ReadOnly,
    NoTable,
    NoColumn,
    NotAllowed,
    Other,
}

/// The server could be reached, and does not do what it was asked.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    source: sqlx::Error,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::Connection => "the server or its pool refuses a connection",
            Reason::DiskFull => "the disk of the database server is full",
            Reason::ReadOnly => "the database server takes no changes; is it a replica?",
            Reason::NoTable => "the table of sessions is not there; run the store's `migrate`",
            Reason::NotAllowed => "the database user may not use the table of sessions",
            Reason::Undone | Reason::Closing | Reason::NoColumn | Reason::Other => {
                "the database server refuses a statement about sessions"
            }
        })
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl From<sqlx::Error> for StoreError {
    /// Of a row that was read.
    fn from(error: sqlx::Error) -> Self {
        Self::Corrupt(error.into())
    }
}

/// What is stored is not what this crate writes.
pub(super) fn malformed() -> StoreError {
    let text = "a row of the session table is malformed; delete the row, or restore the table";
    StoreError::Corrupt(text.into())
}
