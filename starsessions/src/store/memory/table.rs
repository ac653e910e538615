//! Finds places by a hash, in eight bytes for each.

use super::rows::Place;

/// The places that were added under a hash, of which several may share one.
///
/// What stands at a place says whether it is the one that is sought, so no keys are kept here. Hashes
/// are parts of keys that are outputs of HMAC: uniform, and not for an attacker to choose.
#[derive(Default)]
pub(super) struct Table {
    /// Open addressing: a cell stands at the first free one from `hash` on, circularly. The length is
    /// a power of two, or zero.
    cells: Vec<Option<Cell>>,
    len: usize,
}

#[derive(Clone, Copy)]
struct Cell {
    hash: u32,
    place: Place,
}

impl Table {
    pub(super) fn add(&mut self, hash: u32, place: Place) {
        if 4 * (self.len + 1) > 3 * self.cells.len() {
            self.grow();
        }
        self.put(Cell { hash, place });
        self.len += 1;
    }

    #[inline]
    pub(super) fn places(&self, hash: u32) -> impl Iterator<Item = Place> {
        (0..self.cells.len())
            .map_while(move |step| self.cells[self.wrap(hash as usize + step)])
            .filter(move |cell| cell.hash == hash)
            .map(|cell| cell.place)
    }

    /// Removes what was added; does nothing if it was not.
    pub(super) fn remove(&mut self, hash: u32, place: Place) {
        let mut hole = hash as usize;
        loop {
            hole = self.wrap(hole);
            match self.cells.get(hole) {
                Some(Some(cell)) if cell.hash == hash && cell.place == place => break,
                Some(Some(_)) => hole += 1,
                _ => return,
            }
        }
        // Each cell that follows moves to the hole, unless that would be ahead of its own hash.
        let mut next = self.wrap(hole + 1);
        while let Some(cell) = self.cells[next] {
            let moved = self.wrap(next.wrapping_sub(cell.hash as usize));
            if moved >= self.wrap(next.wrapping_sub(hole)) {
                self.cells[hole] = Some(cell);
                hole = next;
            }
            next = self.wrap(next + 1);
        }
        self.cells[hole] = None;
        self.len -= 1;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self) {
        let cells = vec![None; (2 * self.cells.len()).max(SMALLEST)];
        for cell in std::mem::replace(&mut self.cells, cells)
            .into_iter()
            .flatten()
        {
            self.put(cell);
        }
    }

    fn put(&mut self, cell: Cell) {
        let mut at = self.wrap(cell.hash as usize);
        while self.cells[at].is_some() {
            at = self.wrap(at + 1);
        }
        self.cells[at] = Some(cell);
    }

    fn wrap(&self, at: usize) -> usize {
        at & self.cells.len().wrapping_sub(1)
    }
}

const SMALLEST: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, close to each other and to the end of the table: all that can meet does.
        #[test]
        fn a_table_is_a_set_of_pairs(
            steps in proptest::collection::vec((any::<bool>(), 5..9_u32, 0..12_u32), 0..200)
        ) {
            let (mut table, mut pairs) = (Table::default(), BTreeSet::new());
            for (is_added, hash, number) in steps {
                let place = Place::new(number as usize);
                if is_added && pairs.insert((hash, place)) {
                    table.add(hash, place);
                } else if !is_added {
                    pairs.remove(&(hash, place));
                    table.remove(hash, place);
                }
                prop_assert_eq!(table.len(), pairs.len());
                for hash in 5..9 {
                    let found: BTreeSet<_> = table.places(hash).collect();
                    let of_hash = pairs.iter().filter(|pair| pair.0 == hash);
                    prop_assert_eq!(found, of_hash.map(|pair| pair.1).collect());
                }
            }
        }
    }
}
