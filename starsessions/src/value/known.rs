//! The marks that a type is known to read as they were written.

use std::any::TypeId;
use std::cell::Cell;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// A type and the mark of a value of it.
///
/// The mark says everything that a type asks for while it reads a value, so what was once found to be
/// read as it was written need not be looked at again.
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

    /// The one that was remembered in this place before takes the second seat.
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

/// Each place has two seats, because two fields of one struct may meet in it.
type Place = [Cell<Option<Known>>; 2];

const PLACES: usize = 64;

thread_local! {
    /// Every field of every request asks.
    static KNOWN: [Place; PLACES] = const { [const { [const { Cell::new(None) }; 2] }; PLACES] };
}
