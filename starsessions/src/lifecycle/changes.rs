//! The changes that a request wants, and how they become edits of the record as it is stored now.

use std::borrow::Cow;

use crate::clock::Timestamp;
use crate::record::{Edit, Encoded, Field, FieldChange, LABEL, NOT_STORED, Record};
use crate::schema::{Changed, ChangedFields, FieldSpec, Merge, Rule, namespace_of};
use crate::value::{self, Side};

/// The pending changes of one request, at most one for each field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes(Vec<Change>);

/// One field's change. `value: None` removes it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) spec: &'static FieldSpec,
    pub(crate) base: Base,
    pub(crate) value: Option<Encoded>,
    /// The struct's `validate`, for all its fields together.
    pub(super) rule: Option<Rule>,
    /// Another view has changed fields of the same namespace as well.
    pub(super) is_joined: bool,
}

/// The base of a change: the first side of the three-way merge.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// The request read the field as it was in this record at that time, and changed it.
    Seen {
        record: Option<Record>,
        at: Timestamp,
        /// The revision in which the value was written, 0 for an absent one.
        written: u32,
    },
    /// The request replaces whatever is stored.
    Any,
}

/// A change that cannot be merged with another request's, or another view's.
#[derive(Debug)]
pub(crate) struct FieldConflict(pub(crate) &'static str);

/// A value by which sessions are searched for.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    /// The stored name of the field.
    pub(crate) name: Cow<'static, str>,
    /// Its former names.
    pub(crate) aliases: &'static [&'static str],
    /// As it is stored.
    pub(crate) value: Vec<u8>,
}

impl Lookup {
    pub(crate) fn new(spec: &'static FieldSpec, value: Vec<u8>) -> Self {
        Self {
            name: Cow::Borrowed(spec.name),
            aliases: spec.aliases,
            value,
        }
    }
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn any(&self, is_meant: impl Fn(&Change) -> bool) -> bool {
        self.0.iter().any(is_meant)
    }

    /// Keeps what a failed response may keep: the `commit = always` fields.
    pub(crate) fn retain_always(&mut self) {
        self.0.retain(|change| change.spec.commit_always);
    }

    /// Adds the changes of one view, which saw the record `seen` at the time `at`, to those that this request has made
    /// so far: all of them, or none if one cannot be merged with another view's. `stored` is the record without the
    /// request's changes.
    pub(crate) fn extend(
        &mut self,
        fields: &ChangedFields,
        (seen, at): (Option<&Record>, Timestamp),
        stored: Option<&Record>,
    ) -> Result<(), FieldConflict> {
        let changes = fields.iter().map(|(spec, value)| Change {
            spec,
            base: Base::seen(spec, seen, at, stored),
            value,
            rule: fields.rule(),
            is_joined: false,
        });
        let mut changes: Vec<_> = changes.collect();
        if self.0.is_empty() {
            self.0 = changes;
            return Ok(());
        }
        for change in &mut changes {
            self.join(change)?;
        }
        for change in &mut changes {
            for earlier in &mut self.0 {
                if namespace_of(earlier.spec.name) == namespace_of(change.spec.name) {
                    (earlier.is_joined, change.is_joined) = (true, true);
                }
            }
        }
        for change in changes {
            self.push(change);
        }
        Ok(())
    }

    /// Adds changes that replace whatever is stored, except for messages that an unseen request does not see.
    pub(crate) fn replace(&mut self, fields: impl IntoIterator<Item = Changed>, is_unseen: bool) {
        for (spec, value) in fields {
            let base = if is_unseen && spec.flash {
                Base::seen(spec, None, Timestamp::default(), None)
            } else {
                Base::Any
            };
            self.push(Change {
                spec,
                base,
                value,
                rule: None,
                is_joined: false,
            });
        }
    }

