//! `append`: each writer's additions, in sequence.

use std::collections::VecDeque;

use super::of_options;

/// Lists to which parallel requests add: `merge = append`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `append`",
    label = "not a list or text",
    note = "`append` is for `Vec` and `VecDeque`, with elements that are `Clone` and `PartialEq`, and for `String`; for sets and maps there is `union`"
)]
pub trait Append {
    /// Applies this request's additions and removals to the stored value; the order is kept.
    ///
    /// In a text, only an addition at the end is recognised. Any other change is a new text, which wins.
    #[must_use]
    fn append(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

macro_rules! list {
    ($($list:ident)*) => {$(
        impl<T: PartialEq + Clone> Append for $list<T> {
            fn append(base: &Self, mine: &Self, theirs: &Self) -> Self {
                let (added, removed) = difference(mine, base);
                let (kept, _) = difference(theirs, removed);
                kept.into_iter().chain(added).cloned().collect()
            }
        }
    )*};
}

list! { Vec VecDeque }

impl Append for String {
    fn append(base: &Self, mine: &Self, theirs: &Self) -> Self {
        mine.strip_prefix(base.as_str())
            .map_or_else(|| mine.clone(), |added| format!("{theirs}{added}"))
    }
}

impl<T: Append + Default> Append for Option<T> {
    fn append(base: &Self, mine: &Self, theirs: &Self) -> Self {
        of_options(base, mine, theirs, T::append)
    }
}

/// Pairs equal elements; returns the rest of both lists, each in its order.
///
/// One pass over both lists, so that an element without a partner that counts as removed counts as added,
/// too. Lists that mostly agree take linear time. The number of comparisons is bounded: in lists of
/// thousands in a very different order, some elements move or are duplicated, but none is lost.
fn difference<'a, T: PartialEq + 'a>(
    items: impl IntoIterator<Item = &'a T>,
    other: impl IntoIterator<Item = &'a T>,
) -> (Vec<&'a T>, VecDeque<&'a T>) {
    let mut other: VecDeque<&T> = other.into_iter().collect();
    let mut comparisons = MOST_COMPARISONS;
    let is_left = |item: &&T| {
        let candidates = comparisons.min(other.len());
        let partner = other
            .iter()
            .take(candidates)
            .position(|other| other == item);
        comparisons -= partner.map_or(candidates, |at| at + 1);
        partner.is_none_or(|at| other.remove(at).is_none())
    };
    let items = items.into_iter().filter(is_left).collect();
    (items, other)
}

const MOST_COMPARISONS: usize = 1 << 22;
