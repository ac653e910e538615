//! The shape of a type: what a positional codec must know before it may read bytes as that type.
//!
//! bincode writes no names and no types. A value that was written before its type changed would
//! often still decode, into something else. serde tells a deserializer the names of structs,
//! fields and variants, so the shape can be read off `Deserialize` alone; four bytes of its hash
//! travel with each value.

mod access;
mod explore;
mod explorer;
mod incomplete;
mod run;
mod sample;
mod tree;

#[cfg(test)]
mod tests;

use std::any::{TypeId, type_name};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

pub use self::incomplete::Incomplete;
use self::tree::Tree;

/// What was found out about a type.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Equal for types of equal shape; different, but for a chance of 2^-32, for others.
    pub(crate) fingerprint: u32,
    /// Whether the whole type could be seen, and what stood in the way.
    pub(crate) complete: Result<(), Incomplete>,
}

impl Shape {
    /// The shape of `T`: explored once per thread, then looked up.
    pub(crate) fn of<T: DeserializeOwned + 'static>() -> Rc<Self> {
        let id = TypeId::of::<T>();
        if let Some(shape) = SHAPES.with_borrow(|shapes| shapes.get(&id).cloned()) {
            return shape;
        }
        // Not inside a borrow: this runs the code of other types.
        let shape = Rc::new(Self::explore::<T>());
        SHAPES.with_borrow_mut(|shapes| shapes.insert(id, Rc::clone(&shape)));
        shape
    }

    /// The fingerprint of `T`, if a positional codec can carry the type safely.
    ///
    /// A type that is only partly visible ([`Incomplete::Opaque`]) can be carried: the check of
    /// debug builds complains about it, production goes on.
    pub(crate) fn positional<T: DeserializeOwned + 'static>() -> Result<u32, Incomplete> {
        let id = TypeId::of::<T>();
        let place = BuildHasherDefault::<Unhashed>::default().hash_one(id) as usize % NEAR;
        let known = FINGERPRINTS.with(|near| near.get(place).and_then(Cell::get));
        if let Some((_, fingerprint)) = known.filter(|(known, _)| *known == id) {
            return Ok(fingerprint);
        }
        let shape = Self::of::<T>();
        match &shape.complete {
            Ok(()) | Err(Incomplete::Opaque { .. }) => {}
            Err(incomplete) => return Err(incomplete.clone()),
        }
        let found = Some((id, shape.fingerprint));
        FINGERPRINTS.with(|near| near.get(place).map(|it| it.set(found)));
        Ok(shape.fingerprint)
    }

    fn explore<T: DeserializeOwned>() -> Self {
        let tree = explore::explore::<T>();
        let complete = tree.complete();
        // What cannot be seen is told apart by the name of the type at least.
        let stand_in = if complete.is_err() {
            type_name::<T>()
        } else {
            ""
        };
        Self {
            fingerprint: fingerprint(&tree, stand_in),
            complete,
        }
    }
}

fn fingerprint(tree: &Tree, stand_in: &str) -> u32 {
    let mut bytes = LABEL.to_vec();
    tree.write(&mut bytes);
    bytes.extend_from_slice(stand_in.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(&bytes));
    u32::from_le_bytes([a, b, c, d])
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

/// Changing what is hashed makes every stored value unreadable: then this label changes too.
const LABEL: &[u8] = b"starsessions shape 1\0";

/// How many fingerprints are at hand.
const NEAR: usize = 64;

thread_local! {
    /// Those that were asked for last, each in its place: every field of every request asks.
    static FINGERPRINTS: [Cell<Option<(TypeId, u32)>>; NEAR] =
        const { [const { Cell::new(None) }; NEAR] };

    static SHAPES: RefCell<HashMap<TypeId, Rc<Shape>, BuildHasherDefault<Unhashed>>> = RefCell::default();
}
