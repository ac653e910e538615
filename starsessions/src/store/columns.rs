//! A row as the columns of a table.

use std::sync::Arc;

use super::{Listing, Row};
use crate::clock::Timestamp;
use crate::crypto::IndexKey;

/// What a table keeps of a row: the index keys one after the other, no card for a guest.
pub(super) type Columns = (i64, i64, i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

/// The row that these columns hold; `None` if they are not what this crate writes.
pub(super) fn row(columns: Columns) -> Option<Row> {
    let (revision, deadline, last_seen, value, index_keys, card) = columns;
    let mut row = Row::new(value, time(last_seen), time(deadline));
    row.revision = revision.cast_unsigned();
    row.listing = match card {
        Some(card) => Some(Arc::new(listing(&index_keys?, card)?)),
        None if index_keys.as_deref().unwrap_or_default().is_empty() => None,
        None => return None,
    };
    Some(row)
}

fn listing(index_keys: &[u8], card: Vec<u8>) -> Option<Listing> {
    let (index_keys, []) = index_keys.as_chunks() else {
        return None;
    };
    let index_keys = index_keys.iter().copied().map(IndexKey::from_bytes);
    Some(Listing::new(index_keys.collect(), card))
}

/// A revision, bit for bit: it is compared, never ordered.
pub(super) fn revision(row: &Row) -> i64 {
    row.revision.cast_signed()
}

/// Seconds end at 2^63, which is 292 billion years after 1970.
pub(super) fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_unix_seconds()).unwrap_or(i64::MAX)
}

/// One after the other.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(super) fn joined(index_keys: &[IndexKey]) -> Vec<u8> {
    let bytes = index_keys.iter().flat_map(IndexKey::as_bytes);
    bytes.copied().collect()
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds.max(0).cast_unsigned())
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
            let columns = (revision(&sent), 2, 1, b"value".to_vec(), None, None);
            assert_eq!(row(columns), Some(sent));
        }
    }
}
