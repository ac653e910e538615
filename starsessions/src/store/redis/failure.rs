//! What a reply that is no answer means for the operation.

use std::error::Error;
use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::packed::Malformed;
use crate::store::StoreError;

/// The server has not answered, or has refused the command.
pub(super) fn failed(error: RedisError) -> StoreError {
    if is_wrong_type(&error) {
        return Malformed.into();
    }
    StoreError::Unavailable(error.into())
}

/// The server does not know the command in this form.
pub(super) fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
}

/// The key holds something that is not a string. Redis 6 wraps the refusal in an error of the script.
pub(super) fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
        || error
            .detail()
            .is_some_and(|detail| detail.contains("WRONGTYPE "))
}

impl From<Malformed> for StoreError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.into())
    }
}

/// Why an operation ended without an outcome, though the server has answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unresolved {
    /// Other requests were faster each time.
    Contended,
    /// The application has closed the store.
    Closed,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contended => "a session is changed by too many requests at once; try again",
            Self::Closed => "the store was closed",
        })
    }
}

impl Error for Unresolved {}

impl From<Unresolved> for StoreError {
    fn from(unresolved: Unresolved) -> Self {
        Self::Unavailable(unresolved.into())
    }
}
