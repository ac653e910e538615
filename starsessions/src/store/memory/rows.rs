//! The rows of a shard, each at its own place.

use std::num::NonZeroU32;

use super::table::Table;
use crate::crypto::RowKey;
use crate::store::{Row, Touch};

/// The place of a row. When the row is removed, another row may take the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
// One more than the index, so that an `Option<Place>` is no larger.
pub(super) struct Place(NonZeroU32);

impl Place {
    pub(super) fn new(index: usize) -> Self {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Rows by key and by place.
#[derive(Default)]
pub(super) struct Rows {
    slots: Vec<Option<(RowKey, Row)>>,
    vacant: Vec<Place>,
    by_key: Table,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// How many places there are, vacant ones included.
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Row> {
        self.slots.iter().flatten().map(|(_, row)| row)
    }

    #[inline]
    pub(super) fn find(&self, key: &RowKey) -> Option<(Place, &Row)> {
        self.by_key.places(hash(key.as_bytes())).find_map(|place| {
            let (found, row) = self.at(place)?;
            (found == key).then_some((place, row))
        })
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<(&RowKey, &Row)> {
        let (key, row) = self.slots.get(place.index())?.as_ref()?;
        Some((key, row))
    }

    /// Adds a row under a key that has none.
    pub(super) fn add(&mut self, key: &RowKey, row: Row) -> Place {
        let slot = Some((*key, row));
        let place = match self.vacant.pop() {
            Some(place) => {
                self.slots[place.index()] = slot;
                place
            }
            None => {
                push(&mut self.slots, slot);
                Place::new(self.slots.len() - 1)
            }
        };
        self.by_key.add(hash(key.as_bytes()), place);
        place
    }

    pub(super) fn set(&mut self, place: Place, row: Row) {
        if let Some(Some((_, stored))) = self.slots.get_mut(place.index()) {
            *stored = row;
        }
    }

    pub(super) fn touch(&mut self, place: Place, touch: Touch) {
        if let Some(Some((_, stored))) = self.slots.get_mut(place.index()) {
            stored.touch(touch);
        }
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<Row> {
        let (key, row) = self.slots.get_mut(place.index())?.take()?;
        self.by_key.remove(hash(key.as_bytes()), place);
        self.vacant.push(place);
        Some(row)
    }
}

/// The last four bytes of a key; the first ones have chosen the shard.
pub(super) fn hash(key: &[u8; 32]) -> u32 {
    key.last_chunk().map_or(0, |tail| u32::from_le_bytes(*tail))
}

/// Pushes onto a vector that grows by an eighth: doubling would leave half of the memory unused.
pub(super) fn push<T>(vector: &mut Vec<T>, item: T) {
    if vector.len() == vector.capacity() {
        vector.reserve_exact(vector.len() / 8 + 4);
    }
    vector.push(item);
}
