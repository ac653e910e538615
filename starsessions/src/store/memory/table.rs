//! Finds places by a hash, with eight bytes per entry.

use super::rows::Place;

/// A multimap from hashes to places.
///
/// It keeps no keys: the caller compares the key of the row at each place. Hashes are parts of keys
/// that are HMAC outputs: uniform, and beyond an attacker's control.
#[derive(Default)]
pub(super) struct Table {
    /// Open addressing: an entry takes the first free cell from its home on, circularly. The table grows so
    /// that three fifths to three quarters of the cells are taken; doubling would leave twice as many unused.
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
        let (before, behind) = self.cells.split_at(self.home(hash));
        behind
            .iter()
            .chain(before)
            .map_while(|cell| *cell)
            .filter(move |cell| cell.hash == hash)
            .map(|cell| cell.place)
    }

    /// Removes an entry; does nothing if it is not there.
    pub(super) fn remove(&mut self, hash: u32, place: Place) {
        let mut hole = self.home(hash);
        loop {
            match self.cells.get(hole) {
                Some(Some(cell)) if cell.hash == hash && cell.place == place => break,
                Some(Some(_)) => hole = self.next(hole),
                _ => return,
            }
        }
        // Each following entry moves to the hole, unless the hole is before the entry's home.
        let mut next = self.next(hole);
        while let Some(cell) = self.cells[next] {
            if self.distance(self.home(cell.hash), next) >= self.distance(hole, next) {
                self.cells[hole] = Some(cell);
                hole = next;
            }
            next = self.next(next);
        }
        self.cells[hole] = None;
        self.len -= 1;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self) {
        let cells = vec![None; self.cells.len() + (self.cells.len() / 4).max(SMALLEST)];
        for cell in std::mem::replace(&mut self.cells, cells)
            .into_iter()
            .flatten()
        {
            self.put(cell);
        }
    }

    fn put(&mut self, cell: Cell) {
        let mut at = self.home(cell.hash);
        while self.cells[at].is_some() {
            at = self.next(at);
        }
        self.cells[at] = Some(cell);
    }

    /// The cell where the search for a hash begins: its position scales with the hash.
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.cells.len() as u64) >> 32) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 < self.cells.len() { at + 1 } else { 0 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.cells.len() - from
        }
    }
}

const SMALLEST: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Few hashes, close to each other and to both ends of the table, so that all collisions occur.
    const HASHES: [u32; 6] = [0, 1, 1 << 29, 7 << 29, u32::MAX - 1, u32::MAX];

    proptest! {
        #[test]
        fn a_table_is_a_set_of_pairs(
            steps in proptest::collection::vec((any::<bool>(), 0..HASHES.len(), 0..12_u32), 0..200)
        ) {
            let (mut table, mut pairs) = (Table::default(), BTreeSet::new());
            for (is_added, hash, number) in steps {
                let (hash, place) = (HASHES[hash], Place::new(number as usize));
                if is_added && pairs.insert((hash, place)) {
                    table.add(hash, place);
                } else if !is_added {
                    pairs.remove(&(hash, place));
                    table.remove(hash, place);
                }
                prop_assert_eq!(table.len(), pairs.len());
                for hash in HASHES {
                    let found: BTreeSet<_> = table.places(hash).collect();
                    let of_hash = pairs.iter().filter(|pair| pair.0 == hash);
                    prop_assert_eq!(found, of_hash.map(|pair| pair.1).collect());
                }
            }
        }
    }
}
