//! The rows of one shard, and the limits that bound them.

use super::queue::Queue;
use super::rows::{Place, Rows, hash};
use super::table::Table;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Inserted, Listed, Replaced, Rotation, Row, StoreError, Touch, Touched};

pub(super) struct Shard {
    rows: Rows,
    /// The rows that are filed under index keys.
    filed: Table,
    /// The rows without a listing. A session that gets a new id may exceed their limit by one.
    guests: Queue,
    guest_limit: usize,
    listed_limit: usize,
    /// Where the next write looks for rows that have expired.
    inspected: usize,
    /// Where the next sweep does.
    swept: usize,
}

impl Shard {
    pub(super) fn new(guest_limit: usize, listed_limit: usize) -> Self {
        Self {
            rows: Rows::default(),
            filed: Table::default(),
            guests: Queue::default(),
            guest_limit,
            listed_limit,
            inspected: 0,
            swept: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.all()
    }

    #[inline]
    pub(super) fn get(&self, key: &RowKey) -> Option<&Row> {
        Some(self.rows.find(key)?.1)
    }

    /// `left` is the row of a session that moves here: a row of the same kind does not count against the limit.
    pub(super) fn insert(
        &mut self,
        key: &RowKey,
        row: Row,
        left: Option<&Row>,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        if self.is_taken(key, now) {
            return Ok(Inserted::Exists);
        }
        let is_exchange = left.is_some_and(|left| is_guest(left) == is_guest(&row));
        if is_exchange {
            self.evict_guests(self.guest_limit);
        } else if is_guest(&row) {
            self.evict_guests(self.guest_limit - 1);
        } else {
            self.check_listed_limit(now)?;
        }
        self.add(key, row);
        Ok(Inserted::Inserted)
    }

    pub(super) fn replace(
        &mut self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.inspect(INSPECTED_PER_WRITE, now);
        let (place, stored) = match self.find(key, seen, now) {
            Ok(found) => found,
            Err(outcome) => return Ok(outcome),
        };
        let row = row.in_place_of(stored, seen);
        if is_guest(stored) && !is_guest(&row) {
            self.check_listed_limit(now)?;
        }
        self.mark_used(place);
        self.put(place, row);
        Ok(Replaced::Replaced)
    }

    /// The row of a session that is about to move, as it is to be under the new key. Marks the session as used, so that
    /// it is the last to make room.
    pub(super) fn before_leaving(
        &mut self,
        rotation: &Rotation<'_>,
        now: Timestamp,
    ) -> Result<Row, Replaced> {
        let (place, stored) = self.find(rotation.old, rotation.seen, now)?;
        let row = rotation.row.in_place_of(stored, rotation.seen);
        self.mark_used(place);
        Ok(row)
    }

    /// Replaces a session that has moved by the way to its new key. Returns the times that it is to have there: another
    /// request may have touched it before it left.
    pub(super) fn leave(
        &mut self,
        rotation: &Rotation<'_>,
        now: Timestamp,
    ) -> Result<Touch, Replaced> {
        let (place, stored) = self.find(rotation.old, rotation.seen, now)?;
        let row = rotation.row.in_place_of(stored, rotation.seen);
        self.put(place, rotation.left.clone());
        Ok(Touch::new(row.last_seen, row.deadline))
    }

    pub(super) fn touch(
        &mut self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Touched {
        let Ok((place, _)) = self.find(key, seen, now) else {
            return Touched::Stale;
        };
        self.mark_used(place);
        self.rows.touch(place, touch);
        Touched::Touched
    }

    pub(super) fn remove(&mut self, key: &RowKey) -> Option<Row> {
        let (place, _) = self.rows.find(key)?;
        self.end(place)
    }

    pub(super) fn listed(&self, index_key: &IndexKey, now: Timestamp) -> Vec<Listed> {
        let places = self.filed.places(hash(index_key.as_bytes()));
        let mut places: Vec<_> = places.collect();
        // Two index keys of one row may have the same hash.
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .filter_map(|place| self.rows.at(place))
            .filter_map(|(key, row)| Listed::under(index_key, *key, row, now))
            .collect()
    }

    /// Looks at up to `limit` places and frees the expired rows. A sweep that returns less has reached
    /// the last place, and the next sweep begins with the first.
    pub(super) fn sweep(&mut self, limit: usize, now: Timestamp) -> usize {
        let left = self.rows.places().saturating_sub(self.swept);
        let looked_at = left.min(limit);
        for index in self.swept..self.swept + looked_at {
            self.free_expired(Place::new(index), now);
        }
        self.swept = if left < limit { 0 } else { self.swept + limit };
        looked_at
    }

    /// The row under a key, if it is live and still the one that was seen.
    fn find(&self, key: &RowKey, seen: &Row, now: Timestamp) -> Result<(Place, &Row), Replaced> {
        match self.rows.find(key) {
            Some((_, row)) if !row.is_live(now) => Err(Replaced::Gone),
            Some((_, row)) if row.revision != seen.revision => Err(Replaced::Stale(row.clone())),
            Some(found) => Ok(found),
            None => Err(Replaced::Gone),
        }
    }

    /// Whether the key has a live row. Frees an expired row.
    fn is_taken(&mut self, key: &RowKey, now: Timestamp) -> bool {
        self.inspect(INSPECTED_PER_WRITE, now);
        let found = self.rows.find(key).map(|(place, _)| place);
        found.is_some_and(|place| {
            self.free_expired(place, now);
            self.rows.at(place).is_some()
        })
    }

    fn add(&mut self, key: &RowKey, row: Row) {
        let place = self.rows.add(key, row);
        self.file(place);
    }

    fn put(&mut self, place: Place, row: Row) {
        let is_filed_alike = self.rows.at(place).is_some_and(|(_, stored)| {
            is_guest(stored) == is_guest(&row) && stored.index_keys() == row.index_keys()
        });
        if is_filed_alike {
            self.rows.set(place, row);
            return;
        }
        if is_guest(&row) {
            self.evict_guests(self.guest_limit);
        }
        self.unfile(place);
        self.rows.set(place, row);
        self.file(place);
    }

    fn end(&mut self, place: Place) -> Option<Row> {
        self.unfile(place);
        self.rows.remove(place)
    }

    fn file(&mut self, place: Place) {
        let Some((_, row)) = self.rows.at(place) else {
            return;
        };
        for index_key in row.index_keys() {
            self.filed.add(hash(index_key.as_bytes()), place);
        }
        if is_guest(row) {
            self.guests.add(place);
        }
    }

    fn unfile(&mut self, place: Place) {
        let Some((_, row)) = self.rows.at(place) else {
            return;
        };
        for index_key in row.index_keys() {
            self.filed.remove(hash(index_key.as_bytes()), place);
        }
        if is_guest(row) {
            self.guests.remove(place);
        }
    }

    fn mark_used(&mut self, place: Place) {
        if self.rows.at(place).is_some_and(|(_, row)| is_guest(row)) {
            self.guests.remove(place);
            self.guests.add(place);
        }
    }

    /// Evicts the longest unused guests, until `most` are left.
    fn evict_guests(&mut self, most: usize) {
        while self.guests.len() > most {
            let Some(place) = self.guests.first() else {
                return;
            };
            self.end(place);
        }
    }

    fn check_listed_limit(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.listed_rows() >= self.listed_limit {
            self.inspect(INSPECTED_IF_FULL, now);
        }
        if self.listed_rows() >= self.listed_limit {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    fn listed_rows(&self) -> usize {
        self.rows.len() - self.guests.len()
    }

    /// Frees the expired rows at the next `places` places, starting over after the last.
    fn inspect(&mut self, places: usize, now: Timestamp) {
        for _ in 0..places.min(self.rows.places()) {
            self.free_expired(Place::new(self.inspected), now);
            self.inspected = (self.inspected + 1) % self.rows.places();
        }
    }

    fn free_expired(&mut self, place: Place, now: Timestamp) {
        if self
            .rows
            .at(place)
            .is_some_and(|(_, row)| !row.is_live(now))
        {
            self.end(place);
        }
    }
}

/// Whether a row may be evicted.
fn is_guest(row: &Row) -> bool {
    row.listing.is_none()
}

/// With `n` rows, every row is inspected once in `n / 4` writes.
const INSPECTED_PER_WRITE: usize = 4;
const INSPECTED_IF_FULL: usize = 256;

#[cfg(test)]
mod tests;
