//! One attempt to reach one node.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de;

use super::tree::{Call, Id, Tree};

/// What one run is for. Each run deserializes the whole type from nothing, walks to its target,
/// and ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// See what the type asks for at the target.
    Record,
    /// See whether the made-up value of this attempt is accepted at the target.
    Probe(u8),
    /// See whether two neighbouring names of the target, a struct, are the same field.
    /// Holds the place of the first.
    Compare(usize),
}

#[derive(Debug)]
pub(super) struct Run<'t> {
    pub(super) tree: &'t Tree,
    pub(super) path: Vec<Id>,
    pub(super) goal: Goal,
    /// How many questions of the type are still answered.
    pub(super) steps: Cell<usize>,
    pub(super) outcome: Outcome,
}

/// What a run found out. Kept outside of the error that ends it, because a type may swallow errors.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The goal is reached; every further question is answered with [`Halt::Stop`].
    pub(super) over: Cell<bool>,
    /// The target was handed to the type.
    pub(super) handed: Cell<bool>,
    /// What the type asked for there, and the type of its visitor.
    pub(super) call: RefCell<Option<(Call, &'static str)>>,
    /// The made-up value was accepted.
    pub(super) accepted: Cell<bool>,
    /// The second name was recognised, before its value was asked for.
    pub(super) second_name: Cell<bool>,
    /// The field that both names stand for.
    pub(super) same_field: Cell<Option<&'static str>>,
}

impl<'t> Run<'t> {
    pub(super) fn new(tree: &'t Tree, target: Id, goal: Goal, steps: usize) -> Self {
        Self {
            tree,
            path: tree.path(target),
            goal,
            steps: Cell::new(steps),
            outcome: Outcome::default(),
        }
    }

    /// Counts a question of the type; it gets no answer if the run is over.
    pub(super) fn step(&self) -> Result<(), Halt> {
        match self.steps.get().checked_sub(1) {
            Some(left) => self.steps.set(left),
            None => self.outcome.over.set(true),
        }
        if self.outcome.over.get() {
            Err(Halt::Stop)
        } else {
            Ok(())
        }
    }

    pub(super) fn record(&self, call: Call, visitor: &'static str) -> Halt {
        self.outcome.call.replace(Some((call, visitor)));
        self.outcome.over.set(true);
        Halt::Stop
    }
}

/// Why a deserialization ended.
#[derive(Debug)]
pub(super) enum Halt {
    /// The goal is reached.
    Stop,
    /// The type says that it has seen this field before.
    Duplicate(&'static str),
    /// The type did not accept a made-up value.
    Refused,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shape of this type is being explored; no value is expected here")
    }
}

impl std::error::Error for Halt {}

impl de::Error for Halt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Refused
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }
}