    /// Rebases a view's change onto this request's earlier change of the same field. Two views of one request that did
    /// not see each other merge like two requests.
    fn join(&self, change: &mut Change) -> Result<(), FieldConflict> {
        let earlier = self.0.iter().find(|it| it.spec.name == change.spec.name);
        if let (Some(seen), Some(earlier)) = (change.seen(), earlier) {
            let theirs = earlier.value.as_deref();
            if seen != theirs {
                let merged = change.merge(seen, theirs)?;
                change.value = merged.map(|value| Encoded::from(value.into_owned()));
            }
            change.base = earlier.base.clone();
        }
        Ok(())
    }

    /// Adds a change, which replaces this request's earlier change of the same field.
    pub(crate) fn push(&mut self, change: Change) {
        let mut changes = self.0.iter();
        if let Some(place) = changes.position(|it| it.spec.name == change.spec.name) {
            self.0.swap_remove(place);
            let is_back_at_its_base = change.seen() == Some(change.value.as_deref());
            if is_back_at_its_base {
                return;
            }
        }
        self.0.push(change);
    }

    /// The first field of a view that the request has changed since the view was read from `seen`.
    pub(crate) fn unseen(
        &self,
        fields: &'static [FieldSpec],
        seen: Option<&Record>,
    ) -> Option<&'static str> {
        let is_unseen = |change: &&Change| {
            let is_of_view = fields.iter().any(|spec| spec.name == change.spec.name);
            let seen = seen.and_then(|record| change.spec.find(record));
            is_of_view && seen.map(|(_, field)| field.value) != change.value.as_deref()
        };
        self.0.iter().find(is_unseen).map(|change| change.spec.name)
    }

    /// Whether the changes make a difference in `record` (or in no record at all).
    pub(crate) fn affect(&self, record: Option<&Record>) -> bool {
        self.any(|change| change.affects(record))
    }

    pub(crate) fn rotate(&self, record: &Record) -> bool {
        self.any(|change| change.spec.rotate && change.affects(Some(record)))
    }

    /// Whether the session holds a privilege afterwards.
    pub(crate) fn identify(&self) -> bool {
        self.any(|change| change.spec.rotate && change.value.is_some())
    }

    /// Whether an indexed field is set.
    pub(crate) fn may_sign_in(&self) -> bool {
        self.any(|change| change.spec.index && change.value.is_some())
    }

    /// Whether a user signs in: an indexed field gets a value that it has not had or, in a session without an indexed
    /// field, a `required` `rotate` field does.
    pub(crate) fn signs_in(&self, before: Option<&Record>, now: Timestamp) -> bool {
        let makes_user = |change: &Change| change.spec.required && change.spec.rotate;
        let mut news = self
            .0
            .iter()
            .filter(|it| (it.spec.index || makes_user(it)) && it.is_new(before, now));
        let Some(first) = news.next() else {
            return false;
        };
        let is_found = |record: &Record| record.indexed().next().is_some();
        first.spec.index || news.any(|it| it.spec.index) || !before.is_some_and(is_found)
    }

    /// The new values of indexed fields: the session is to be found by them, and is not found by them now.
    pub(crate) fn sign_ins(&self, record: Option<&Record>, now: Timestamp) -> Vec<Lookup> {
        let changes = self.0.iter();
        let news = changes.filter(|it| it.spec.index && it.is_new(record, now));
        let lookup = |it: &Change| Some(Lookup::new(it.spec, it.value.as_ref()?.to_vec()));
        news.filter_map(lookup).collect()
    }

    /// Whether the loss of these changes must be reported when the session has ended. The answer "done" would be wrong:
    /// the browser is not signed in, or a value that may be used once is still there.
    pub(crate) fn must_report_loss(&self) -> bool {
        let uses_up = |change: &Change| matches!(change.spec.merge, Merge::Exclusive);
        self.any(uses_up) || self.identify() || self.may_sign_in()
    }

    /// Whether all changes would survive a change of privileges: no field identifies a user (`rotate`, `index`), ends
    /// with the privileges or can be used once (`exclusive`).
    pub(super) fn survive_rotation(&self) -> bool {
        let survives = |spec: &FieldSpec| {
            let is_bound = spec.rotate || spec.index || ends_with_privileges(spec.name);
            !is_bound && !matches!(spec.merge, Merge::Exclusive)
        };
        self.0.iter().all(|change| survives(change.spec))
    }

    /// The record with this request's changes in it, none of them stored yet.
    pub(crate) fn on_top_of(&self, record: Option<Record>, now: Timestamp) -> Option<Record> {
        let changes = self.0.iter();
        let changes = changes.map(|change| (change.spec, change.value.as_deref()));
        with_changes(record, changes, now)
    }

    /// The edits that make these changes to `record`, merged where it differs from what the request saw. The limit
    /// holds for merged values, too.
    pub(super) fn edits(
        &self,
        record: &Record,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Edit<'_>>, FieldConflict> {
        let mut edits = Vec::with_capacity(self.0.len());
        for change in &self.0 {
            change.rebase(record, now, limit, &mut edits)?;
        }
        Ok(edits)
    }

    /// Whether the `validate` of each struct accepts its fields in `next`, where they may differ from what a view had:
    /// after another request has changed `before`, after another view, or without what a failed request drops.
    pub(super) fn fit(
        &self,
        before: Option<&Record>,
        next: &Record,
        now: Timestamp,
    ) -> Result<(), FieldConflict> {
        let is_overtaken = |change: &Change| match (&change.base, before) {
            (Base::Seen { record, .. }, Some(before)) => record
                .as_ref()
                .is_none_or(|seen| seen.revision != before.revision),
            _ => false,
        };
        let needs_check = |it: &&Change| it.is_joined || it.spec.commit_always || is_overtaken(it);
        let mut checked: Option<Rule> = None;
        for change in self.0.iter().filter(needs_check) {
            let Some(rule) = change.rule else { continue };
            // The changes of one view are adjacent, and have one rule.
            let is_checked = checked.is_some_and(|checked| std::ptr::fn_addr_eq(checked, rule));
            if !is_checked && !rule(next, now) {
                return Err(FieldConflict(change.spec.name));
            }
            checked = Some(rule);
        }
        Ok(())
    }
}

