//! Visits every node of a type, one run for each.

use serde::de::DeserializeOwned;

use super::explorer::Explorer;
use super::run::{Goal, Outcome, Run};
use super::sample::ATTEMPTS;
use super::tree::{Call, Id, Kind, Tree};

/// Finds out what `T` asks a deserializer for, without having a value of it.
pub(super) fn explore<T: DeserializeOwned>() -> Tree {
    let mut exploration = Exploration {
        tree: Tree::new(),
        steps: MOST_STEPS,
        deserialize: deserialize::<T>,
    };
    exploration.visit(Tree::ROOT);
    exploration.tree
}

fn deserialize<T: DeserializeOwned>(run: &Run<'_>) {
    // What counts is in the outcome of the run.
    drop(T::deserialize(Explorer::root(run)));
}

struct Exploration {
    tree: Tree,
    /// How many questions of the type are still answered, over all runs.
    steps: usize,
    /// A pointer, so that this algorithm is compiled once and not for each type.
    deserialize: fn(&Run<'_>),
}

impl Exploration {
    fn run(&mut self, target: Id, goal: Goal) -> Outcome {
        if self.tree.is_too_large() {
            return Outcome::default();
        }
        let run = Run::new(&self.tree, target, goal, self.steps);
        (self.deserialize)(&run);
        self.steps = run.steps.get();
        let outcome = run.outcome;
        if self.steps == 0 {
            self.tree.give_up();
        }
        outcome
    }

    /// Explores a node and everything below. Says whether the type took it at all.
    fn visit(&mut self, id: Id) -> bool {
        let outcome = self.run(id, Goal::Record);
        match outcome.call.into_inner() {
            Some((call, visitor)) => self.tree.record(id, call, visitor),
            None => self.set(id, Kind::Nothing),
        }
        match self.tree.node(id).call.kind {
            Kind::Struct | Kind::StructVariant => self.visit_fields(id),
            Kind::Enum => self.visit_variants(id),
            _ => self.visit_elements(id),
        }
        outcome.handed.get()
    }

    fn visit_fields(&mut self, id: Id) {
        for (index, child) in self.children(id).into_iter().enumerate() {
            let taken = self.visit(child);
            if index == 0 && !taken {
                // A visitor written by hand that only knows the order.
                self.tree.update(id, |node| node.by_position = true);
                return self.visit_elements(id);
            }
        }
        self.join_aliases(id);
    }

    fn visit_variants(&mut self, id: Id) {
        // Aliases make the list of names longer than that of the variants.
        for (index, child) in self.children(id).into_iter().enumerate() {
            if !self.visit(child) {
                self.tree.update(id, |node| node.children.truncate(index));
                return;
            }
        }
    }

    /// An element is reached by making up those in front of it.
    fn visit_elements(&mut self, id: Id) {
        let mut front = None;
        let mut hidden = false;
        for child in self.children(id) {
            hidden = hidden || front.is_some_and(|front| !self.can_fill(front));
            if hidden {
                self.set(child, Kind::Hidden);
            } else {
                self.visit(child);
            }
            front = Some(child);
        }
    }

    /// Finds a made-up value that the type accepts at this node, and remembers it.
    fn can_fill(&mut self, id: Id) -> bool {
        if let Some(known) = self.tree.node(id).attempt {
            return known.is_some();
        }
        self.fill_children(id);
        let found = (0..ATTEMPTS).find(|attempt| {
            let outcome = self.run(id, Goal::Probe(*attempt));
            outcome.accepted.get()
        });
        self.tree.update(id, |node| node.attempt = Some(found));
        found.is_some()
    }

    fn fill_children(&mut self, id: Id) {
        for child in self.children(id) {
            match self.tree.node(id).call.kind {
                // The type's answer to these alone cannot be seen from outside.
                Kind::Option | Kind::Newtype | Kind::Enum => self.fill_children(child),
                _ => {
                    self.can_fill(child);
                }
            }
        }
    }

    /// serde lists the aliases of a field beside its name. They share one place in the bytes, so
    /// an alias more or less does not change the shape.
    ///
    /// Two names are one field if the type complains about the second. Where no value for the
    /// first can be made up they stay two.
    fn join_aliases(&mut self, id: Id) {
        let children = self.children(id);
        let mut fields: Vec<(&'static str, Id)> = Vec::with_capacity(children.len());
        let mut front = None;
        for (index, child) in children.into_iter().enumerate() {
            let same = front.and_then(|front| self.same_field(id, index, front, child));
            match (same, fields.last_mut()) {
                (Some(name), Some(last)) => last.0 = name,
                _ => {
                    let name = self.tree.node(id).names.get(index);
                    fields.push((name.copied().unwrap_or_default(), child));
                }
            }
            front = Some(child);
        }
        self.tree.update(id, |node| {
            (node.names, node.children) = fields.into_iter().unzip();
        });
    }

    fn same_field(&mut self, id: Id, index: usize, first: Id, second: Id) -> Option<&'static str> {
        let alike = self.written(first) == self.written(second);
        if !alike || !self.can_fill(first) {
            return None;
        }
        let outcome = self.run(id, Goal::Compare(index.checked_sub(1)?));
        outcome.same_field.get()
    }

    fn written(&self, id: Id) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.tree.write_node(id, &mut bytes);
        bytes
    }

    fn children(&self, id: Id) -> Vec<Id> {
        self.tree.node(id).children.clone()
    }

    fn set(&mut self, id: Id, kind: Kind) {
        self.tree.update(id, |node| node.call = Call::new(kind));
    }
}

/// A type of a session takes some hundreds; one that takes more is too large.
const MOST_STEPS: usize = 1 << 18;
