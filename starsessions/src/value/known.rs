//! A cache of the marks whose values a type is known to read as they were written.

use std::any::TypeId;
use std::cell::Cell;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// A type and the mark of a value of it.
///
/// The mark covers everything that a type asks for while it reads a value. So after one value with a mark
/// was read as it was written, others with this mark need no check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    id: TypeId,
    mark: u32,
}

impl Known {
    pub(super) fn new<T: 'static>(mark: u32) -> Self {
        let id = TypeId::of::<T>();
        Self { id, mark }
    }

    pub(super) fn mark(self) -> u32 {
        self.mark
    }

    #[inline]
    pub(super) fn is_remembered(self) -> bool {
        KNOWN.with(|known| {
            let place = known.get(self.place());
            place.is_some_and(|[first, second]| {
                first.get() == Some(self) || second.get() == Some(self)
            })
        })
    }

    /// Stores it in the first slot of its place, and moves the former first one to the second slot.
    pub(super) fn remember(self) {
        KNOWN.with(|known| {
            if let Some([first, second]) = known.get(self.place())
                && first.get() != Some(self)
            {
                second.set(first.replace(Some(self)));
            }
        });
    }

    fn place(self) -> usize {
        let id = BuildHasherDefault::<Unhashed>::default().hash_one(self.id);
        (id ^ u64::from(self.mark)) as usize % PLACES
    }
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Two slots, because two fields of one struct may share a place.
type Place = [Cell<Option<Known>>; 2];

const PLACES: usize = 64;

thread_local! {
    /// Thread-local, because every field of every request reads it.
    static KNOWN: [Place; PLACES] = const { [const { [const { Cell::new(None) }; 2] }; PLACES] };
}