impl Change {
    /// The value that the request saw, `Some(None)` for an absent field; `None` if it did not read the field.
    fn seen(&self) -> Option<Option<&[u8]>> {
        match &self.base {
            Base::Seen { record, at, .. } => {
                Some(live(self.spec, record.as_ref(), *at).map(|field| field.value))
            }
            Base::Any => None,
        }
    }

    /// Whether the change sets a value that the session does not have now.
    fn is_new(&self, before: Option<&Record>, now: Timestamp) -> bool {
        let stored = live(self.spec, before, now);
        let value = self.value.as_deref().map(value::content);
        value.is_some() && value != stored.map(|field| value::content(field.value))
    }

    /// Whether `theirs` is not what the request saw. A value that was changed there and back counts as
    /// changed.
    fn is_overtaken(&self, theirs: Option<Field<'_>>) -> bool {
        let stored = theirs.map_or(0, |field| field.written);
        matches!(self.base, Base::Seen { written, .. } if written != stored)
    }

    fn affects(&self, record: Option<&Record>) -> bool {
        // A label alone begins no session.
        let may_begin = record.is_some() || self.spec.name != LABEL;
        (may_begin && self.value.is_some())
            || record.is_some_and(|record| self.spec.find(record).is_some())
    }

    fn rebase<'c>(
        &'c self,
        record: &Record,
        now: Timestamp,
        limit: usize,
        edits: &mut Vec<Edit<'c>>,
    ) -> Result<(), FieldConflict> {
        let spec = self.spec;
        edits.extend(spec.aliases.iter().map(|alias| Edit::remove(alias)));
        let name = spec.name;
        match self.merged(live(spec, Some(record), now))? {
            // The values of a view are within the limit, but a merge of two may not be. A change without a rule is the
            // layer's own, such as a device, which has its own limit.
            Some(value) if value.len() > limit && self.rule.is_some() => {
                return Err(FieldConflict(name));
            }
            Some(value) => {
                let set = FieldChange::Set {
                    value,
                    expires_at: spec.expires.map(|lifetime| now + lifetime),
                    idle_at: spec.idle.map(|lifetime| now + lifetime),
                    indexed: spec.index,
                };
                edits.push(Edit::new(name, set));
            }
            None => edits.push(Edit::remove(name)),
        }
        Ok(())
    }

    /// The value to store in the place of `theirs`.
    fn merged(&self, theirs: Option<Field<'_>>) -> Result<Option<Cow<'_, [u8]>>, FieldConflict> {
        // Checked first, because it looks nothing up.
        if self.is_overtaken(theirs)
            && let Some(seen) = self.seen()
        {
            return self.merge(seen, theirs.map(|field| field.value));
        }
        Ok(self.value.as_deref().map(Cow::Borrowed))
    }

    /// The value of a field that both sides have changed since it was `seen`.
    fn merge(
        &self,
        seen: Side<'_>,
        theirs: Side<'_>,
    ) -> Result<Option<Cow<'_, [u8]>>, FieldConflict> {
        let mine = self.value.as_deref();
        let conflict = || FieldConflict(self.spec.name);
        match self.spec.merge {
            Merge::Last => Ok(mine.map(Cow::Borrowed)),
            Merge::Exclusive => Err(conflict()),
            Merge::With(merge) => {
                let merged = merge(seen, mine, theirs).map_err(|_| conflict())?;
                Ok(merged.map(Cow::Owned))
            }
        }
    }
}

