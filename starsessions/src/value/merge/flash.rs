//! `flash`: messages, of which none is shown twice and none is lost.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::append::merge_append;
use crate::value::ValueError;

/// Lists and maps of messages: `flash`.
///
/// The implementations are not recommended, so that an element without their bounds is an error about
/// the field, which names them, and not one about a comparison in here.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `flash`",
    label = "neither an `Option`, nor a list or map of messages that are `Clone` and `PartialEq`",
    note = "`flash` is for an `Option` of anything, for a `Vec` or `VecDeque` with elements that are `Clone` and `PartialEq`, and for a `HashMap` or `BTreeMap` with keys that are `Clone` and values that are `Clone` and `PartialEq`",
    note = "if the messages are of a type of your own, add `#[derive(Clone, PartialEq)]` to it"
)]
pub trait Flash {
    /// What is stored now, without the messages that this request took, with those that it added.
    #[must_use]
    fn merge(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// What is stored now, without the messages that this request took, with those that it added.
#[must_use]
pub fn merge_flashes<T: Flash>(base: &T, mine: &T, theirs: &T) -> T {
    T::merge(base, mine, theirs)
}

/// Who takes a message takes the one that he saw: a newer one stays. Of two that are set, the later.
pub fn merge_flash(
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, ValueError> {
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

macro_rules! map {
    ($base:ident, $mine:ident, $theirs:ident) => {{
        let added = $mine.keys().filter(|key| !$theirs.contains_key(*key));
        let merged = $theirs.keys().chain(added).filter_map(|key| {
            let value = message($base.get(key), $mine.get(key), $theirs.get(key))?;
            Some((key.clone(), value.clone()))
        });
        merged.collect()
    }};
}

#[diagnostic::do_not_recommend]
impl<T: Clone + PartialEq> Flash for Vec<T> {
    fn merge(base: &Self, mine: &Self, theirs: &Self) -> Self {
        merge_append(base, mine, theirs)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + PartialEq> Flash for VecDeque<T> {
    fn merge(base: &Self, mine: &Self, theirs: &Self) -> Self {
        merge_append(base, mine, theirs)
    }
}

#[diagnostic::do_not_recommend]
impl<K, V, S> Flash for HashMap<K, V, S>
where
    K: Eq + Hash + Clone,
    V: Clone + PartialEq,
    S: BuildHasher + Default,
{
    fn merge(base: &Self, mine: &Self, theirs: &Self) -> Self {
        map!(base, mine, theirs)
    }
}

#[diagnostic::do_not_recommend]
impl<K, V> Flash for BTreeMap<K, V>
where
    K: Ord + Clone,
    V: Clone + PartialEq,
{
    fn merge(base: &Self, mine: &Self, theirs: &Self) -> Self {
        map!(base, mine, theirs)
    }
}
