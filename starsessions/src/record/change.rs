//! What a request asks a store to do to a record, as plain data.

use bytes::Bytes;

use super::{Field, FieldName, Record};
use crate::clock::Timestamp;
use crate::crypto::IndexKey;

/// All changes of one request to one record, applied together or not at all.
///
/// A field that is neither in `set` nor in `remove` stays as it is stored *now*, whoever wrote it:
/// two requests that change different fields never overwrite each other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// Fields that get a new value.
    pub set: Vec<(FieldName, FieldWrite)>,
    /// Fields that go away.
    pub remove: Vec<FieldName>,
    /// Fields that must still have this revision, 0 for absent; otherwise the commit is a conflict.
    pub guards: Vec<(FieldName, u64)>,
    /// The timers. As in a touch, deadlines only move forward, except that the deadline of a record
    /// whose `remembered` changes is set as it stands here.
    pub touch: Touch,
    /// Whether the session lives by the long profile from now on; `None` leaves that as it is stored.
    pub remembered: Option<bool>,
    /// Whether the session has been signed in. A store never takes this back.
    pub identified: bool,
}

/// A field's new value and deadlines.
#[derive(Clone)]
#[non_exhaustive]
pub struct FieldWrite {
    /// The encoded value.
    pub value: Bytes,
    /// See [`Field::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// See [`Field::idle_at`].
    pub idle_at: Option<Timestamp>,
    /// See [`Field::index`].
    pub index: Option<IndexKey>,
}

impl FieldWrite {
    /// A write without deadlines.
    #[must_use]
    pub fn new(value: Bytes) -> Self {
        Self {
            value,
            expires_at: None,
            idle_at: None,
            index: None,
        }
    }
}

/// New timers for a record and for some of its fields; never data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Touch {
    /// See [`Record::last_seen_at`].
    pub last_seen_at: Timestamp,
    /// See [`Record::expires_at`].
    pub expires_at: Timestamp,
    /// New idle deadlines of fields; one that is no longer there is passed over.
    pub idle: Vec<(FieldName, Timestamp)>,
}

/// A record that moves to a new key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rotation {
    /// The whole record as it will stand under the new key.
    pub record: Record,
    /// The revision that the old record must still have; `None` ends it whatever it has become.
    pub expected: Option<u64>,
    /// What stays under the old key: nothing, or for a short grace the way to the new one.
    pub forward: Option<Forward>,
}

/// What a renewed id leaves behind for requests that are already on their way with the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forward {
    /// The successor's token, sealed so that only the bearer of the old cookie can open it.
    pub to: Bytes,
    /// From this second on the old key leads nowhere.
    pub until: Timestamp,
}

impl Commit {
    /// A commit that changes nothing but the timers.
    #[must_use]
    pub fn new(touch: Touch) -> Self {
        Self {
            set: Vec::new(),
            remove: Vec::new(),
            guards: Vec::new(),
            touch,
            remembered: None,
            identified: false,
        }
    }

    /// Whether every guarded field of `record` still has the revision that was seen.
    #[must_use]
    pub fn is_allowed_by(&self, record: &Record) -> bool {
        self.guards.iter().all(|(name, seen)| {
            let current = record.fields.get(name).map_or(0, |field| field.revision);
            current == *seen
        })
    }

    /// The size of `record`'s fields with the changes made.
    pub(crate) fn size_after(&self, record: &Record) -> usize {
        let size = |name: &str| {
            let field = record.fields.get(name);
            field.map_or(0, |field| name.len() + field.value.len())
        };
        let gone = self
            .remove
            .iter()
            .chain(self.set.iter().map(|(name, _)| name));
        let set = self
            .set
            .iter()
            .map(|(name, write)| name.len() + write.value.len());
        let gone: usize = gone.map(|name| size(name)).sum();
        (record.fields.size() + set.sum::<usize>()).saturating_sub(gone)
    }

    /// Makes the changes; the guards have been checked.
    pub fn apply(&self, record: &mut Record) {
        record.revision = record.revision.saturating_add(1);
        for name in &self.remove {
            record.fields.remove(name);
        }
        if record.fields.is_empty() {
            record.fields.reserve(self.set.len());
        }
        for (name, write) in &self.set {
            let field = Field {
                value: write.value.clone(),
                revision: record.revision,
                expires_at: write.expires_at,
                idle_at: write.idle_at,
                index: write.index.clone(),
            };
            record.fields.insert(name.clone(), field);
        }
        self.touch.apply_idle(record);
        record.last_seen_at = self.touch.last_seen_at.max(record.last_seen_at);
        // Another request may have moved the deadline further; only another profile takes it back.
        let remembered = self.remembered.unwrap_or(record.remembered);
        record.expires_at = if remembered == record.remembered {
            self.touch.expires_at.max(record.expires_at)
        } else {
            self.touch.expires_at
        };
        record.remembered = remembered;
        record.identified |= self.identified;
    }
}

impl Touch {
    /// New timers for the record alone.
    #[must_use]
    pub fn new(last_seen_at: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            last_seen_at,
            expires_at,
            idle: Vec::new(),
        }
    }

    /// Sets the timers; a deadline only ever moves forward, since touches may arrive in any order.
    pub fn apply(&self, record: &mut Record) {
        self.apply_idle(record);
        record.last_seen_at = self.last_seen_at.max(record.last_seen_at);
        record.expires_at = self.expires_at.max(record.expires_at);
    }

    fn apply_idle(&self, record: &mut Record) {
        for (name, deadline) in &self.idle {
            record.fields.update(name, |field| {
                if field.idle_at.is_some() {
                    field.idle_at = field.idle_at.max(Some(*deadline));
                }
            });
        }
    }
}

impl Rotation {
    /// A rotation that leaves nothing under the old key.
    #[must_use]
    pub fn new(record: Record, expected: Option<u64>) -> Self {
        Self {
            record,
            expected,
            forward: None,
        }
    }
}

impl Forward {
    /// Leads to the sealed token `to` before the second `until`.
    #[must_use]
    pub fn new(to: Bytes, until: Timestamp) -> Self {
        Self { to, until }
    }
}