/// A record with these changes in it, none of them stored yet.
pub(crate) fn with_changes<'c>(
    record: Option<Record>,
    changes: impl ExactSizeIterator<Item = (&'static FieldSpec, Option<&'c [u8]>)>,
    now: Timestamp,
) -> Option<Record> {
    if changes.len() == 0 {
        return record;
    }
    let mut record = record.unwrap_or_else(|| Record::new(now, now));
    let mut edits = Vec::with_capacity(changes.len());
    for (spec, value) in changes {
        edits.extend(spec.aliases.iter().map(|alias| Edit::remove(alias)));
        edits.push(match value {
            Some(value) => Edit::set(spec.name, value),
            None => Edit::remove(spec.name),
        });
    }
    record.overlay(edits);
    Some(record)
}

impl Base {
    /// The base of a view's change of a field in `record`. If the view saw a change of this request that was stored
    /// since, the stored value is the base.
    pub(crate) fn seen(
        spec: &FieldSpec,
        record: Option<&Record>,
        at: Timestamp,
        stored: Option<&Record>,
    ) -> Self {
        let seen = live(spec, record, at);
        let written = match seen {
            Some(field) if field.written == NOT_STORED => {
                let stored = stored.and_then(|stored| spec.find(stored));
                let stored = stored.filter(|(_, stored)| stored.value == field.value);
                stored.map_or(NOT_STORED, |(_, stored)| stored.written)
            }
            seen => seen.map_or(0, |field| field.written),
        };
        Self::Seen {
            record: record.cloned(),
            at,
            written,
        }
    }
}

fn live<'r>(spec: &FieldSpec, record: Option<&'r Record>, now: Timestamp) -> Option<Field<'r>> {
    let (_, field) = spec.find(record?)?;
    field.is_live(now).then_some(field)
}

/// Whether a field is removed when the privileges change under which it was written. The derive macro marks its name by
/// a `~` behind the namespace.
pub(super) fn ends_with_privileges(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(_, field)| field.starts_with('~'))
}
