//! What the scripts take.

use super::packed;
use crate::clock::Timestamp;
use crate::record::{Commit, FieldName, Record, Rotation};

/// What a session is told about its entries in the index.
#[derive(Clone, Copy, Default)]
pub(super) struct Indexed {
    /// They last until then.
    pub(super) horizon: Option<Timestamp>,
    /// All of them, if the session still has this revision, and not only those of the fields that are
    /// written.
    pub(super) seen: Option<u64>,
}

/// What a script takes, in the order in which it takes it.
pub(super) struct Arguments(pub(super) Vec<Vec<u8>>);

impl Arguments {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn new(now: Timestamp) -> Self {
        Self::none().at(now)
    }

    /// Of a call that must not take place twice.
    pub(super) fn once(ticket: &[u8]) -> Self {
        let mut arguments = Self::none();
        arguments.bytes(ticket);
        arguments
    }

    pub(super) fn at(mut self, now: Timestamp) -> Self {
        self.number(packed::seconds(now));
        self
    }

    pub(super) fn bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        self.0.push(bytes.into());
    }

    pub(super) fn number(&mut self, number: u64) {
        self.bytes(number.to_string());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.bytes(count.to_string());
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.number(flag.into());
    }

    /// What is absent is an empty text.
    pub(super) fn optional(&mut self, number: Option<u64>) {
        self.bytes(number.map_or_else(String::new, |number| number.to_string()));
    }

    pub(super) fn indexed(&mut self, indexed: Indexed) {
        self.optional(indexed.horizon.map(packed::seconds));
        self.optional(indexed.seen.map(packed::number));
    }

    pub(super) fn deadlines(&mut self, idle: &[(FieldName, Timestamp)]) {
        self.count(idle.len());
        for (name, deadline) in idle {
            self.bytes(packed::field_name(name));
            self.number(packed::seconds(*deadline));
        }
    }

    pub(super) fn record(&mut self, record: &Record, horizon: Option<Timestamp>) {
        let mut pairs = packed::pack(record);
        if let Some(horizon) = horizon {
            let horizon = packed::seconds(horizon).to_string();
            pairs.push((b"x".to_vec(), horizon.into_bytes()));
        }
        self.number(packed::seconds(record.expires_at));
        self.count(pairs.len());
        for (name, value) in pairs {
            self.bytes(name);
            self.bytes(value);
        }
    }

    pub(super) fn expectation(&mut self, rotation: &Rotation) {
        self.optional(rotation.expected.map(packed::number));
        let forward = rotation.forward.as_ref();
        self.flag(forward.is_some());
        self.bytes(forward.map_or_else(Vec::new, |forward| forward.to.to_vec()));
        self.optional(forward.map(|forward| packed::seconds(forward.until)));
    }

    pub(super) fn of_commit(
        commit: &Commit,
        indexed: Indexed,
        ticket: &[u8],
        now: Timestamp,
    ) -> Self {
        let mut arguments = Self::once(ticket).at(now);
        arguments.count(commit.guards.len());
        for (name, revision) in &commit.guards {
            arguments.bytes(packed::field_name(name));
            arguments.number(packed::number(*revision));
        }
        arguments.number(packed::seconds(commit.touch.last_seen_at));
        arguments.number(packed::seconds(commit.touch.expires_at));
        arguments.optional(commit.remembered.map(u64::from));
        arguments.flag(commit.identified);
        arguments.indexed(indexed);
        arguments.count(commit.remove.len());
        for name in &commit.remove {
            arguments.bytes(packed::field_name(name));
        }
        arguments.count(commit.set.len());
        for (name, write) in &commit.set {
            arguments.bytes(packed::field_name(name));
            arguments.bytes(packed::pack_write(write));
        }
        arguments.deadlines(&commit.touch.idle);
        arguments
    }
}
