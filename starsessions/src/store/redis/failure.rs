//! What a reply that is no answer means for the operation.

use redis::RedisError;

use crate::store::StoreError;

/// The server has not answered, or has refused the command.
pub(super) fn failed(error: RedisError) -> StoreError {
    match has_code(&error, "WRONGTYPE") {
        true => malformed(),
        false => StoreError::Unavailable(error.into()),
    }
}

/// What is stored is not what this crate writes.
pub(super) fn malformed() -> StoreError {
    let text = "the bytes of a session are malformed; give the sessions a key prefix of their own";
    StoreError::Corrupt(text.into())
}

/// The key of an index has held something else, and what was entered there is gone.
pub(super) fn lost_index() -> StoreError {
    let text = "an index of sessions was overwritten and begins anew: sessions that were in it may be missing from \
                lists and revocations; give the sessions a key prefix of their own";
    StoreError::Corrupt(text.into())
}

/// Other requests were faster each time.
pub(crate) fn contended() -> StoreError {
    let text = "a session is changed by too many requests at once; try again";
    StoreError::Unavailable(text.into())
}

/// Whether this is the server's error of a kind. Redis 6 wraps what a script meets in an error of the script.
pub(super) fn has_code(error: &RedisError, code: &str) -> bool {
    let is_wrapped = |detail: &str| detail.contains(&format!("{code} "));
    error.code() == Some(code) || error.detail().is_some_and(is_wrapped)
}
