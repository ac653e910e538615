//! `union`: the entries that each writer has added or removed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use super::of_options;

/// Collections whose elements or keys change independently: `merge = union`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `union`",
    label = "not a set or map",
    note = "`union` is for `HashSet`, `BTreeSet`, `HashMap` and `BTreeMap`, with elements, keys and values that are `Clone` and maps' values `PartialEq`; for lists there is `append`"
)]
pub trait Union {
    /// The elements of both sides, without those that either side removed. If both changed the same key of a map, this
    /// request wins.
    #[must_use]
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

macro_rules! sets {
    ($($set:ty [$($bounds:tt)*];)*) => {$(
        impl<$($bounds)*> Union for $set {
            fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
                let is_kept = |item: &&T| mine.contains(*item) || !base.contains(*item);
                let added = mine.iter().filter(|item| !base.contains(*item));
                theirs.iter().filter(is_kept).chain(added).cloned().collect()
            }
        }
    )*};
}

sets! {
    HashSet<T, S> [T: Eq + Hash + Clone, S: BuildHasher + Default];
    BTreeSet<T> [T: Ord + Clone];
}

macro_rules! maps {
    ($($map:ty [$($bounds:tt)*];)*) => {$(
        impl<$($bounds)*> Union for $map {
            fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
                let is_kept = |key: &K| mine.contains_key(key) || !base.contains_key(key);
                let kept = theirs.iter().filter(|(key, _)| is_kept(key));
                let changed = mine.iter().filter(|(key, value)| base.get(*key) != Some(*value));
                // Later entries replace earlier ones.
                let merged = kept.chain(changed);
                merged.map(|(key, value)| (key.clone(), value.clone())).collect()
            }
        }
    )*};
}

maps! {
    HashMap<K, V, S> [K: Eq + Hash + Clone, V: PartialEq + Clone, S: BuildHasher + Default];
    BTreeMap<K, V> [K: Ord + Clone, V: PartialEq + Clone];
}

impl<T: Union + Default> Union for Option<T> {
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        of_options(base, mine, theirs, T::union)
    }
}
