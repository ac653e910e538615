//! The decision about a session at the end of a request, and its record afterwards.

use super::Policy;
use super::changes::{Changes, FieldConflict, ends_with_privileges};
use super::expiry::Due;
use crate::clock::Timestamp;
use crate::record::{Edit, FieldChange, Record};

/// The facts that are known when the handler has answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Situation {
    /// The request brought the cookie of a live session.
    pub(crate) exists: bool,
    /// The session is to end.
    pub(crate) destroy: bool,
    /// Fields are to be written or removed.
    pub(crate) changes: bool,
    /// A new id is to be issued at once: asked for, or a `rotate` field changes.
    pub(crate) rotate: bool,
    /// The id is old, or under a key that is being retired.
    pub(crate) renew: bool,
    /// A deadline is to be moved.
    pub(crate) touch: bool,
}

/// The one operation that a situation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing to write, nothing to tell the browser.
    Nothing,
    /// Deadlines alone.
    Touch,
    /// A first record, under a new id.
    Create,
    /// Changed fields.
    Commit,
    /// A new id for the record; with a grace for the old one unless privileges change.
    Rotate { grace: bool },
    /// The record ends and another begins, under a new id, in one operation.
    Replace,
    /// The record ends.
    Delete,
}

impl Step {
    /// Whether this step ends the browser's id.
    pub(crate) fn ends_id(self) -> bool {
        matches!(self, Self::Rotate { .. } | Self::Replace | Self::Delete)
    }
}

impl Situation {
    pub(crate) fn step(self) -> Step {
        match (self.exists, self.changes) {
            (false, true) => Step::Create,
            (false, false) => Step::Nothing,
            (true, true) if self.destroy => Step::Replace,
            (true, false) if self.destroy => Step::Delete,
            (true, _) if self.rotate => Step::Rotate { grace: false },
            (true, _) if self.renew => Step::Rotate { grace: true },
            (true, true) => Step::Commit,
            (true, false) if self.touch => Step::Touch,
            (true, false) => Step::Nothing,
        }
    }
}

/// One operation with its arguments, except the session itself.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) step: Step,
    pub(crate) changes: Changes,
    pub(crate) remember: Option<bool>,
    pub(crate) due: Option<Due>,
    /// The request does not count as activity.
    pub(crate) is_passive: bool,
    pub(crate) now: Timestamp,
}

/// The next state of a record.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) record: Record,
    /// Its card, or the values by which it is found, may differ. A rotation lists the session anew in any case.
    pub(crate) is_relisted: bool,
}

impl Plan {
    pub(crate) fn new(step: Step, now: Timestamp) -> Self {
        Self {
            step,
            changes: Changes::default(),
            remember: None,
            due: None,
            is_passive: true,
            now,
        }
    }

    /// Whether the plan signs a user in; `before` is the session before it.
    pub(crate) fn signs_in(&self, before: Option<&Record>) -> bool {
        self.changes.signs_in(before, self.now)
    }

    /// Whether data is to be written, not timers or ids alone.
    pub(crate) fn writes(&self) -> bool {
        !self.changes.is_empty() || self.remember.is_some()
    }

    /// The plan for the session after a change of privileges by another request, as if this plan had come before it;
    /// `None` if its changes would not have survived that.
    pub(crate) fn carried(&self) -> Option<Self> {
        self.changes.survive_rotation().then(|| Self {
            changes: self.changes.clone(),
            remember: self.remember,
            ..Self::new(Step::Commit, self.now)
        })
    }

    /// The record that begins with these changes.
    pub(crate) fn begin(&self, policy: &Policy) -> Result<Record, FieldConflict> {
        let mut record = Record::new(self.now, self.now);
        record.remembered = self.remember.unwrap_or(false);
        record.expires_at = policy.deadline(&record, self.now);
        record.revision = 1;
        record.identified = self.changes.identify();
        let edits = self.changes.edits(&record, self.now, policy.field_limit)?;
        record.rewrite(edits);
        self.changes.fit(None, &record, self.now)?;
        Ok(record)
    }

    /// The record that follows `record`, as it is stored now, after this step.
    pub(crate) fn next(&self, policy: &Policy, record: &Record) -> Result<Next, FieldConflict> {
        let mut next = record.without_fields();
        next.revision = record.revision.wrapping_add(1);
        next.identified |= self.changes.identify();
        if let Some(due) = &self.due {
            due.move_times(&mut next);
        }
        let remembered = self.remember.unwrap_or(record.remembered);
        if remembered != record.remembered {
            next.remembered = remembered;
            next.last_seen_at = self.now;
            next.expires_at = policy.deadline(&next, self.now);
        }
        if matches!(self.step, Step::Rotate { .. }) {
            next.issued_at = self.now;
        }
        let mut edits = self.changes.edits(record, self.now, policy.field_limit)?;
        if self.step == (Step::Rotate { grace: false }) {
            end_privileged(record, &mut edits);
        }
        self.move_idle_fields(&mut edits);
        let listed = |record: &Record| (record.identified, record.remembered);
        let is_relisted = next.rewrite_from(record, edits) || listed(&next) != listed(record);
        self.changes.fit(Some(record), &next, self.now)?;
        Ok(Next {
            record: next,
            is_relisted,
        })
    }

    /// Fields that are written have new deadlines already, and fields that are removed need none.
    fn move_idle_fields<'p>(&'p self, edits: &mut Vec<Edit<'p>>) {
        for (name, deadline) in self.due.iter().flat_map(|due| &due.idle) {
            if !edits.iter().any(|edit| edit.name == *name) {
                edits.push(Edit::new(name, FieldChange::Idle(*deadline)));
            }
        }
    }
}

/// Removes the fields that end with the former privileges, except those that this request writes under the new ones.
fn end_privileged<'r>(record: &'r Record, edits: &mut Vec<Edit<'r>>) {
    for (name, _) in record.fields() {
        if ends_with_privileges(name) && !edits.iter().any(|edit| edit.name == name) {
            edits.push(Edit::remove(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks every combination against the rules in words.
    #[test]
    fn the_whole_table() {
        for bits in 0_u8..64 {
            let bit = |n: u8| bits >> n & 1 == 1;
            let situation = Situation {
                exists: bit(0),
                destroy: bit(1),
                changes: bit(2),
                rotate: bit(3),
                renew: bit(4),
                touch: bit(5),
            };
            let step = situation.step();
            if !situation.exists {
                let creates = step == Step::Create;
                assert_eq!(
                    creates, situation.changes,
                    "created by writing only: {situation:?}"
                );
                assert!(creates || step == Step::Nothing, "{situation:?}");
                continue;
            }
            assert_ne!(step, Step::Create, "{situation:?}");
            let ends = matches!(step, Step::Delete | Step::Replace);
            assert_eq!(ends, situation.destroy, "logout is final: {situation:?}");
            if situation.rotate && !situation.destroy {
                assert_eq!(step, Step::Rotate { grace: false }, "{situation:?}");
            }
            let idle = !(bit(1) || bit(2) || bit(3) || bit(4) || bit(5));
            assert_eq!(step == Step::Nothing, idle, "{situation:?}");
        }
    }
}
