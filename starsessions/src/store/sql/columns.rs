//! A row as the columns of a table.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listing, Row};

/// The value of a parameter or a column. A server without arrays keeps the index keys concatenated.
pub(super) enum Value {
    Number(i64),
    Bytes(Option<Arc<[u8]>>),
    Keys(Option<Vec<[u8; IndexKey::LEN]>>),
}

/// The columns of a row. A guest has no card.
pub(super) const COLUMNS: &str = "revision, deadline, last_seen, value, index_keys, card";

pub(super) fn column_of(row: &Row, column: &str) -> Option<Value> {
    let listing = row.listing.as_ref();
    Some(match column {
        // A cast of the bits is enough, because revisions are compared for equality only.
        "revision" => Value::Number(row.revision.cast_signed()),
        "deadline" => Value::Number(seconds(row.deadline)),
        "last_seen" => Value::Number(seconds(row.last_seen)),
        "value" => Value::Bytes(Some(Arc::clone(&row.value))),
        "index_keys" => Value::Keys(
            listing.map(|it| it.index_keys().iter().map(|key| *key.as_bytes()).collect()),
        ),
        "card" => Value::Bytes(listing.map(|listing| listing.card().into())),
        _ => return None,
    })
}

/// The row that the [columns](COLUMNS) hold; `None` if it is not what this crate writes.
pub(super) fn row_of(found: &[Value]) -> Option<Row> {
    let [
        Value::Number(revision),
        Value::Number(deadline),
        Value::Number(last_seen),
        Value::Bytes(Some(value)),
        Value::Bytes(index_keys),
        Value::Bytes(card),
        ..,
    ] = found
    else {
        return None;
    };
    let mut row = Row::new(Arc::clone(value), time(*last_seen), time(*deadline));
    row.revision = revision.cast_unsigned();
    row.listing = match (card, index_keys.as_deref()) {
        (Some(card), Some(index_keys)) => {
            let (index_keys, []) = index_keys.as_chunks() else {
                return None;
            };
            let index_keys = index_keys.iter().copied().map(IndexKey::from_bytes);
            Some(Arc::new(Listing::new(index_keys.collect(), card)))
        }
        (None, None | Some([])) => None,
        _ => return None,
    };
    Some(row)
}

/// The key, which comes after the columns.
pub(super) fn key_of(found: &[Value]) -> Option<RowKey> {
    let [.., Value::Bytes(Some(key))] = found else {
        return None;
    };
    (**key).try_into().ok().map(RowKey::from_bytes)
}

/// The number in a column.
pub(super) fn number(found: &[Value], column: usize) -> Option<i64> {
    match found.get(column)? {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// Seconds end at 2^63, which is 292 billion years after 1970.
pub(super) fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_unix_seconds()).unwrap_or(i64::MAX)
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
            let columns =
                ["revision", "deadline", "last_seen", "value"].map(|it| column_of(&sent, it));
            let mut columns: Vec<_> = columns.into_iter().flatten().collect();
            columns.extend([Value::Bytes(None), Value::Bytes(None)]);
            assert_eq!(row_of(&columns), Some(sent));
        }
    }
}
