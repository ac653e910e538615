//! The insides of what has parts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::parts::{serialize_elements, serialize_parts};
use super::hash::{Hashes, fold};
use super::tracer::{Kind, State, Tracer};
use super::{Refusal, text};

/// What has a fixed number of parts in a fixed order.
pub(super) struct Parts<'s>(&'s mut State);

impl<'s> Parts<'s> {
    #[inline]
    pub(super) fn new(state: &'s mut State) -> Self {
        Self(state)
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(Tracer(self.0))
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refusal> {
        self.0.hashes.name(text(name.as_bytes()));
        self.part(value)
    }

    /// What is left out has no place in the value.
    fn skip(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }

    /// Without it, a part that follows could be one of these.
    #[inline]
    fn close(self) -> Result<(), Refusal> {
        self.0.hashes.name(Kind::End as u64);
        Ok(())
    }
}

serialize_parts! { Parts<'_> }

/// The elements of a list or the entries of a map: any number in any order.
pub(super) struct Elements<'s> {
    state: &'s mut State,
    outer: Hashes,
    marks: Marks,
    sum: u64,
    count: u64,
}

impl<'s> Elements<'s> {
    pub(super) fn new(state: &'s mut State, kind: Kind) -> Self {
        state.hashes.name(kind as u64);
        Self {
            outer: state.hashes,
            state,
            marks: Marks::default(),
            sum: 0,
            count: 0,
        }
    }

    #[inline]
    fn begin<T: Serialize + ?Sized>(&mut self, first: &T) -> Result<(), Refusal> {
        self.state.hashes = Hashes::START;
        self.part(first)
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(Tracer(self.state))
    }

    #[inline]
    fn count(&mut self) -> Result<(), Refusal> {
        self.marks.insert(self.state.hashes.mark);
        self.sum = self.sum.wrapping_add(self.state.hashes.joined());
        self.count += 1;
        Ok(())
    }

    fn close(self) -> Result<(), Refusal> {
        let mut hashes = self.outer;
        hashes.mark = self.marks.fold_into(hashes.mark);
        hashes.name(Kind::End as u64);
        hashes.value(self.count);
        hashes.value(self.sum);
        self.state.hashes = hashes;
        Ok(())
    }
}

serialize_elements! { Elements<'_> }

/// The marks of the elements of one list. Most lists have one, which takes no allocation.
#[derive(Default)]
struct Marks {
    last: Option<u64>,
    others: BTreeSet<u64>,
}

impl Marks {
    #[inline]
    fn insert(&mut self, mark: u64) {
        if self.last != Some(mark) {
            self.others.extend(self.last.replace(mark));
        }
    }

    fn fold_into(mut self, hash: u64) -> u64 {
        if self.others.is_empty() {
            return self.last.map_or(hash, |mark| fold(hash, mark));
        }
        self.others.extend(self.last);
        self.others.into_iter().fold(hash, fold)
    }
}
