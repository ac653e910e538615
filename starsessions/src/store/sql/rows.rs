//! Rows as the servers keep them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listing, Row, StoreError};

/// The columns of a row, in the order in which statements name them; `K` holds index keys.
pub(super) type Columns<K> = (i64, i64, i64, Vec<u8>, Option<K>, Option<Vec<u8>>);

/// The names of [`Columns`].
pub(super) const COLUMNS: &str = "revision, deadline, last_seen, value, index_keys, card";

/// The row that these columns hold.
pub(super) fn row<K>(
    (revision, deadline, last_seen, value, index_keys, card): Columns<K>,
    split: impl FnOnce(K) -> Result<Vec<IndexKey>, Malformed>,
) -> Result<Row, StoreError> {
    let mut row = Row::new(value, time(last_seen), time(deadline));
    row.revision = revision.cast_unsigned();
    row.listing = match (index_keys, card) {
        (Some(keys), Some(card)) => Some(Arc::new(Listing::new(split(keys)?, card))),
        (None, None) => None,
        _ => return Err(Malformed.into()),
    };
    Ok(row)
}

pub(super) fn row_key(bytes: &[u8]) -> Result<RowKey, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed)?;
    Ok(RowKey::from_bytes(bytes))
}

pub(super) fn index_key(bytes: &[u8]) -> Result<IndexKey, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed)?;
    Ok(IndexKey::from_bytes(bytes))
}

/// Seconds as the servers keep them: the end of their time comes 292 billion years after 1970.
pub(super) fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_unix_seconds()).unwrap_or(i64::MAX)
}

/// A revision as the servers keep it, bit for bit: it is compared, never ordered.
pub(super) fn revision(row: &Row) -> i64 {
    row.revision.cast_signed()
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds.max(0).cast_unsigned())
}

/// What is stored is not what this crate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of the session table is malformed; delete the row, or restore the table")
    }
}

impl Error for Malformed {}

impl From<sqlx::Error> for StoreError {
    /// Of a row that was read.
    fn from(error: sqlx::Error) -> Self {
        Self::Corrupt(error.into())
    }
}

impl From<Malformed> for StoreError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_clamped() {
        assert_eq!(seconds(Timestamp::from_unix_seconds(u64::MAX)), i64::MAX);
        assert_eq!(time(-1), Timestamp::from_unix_seconds(0));
    }

    #[test]
    fn every_revision_comes_back() {
        for number in [0, 1, u64::MAX / 2 + 1, u64::MAX] {
            let mut sent = Row::new(*b"value", time(1), time(2));
            sent.revision = number;
            let columns = (revision(&sent), 2, 1, b"value".to_vec(), None::<()>, None);
            assert_eq!(row(columns, |()| Ok(Vec::new())).unwrap(), sent);
        }
    }
}
