//! What a request wants to change, and how that becomes one commit against the record as it is now.

use bytes::Bytes;

use super::label::LABEL;
use super::listing::Lookup;
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::observe;
use crate::record::{Commit, FieldName, FieldWrite, Record, Touch};
use crate::schema::{FieldSpec, Merge};
use crate::value;

/// The pending changes of one request, at most one for each field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes(Vec<Change>);

/// One field's change. `value: None` removes it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) spec: &'static FieldSpec,
    pub(crate) base: Base,
    pub(crate) value: Option<Bytes>,
}

/// What a change starts from: the first side of the three-way merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The request read the field, found this, and changed it. Revision 0 is an absent field.
    Seen { value: Option<Bytes>, revision: u64 },
    /// The request replaces whatever is there.
    Any,
}

/// A field marked `exclusive` was changed by another request meanwhile.
#[derive(Debug)]
pub(crate) struct ExclusiveConflict(pub(crate) &'static str);

impl From<ExclusiveConflict> for SessionError {
    fn from(ExclusiveConflict(field): ExclusiveConflict) -> Self {
        observe::conflict(field);
        Self::Conflict { field }
    }
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    /// Keeps what a failed response may keep: the `commit = always` fields.
    pub(crate) fn retain_always(&mut self) {
        self.0.retain(|change| change.spec.commit_always);
    }

    /// Adds the changes of one view on top of those that this request has made so far: all of them,
    /// or none if they meet another view's change of an `exclusive` field.
    pub(crate) fn extend(&mut self, changes: Vec<Change>) -> Result<(), ExclusiveConflict> {
        for change in &changes {
            self.check_exclusive(change)?;
        }
        if self.0.is_empty() {
            self.0 = changes;
            return Ok(());
        }
        for change in changes {
            self.push(change);
        }
        Ok(())
    }

    fn check_exclusive(&self, change: &Change) -> Result<(), ExclusiveConflict> {
        let earlier = self.0.iter().find(|it| it.spec.name == change.spec.name);
        match (&change.base, earlier) {
            (Base::Seen { value: seen, .. }, Some(earlier))
                if matches!(change.spec.merge, Merge::Exclusive) && *seen != earlier.value =>
            {
                Err(ExclusiveConflict(change.spec.name))
            }
            _ => Ok(()),
        }
    }

    /// Adds a change on top of those that this request has made so far.
    pub(crate) fn push(&mut self, mut change: Change) {
        let Some(place) = self
            .0
            .iter()
            .position(|it| it.spec.name == change.spec.name)
        else {
            self.0.push(change);
            return;
        };
        let earlier = self.0.swap_remove(place);
        if let Base::Seen { value: seen, .. } = &change.base {
            // Two views of one request that did not see each other merge like two requests.
            if *seen != earlier.value
                && let Merge::With(merge) = change.spec.merge
                && let Ok(merged) = merge(
                    seen.as_deref(),
                    change.value.as_deref(),
                    earlier.value.as_deref(),
                )
            {
                change.value = merged.map(Bytes::from);
            }
            change.base = earlier.base;
        }
        let is_back_at_its_base =
            matches!(&change.base, Base::Seen { value, .. } if *value == change.value);
        if !is_back_at_its_base {
            self.0.push(change);
        }
    }

    /// Whether anything would be different in `record` (or in no record at all).
    pub(crate) fn affect(&self, record: Option<&Record>) -> bool {
        self.0.iter().any(|change| change.affects(record))
    }

    /// Whether a `rotate` field changes.
    pub(crate) fn rotate(&self, record: &Record) -> bool {
        self.0
            .iter()
            .any(|change| change.spec.rotate && change.affects(Some(record)))
    }

    /// Whether the session holds a privilege afterwards.
    pub(crate) fn identify(&self) -> bool {
        self.0
            .iter()
            .any(|change| change.spec.rotate && change.value.is_some())
    }

    /// Whether a field is set that sessions are found by.
    pub(crate) fn may_sign_in(&self) -> bool {
        self.0
            .iter()
            .any(|change| change.spec.index && change.value.is_some())
    }

    /// The values by which the session is to be found, and by which it is not found now.
    pub(super) fn sign_ins(&self, record: Option<&Record>, now: Timestamp) -> Vec<Lookup> {
        let sign_in = |change: &Change| {
            let value = change.value.as_ref().filter(|_| change.spec.index)?;
            let stored = record.and_then(|record| change.spec.find(record));
            let is_found = stored.is_some_and(|(_, field)| {
                field.is_live(now) && value::content(&field.value) == value::content(value)
            });
            (!is_found).then(|| Lookup {
                spec: change.spec,
                value: value.to_vec(),
            })
        };
        self.0.iter().filter_map(sign_in).collect()
    }

    /// Whether a field changes that only one request may change.
    pub(crate) fn use_up(&self) -> bool {
        self.0
            .iter()
            .any(|change| matches!(change.spec.merge, Merge::Exclusive))
    }

    /// Removes what ends with the privileges that it was written under, but for what this request
    /// writes under the new ones.
    pub(crate) fn end_privileged(record: &Record, commit: &mut Commit) {
        for (name, _) in record
            .fields
            .iter()
            .filter(|(name, _)| ends_with_privileges(name))
        {
            let is_set = commit.set.iter().any(|(set, _)| set == name);
            if !is_set && !commit.remove.contains(name) {
                commit.remove.push(name.clone());
            }
        }
    }

    /// Whether a field is one that sessions are found by.
    pub(crate) fn is_indexed(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|change| change.spec.index && change.spec.name == name)
    }

    /// The commit that makes these changes to `record`, merging where the record is not what the
    /// request saw.
    pub(crate) fn rebase(
        &self,
        record: &Record,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Commit, ExclusiveConflict> {
        let mut commit = Commit::new(touch);
        commit.set.reserve_exact(self.0.len());
        commit.identified = record.identified || self.identify();
        for change in &self.0 {
            change.rebase(record, now, &mut commit)?;
        }
        Ok(commit)
    }
}

impl Change {
    fn affects(&self, record: Option<&Record>) -> bool {
        // A label names a session and begins none.
        let may_begin = record.is_some() || self.spec.name != LABEL;
        (may_begin && self.value.is_some())
            || record.is_some_and(|record| self.spec.find(record).is_some())
    }

    fn rebase(
        &self,
        record: &Record,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<(), ExclusiveConflict> {
        let spec = self.spec;
        let stored = spec.find(record);
        let live = stored
            .as_ref()
            .map(|(_, field)| *field)
            .filter(|field| field.is_live(now));
        let mut value = self.value.clone();
        if let Base::Seen {
            value: seen_value,
            revision: seen,
        } = &self.base
        {
            if *seen != live.map_or(0, |field| field.revision) {
                match spec.merge {
                    Merge::Last => {}
                    Merge::Exclusive => return Err(ExclusiveConflict(spec.name)),
                    Merge::With(merge) => {
                        let theirs = live.map(|field| &*field.value);
                        // Values that cannot be merged fall back to the later commit.
                        if let Ok(merged) = merge(seen_value.as_deref(), value.as_deref(), theirs) {
                            value = merged.map(Bytes::from);
                        }
                    }
                }
            }
            if !matches!(spec.merge, Merge::Last) {
                guard(spec, record, commit);
            }
        }
        for alias in spec.aliases {
            if record.fields.get(alias).is_some() {
                commit.remove.push(FieldName::Borrowed(alias));
            }
        }
        match value {
            Some(value) => commit.set.push((
                FieldName::Borrowed(spec.name),
                FieldWrite {
                    value,
                    expires_at: spec.expires.map(|lifetime| now + lifetime),
                    idle_at: spec.idle.map(|lifetime| now + lifetime),
                    index: None,
                },
            )),
            None if record.fields.get(spec.name).is_some() => {
                commit.remove.push(FieldName::Borrowed(spec.name));
            }
            None => {}
        }
        Ok(())
    }
}

/// The derive macro puts it into the name, behind the namespace.
fn ends_with_privileges(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(_, field)| field.starts_with('~'))
}

/// The field must still be, under each of its names, what the merge was made from.
fn guard(spec: &'static FieldSpec, record: &Record, commit: &mut Commit) {
    for name in std::iter::once(&spec.name).chain(spec.aliases) {
        let revision = record.fields.get(name).map_or(0, |field| field.revision);
        commit.guards.push((FieldName::Borrowed(name), revision));
    }
}
