//! `flash`: messages that are neither shown twice nor lost.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::append::Append;
use super::{Merged, Side};

/// Lists and maps of messages: `flash`.
///
/// The implementations are `do_not_recommend`, so that an element without their bounds is an error about
/// the field, which names the bounds, not an error about a comparison in this module.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `flash`",
    label = "neither an `Option`, nor a list or map of messages that are `Clone` and `PartialEq`",
    note = "`flash` is for an `Option` of anything, for a `Vec` or `VecDeque` with elements that are `Clone` and `PartialEq`, and for a `HashMap` or `BTreeMap` with keys that are `Clone` and values that are `Clone` and `PartialEq`",
    note = "if the messages are of a type of your own, add `#[derive(Clone, PartialEq)]` to it"
)]
pub trait Flash {
    /// The stored messages, without those that this request took and with those that it added.
    #[must_use]
    fn flash(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// A request takes the message that it saw; a newer message stays. If both sides set a message, the later one wins.
pub fn merge_flash(base: Side<'_>, mine: Side<'_>, theirs: Side<'_>) -> Merged {
    Ok(message(base, mine, theirs).map(<[u8]>::to_vec))
}

/// One message by the rule of [`merge_flash`].
fn message<'a, V: PartialEq + ?Sized>(
    base: Option<&'a V>,
    mine: Option<&'a V>,
    theirs: Option<&'a V>,
) -> Option<&'a V> {
    let stays = mine.is_none() && theirs != base;
    if stays || mine == base { theirs } else { mine }
}

macro_rules! lists {
    ($($list:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Clone + PartialEq> Flash for $list<T> {
            fn flash(base: &Self, mine: &Self, theirs: &Self) -> Self {
                Append::append(base, mine, theirs)
            }
        }
    )*};
}

lists! { Vec VecDeque }

macro_rules! maps {
    ($($map:ty [$($bounds:tt)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($bounds)*> Flash for $map {
            fn flash(base: &Self, mine: &Self, theirs: &Self) -> Self {
                let merged = theirs.keys().chain(mine.keys()).filter_map(|key| {
                    let value = message(base.get(key), mine.get(key), theirs.get(key))?;
                    Some((key.clone(), value.clone()))
                });
                merged.collect()
            }
        }
    )*};
}

maps! {
    HashMap<K, V, S> [K: Eq + Hash + Clone, V: Clone + PartialEq, S: BuildHasher + Default];
    BTreeMap<K, V> [K: Ord + Clone, V: Clone + PartialEq];
}
