//! `union`: entries that a writer has added or removed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

/// Collections in which every element or key is changed for itself: `merge = union`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `union`",
    label = "not a set or map",
    note = "`union` is for `HashSet`, `BTreeSet`, `HashMap` and `BTreeMap`, with elements, keys and values that are `Clone` and maps' values `PartialEq`; for lists there is `append`"
)]
pub trait Union {
    /// What both sides added, without what either removed.
    #[must_use]
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// The additions and removals of this request are made in what is stored now; where both sides
/// changed the same key of a map, this request wins.
#[must_use]
pub fn merge_union<T: Union>(base: &T, mine: &T, theirs: &T) -> T {
    T::union(base, mine, theirs)
}

macro_rules! set {
    ($base:ident, $mine:ident, $theirs:ident) => {{
        let kept = $theirs
            .iter()
            .filter(|item| $mine.contains(*item) || !$base.contains(*item));
        let added = $mine.iter().filter(|item| !$base.contains(*item));
        kept.chain(added).cloned().collect()
    }};
}

macro_rules! map {
    ($base:ident, $mine:ident, $theirs:ident) => {{
        let kept = $theirs
            .iter()
            .filter(|(key, _)| $mine.contains_key(*key) || !$base.contains_key(*key));
        let changed = $mine
            .iter()
            .filter(|(key, value)| $base.get(*key) != Some(*value));
        // Later entries replace earlier ones.
        kept.chain(changed)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }};
}

impl<T, S> Union for HashSet<T, S>
where
    T: Eq + Hash + Clone,
    S: BuildHasher + Default,
{
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        set!(base, mine, theirs)
    }
}

impl<T: Ord + Clone> Union for BTreeSet<T> {
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        set!(base, mine, theirs)
    }
}

impl<K, V, S> Union for HashMap<K, V, S>
where
    K: Eq + Hash + Clone,
    V: PartialEq + Clone,
    S: BuildHasher + Default,
{
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        map!(base, mine, theirs)
    }
}

impl<K, V> Union for BTreeMap<K, V>
where
    K: Ord + Clone,
    V: PartialEq + Clone,
{
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        map!(base, mine, theirs)
    }
}

/// Absent counts as empty, unless both sides want it absent.
impl<T: Union + Default> Union for Option<T> {
    fn union(base: &Self, mine: &Self, theirs: &Self) -> Self {
        if mine.is_none() && theirs.is_none() {
            return None;
        }
        let empty = T::default();
        let [base, mine, theirs] = [base, mine, theirs].map(|side| side.as_ref().unwrap_or(&empty));
        Some(T::union(base, mine, theirs))
    }
}
