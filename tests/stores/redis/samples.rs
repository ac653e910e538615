//! Keys, times and rows of these tests.

use std::sync::Arc;

use starsessions::Timestamp;
use starsessions::store::{IndexKey, Listing, Row, RowKey, Touch};

/// A time in the year 2100, later than the clock of any server.
pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

pub(super) fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number; 32])
}

pub(super) fn index_key() -> IndexKey {
    IndexKey::from_bytes([7; 32])
}

/// A guest's first row, with a lifetime of a hundred seconds.
pub(super) fn row(value: &[u8]) -> Row {
    Row::new(value, at(0), at(100))
}

/// A user's first row.
pub(super) fn filed_row(value: &[u8]) -> Row {
    let mut row = row(value);
    row.listing = Some(Arc::new(Listing::new(vec![index_key()], *b"card")));
    row
}

/// The row that replaces a row that was read.
pub(super) fn after(seen: &Row, value: &[u8]) -> Row {
    let mut row = seen.clone();
    row.revision += 1;
    row.value = value.into();
    row
}

/// The row that a rotation leaves under the old key.
pub(super) fn way_after(seen: &Row) -> Row {
    let mut way = after(seen, b"way");
    way.deadline = at(30);
    way.listing = None;
    way
}

pub(super) fn touch(last_seen: u64, deadline: u64) -> Touch {
    Touch::new(at(last_seen), at(deadline))
}
