//! Errors of the server and of the connection, and their meaning for an operation.

use std::error::Error;

use super::driver::Driver;
use crate::sentence::{debug_as_sentence, sentences};
use crate::store::StoreError;

/// Why a request has no answer.
pub(super) struct Failure {
    pub(super) reason: Reason,
    source: Box<dyn Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The server has rolled the request back because of another one: nothing was written.
    Undone,
    /// There was no connection to send the request over.
    Unsent,
    /// The connection is broken, silent or being closed: whether the request took place is unknown.
    Lost,
    /// The server accepts no changes: it is a replica, or has become one.
    ReadOnly,
    // With the other reasons, the server refuses the request over a working connection: nothing was written.
    Connection,
    DiskFull,
    NoTable,
    NoColumn,
    NotAllowed,
    Other,
}

impl Failure {
    pub(super) fn new(reason: Reason, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self { reason, source }
    }

    /// The failure of a request that was sent.
    pub(super) fn of<DB: Driver>(error: sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, Protocol, Tls, WorkerCrashed};
        let reason = match &error {
            Database(refused) => DB::reason(&**refused),
            Io(_) | Tls(_) | Protocol(_) | WorkerCrashed => Reason::Lost,
            _ => Reason::Other,
        };
        Self::new(reason, error)
    }

    /// The failure to get a connection.
    pub(super) fn to_connect(error: sqlx::Error) -> Self {
        use sqlx::Error::{Configuration, Database, PoolClosed};
        let reason = match error {
            PoolClosed | Configuration(_) | Database(_) => Reason::Connection,
            _ => Reason::Unsent,
        };
        Self::new(reason, error)
    }
}

debug_as_sentence!(Failure);

sentences! { Failure:
    Self { reason: Reason::Undone, source } => "the database server has undone a statement about sessions each time", from &**source;
    Self { reason: Reason::Unsent, source } => "there is no connection to the database server", from &**source;
    Self { reason: Reason::Lost, source } => "the connection to the database server is broken or silent", from &**source;
    Self { reason: Reason::Connection, source } => "the server or its pool refuses a connection", from &**source;
    Self { reason: Reason::DiskFull, source } => "the disk of the database server is full", from &**source;
    Self { reason: Reason::ReadOnly, source } => "the database server takes no changes; is it a replica?", from &**source;
    Self { reason: Reason::NoTable, source } => "the table of sessions is not there; run the store's `migrate`", from &**source;
    Self { reason: Reason::NotAllowed, source } => "the database user may not use the table of sessions", from &**source;
    Self { source, .. } => "the database server refuses a statement about sessions", from &**source;
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.into())
    }
}
