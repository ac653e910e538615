//! One clause against one store, and the rows and keys that clauses use.

use std::fmt::Debug;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::crypto::{self, IndexKey, RowKey};
use crate::store::{
    Inserted, Listed, Listing, Replaced, Rotated, Rotation, Row, Store, StoreError, Touch, Touched,
};

/// A clause that a store is tested against.
pub(super) struct Trial<'a, S> {
    clause: &'static str,
    pub(super) store: &'a S,
}

impl<'a, S: Store> Trial<'a, S> {
    pub(super) fn new(clause: &'static str, store: &'a S) -> Self {
        Self { clause, store }
    }

    pub(super) async fn insert(&self, key: &RowKey, row: &Row) {
        let inserted = self.store.insert(key, row, at(0)).await;
        self.says(inserted, &Inserted::Inserted);
    }

    pub(super) async fn replace(&self, key: &RowKey, seen: &Row, row: &Row) {
        let replaced = self.store.replace(key, seen, row, at(1)).await;
        self.says(replaced, &Replaced::Replaced);
    }

    /// Touches the row that was read; returns the row that must be stored from then on.
    pub(super) async fn touch(&self, key: &RowKey, seen: &Row, touch: Touch) -> Row {
        let touched = self.store.touch(key, seen, touch, at(1)).await;
        self.says(touched, &Touched::Touched);
        let mut row = seen.clone();
        row.touch(touch);
        row
    }

    /// Rotates away from `stored`; returns whether the store supports it. A store that does not must change nothing.
    pub(super) async fn rotate(&self, rotation: Rotation<'_>, stored: &Row) -> bool {
        match self.store.rotate(rotation, at(1)).await {
            Ok(Rotated::Rotated) => true,
            Ok(Rotated::Unsupported) => {
                self.holds(rotation.old, at(1), stored).await;
                self.holds_nothing(rotation.new, at(1)).await;
                false
            }
            other => self.fails(&format_args!("a rotation ended in {other:?}")),
        }
    }

    /// Tries every operation except an insert on a row that was read and has gone; `late` is the row to write.
    pub(super) async fn changes_nothing(
        &self,
        key: &RowKey,
        [seen, late]: [&Row; 2],
        now: Timestamp,
    ) {
        let replaced = self.store.replace(key, seen, late, now).await;
        self.says(replaced, &Replaced::Gone);
        let later = Touch::new(now, late.deadline);
        let touched = self.store.touch(key, seen, later, now).await;
        self.says(touched, &Touched::Stale);
        let new = new_key();
        let rotation = rotation([key, &new], [seen, late, late]);
        match self.store.rotate(rotation, now).await {
            Ok(Rotated::Gone | Rotated::Unsupported) => {}
            other => self.fails(&format_args!("a rotation of nothing ended in {other:?}")),
        }
        self.holds_nothing(&new, now).await;
    }

    pub(super) async fn load(&self, key: &RowKey, now: Timestamp) -> Option<Row> {
        match self.store.load(key, now).await {
            Ok(found) => found,
            Err(error) => self.fails(&format_args!("a load failed: {error:?}")),
        }
    }

    pub(super) async fn holds(&self, key: &RowKey, now: Timestamp, row: &Row) {
        self.says(self.store.load(key, now).await, &Some(row.clone()));
    }

    pub(super) async fn holds_nothing(&self, key: &RowKey, now: Timestamp) {
        self.says(self.store.load(key, now).await, &None);
    }

    /// Expects that there is no row, or the remains of `row` that no sweep has freed.
    pub(super) async fn holds_remains_at_most(&self, key: &RowKey, now: Timestamp, row: &Row) {
        match self.load(key, now).await {
            Some(found) if found != *row => self.fails(&format_args!(
                "expected nothing, or the remains of {row:?}, found {found:?}"
            )),
            _ => {}
        }
    }

    /// Expects that exactly these rows are filed under an index key.
    pub(super) async fn lists(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
        rows: &[(&RowKey, &Row)],
    ) {
        let listed = |&(key, row): &(&RowKey, &Row)| Listed::new(*key, row);
        let expected = rows.iter().filter_map(listed).collect();
        let found = self.store.listed(index_key, now).await;
        self.says(found.map(sorted), &sorted(expected));
    }

    pub(super) fn says<T: PartialEq + Debug>(&self, found: Result<T, StoreError>, expected: &T) {
        match found {
            Ok(found) if found == *expected => {}
            found => self.fails(&format_args!("expected {expected:?}, found {found:?}")),
        }
    }

    pub(super) fn fails(&self, reason: &dyn std::fmt::Display) -> ! {
        panic!("{}: {reason}", self.clause)
    }
}

/// Sorts rows, which a store lists in any order.
pub(super) fn sorted(mut rows: Vec<Listed>) -> Vec<Listed> {
    rows.sort_by_key(|listed| listed.key);
    rows
}

/// A guest's first row.
pub(super) fn row(value: &[u8]) -> Row {
    Row::new(value, at(0), at(1_000))
}

/// A user's first row.
pub(super) fn filed_row(value: &[u8], index_keys: &[IndexKey]) -> Row {
    refiled(row(value), index_keys)
}

pub(super) fn refiled(row: Row, index_keys: &[IndexKey]) -> Row {
    let listing = Listing::new(index_keys.to_vec(), *b"card");
    Row {
        listing: Some(Arc::new(listing)),
        ..row
    }
}

pub(super) fn until(deadline: u64, row: Row) -> Row {
    let deadline = at(deadline);
    Row { deadline, ..row }
}

/// The row that replaces one that was read.
pub(super) fn after(seen: &Row, value: &[u8]) -> Row {
    Row {
        revision: seen.revision + 1,
        value: value.into(),
        ..seen.clone()
    }
}

/// The row that a rotation leaves in the place of `seen`: the way to its successor, with an early deadline.
pub(super) fn way_after(seen: &Row, value: &[u8]) -> Row {
    Row {
        listing: None,
        ..until(500, after(seen, value))
    }
}

/// A rotation between two keys, with the row that was read, the row to leave and the row for the new key.
pub(super) fn rotation<'a>(
    [old, new]: [&'a RowKey; 2],
    [seen, left, row]: [&'a Row; 3],
) -> Rotation<'a> {
    Rotation::new(old, seen, left, new, row)
}

pub(super) fn touch(last_seen: u64, deadline: u64) -> Touch {
    Touch::new(at(last_seen), at(deadline))
}

/// A second of the year 2100: later than any server's own clock, so that no server expires a row by its clock.
pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

pub(super) fn new_key() -> RowKey {
    RowKey::from_bytes(random_bytes())
}

pub(super) fn new_index_key() -> IndexKey {
    IndexKey::from_bytes(random_bytes())
}

fn random_bytes() -> [u8; 32] {
    match crypto::random_bytes() {
        Ok(bytes) => bytes,
        Err(error) => panic!("{error}"),
    }
}
