//! Changes of a record: the old bytes and the changed fields become new bytes in one pass.

use std::borrow::Cow;
use std::sync::Arc;

#[cfg(feature = "python")]
use super::Field;
use super::field::{self, Entry};
use super::{HEAD, NOT_STORED, Record, TIME, VERSION, flags, put_time};
use crate::clock::Timestamp;

/// The change of one field.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) name: &'a str,
    pub(crate) change: FieldChange<'a>,
}

/// What becomes of a field.
#[derive(Clone, Debug)]
pub(crate) enum FieldChange<'a> {
    Set {
        value: Cow<'a, [u8]>,
        expires_at: Option<Timestamp>,
        idle_at: Option<Timestamp>,
        indexed: bool,
    },
    /// As it is in another record.
    #[cfg(feature = "python")]
    Copy(Field<'a>),
    Remove,
    /// The idle deadline of a field that has one moves forward.
    Idle(Timestamp),
}

impl<'a> Edit<'a> {
    pub(crate) fn remove(name: &'a str) -> Self {
        let change = FieldChange::Remove;
        Self { name, change }
    }

    #[cfg(feature = "python")]
    pub(crate) fn copy(name: &'a str, field: Field<'a>) -> Self {
        let change = FieldChange::Copy(field);
        Self { name, change }
    }

    /// A value without deadlines.
    pub(crate) fn set(name: &'a str, value: &'a [u8]) -> Self {
        let change = FieldChange::Set {
            value: Cow::Borrowed(value),
            expires_at: None,
            idle_at: None,
            indexed: false,
        };
        Self { name, change }
    }
}

impl Record {
    /// Makes the changes, at most one for each field, and packs the record as it is then. What no
    /// change names stays byte for byte. The revision must have been raised before.
    ///
    /// Returns whether one of them may change how the session is listed.
    pub(crate) fn rewrite(&mut self, mut edits: Vec<Edit<'_>>) -> bool {
        // The low bits: no record lives to see more writes than they count.
        let (packed, is_relisted) = self.pack(&mut edits, self.revision as u32);
        self.packed = Some(packed);
        is_relisted
    }

    /// The same for changes that only this request sees so far.
    pub(crate) fn overlay(&mut self, mut edits: Vec<Edit<'_>>) {
        self.packed = Some(self.pack(&mut edits, NOT_STORED).0);
    }

    pub(super) fn pack(&self, edits: &mut [Edit<'_>], written: u32) -> (Arc<[u8]>, bool) {
        edits.sort_unstable_by(|a, b| a.name.cmp(b.name));
        let before = self.packed.as_ref().map_or(HEAD, |packed| packed.len());
        let more = edits.iter().map(Edit::longest).sum::<usize>();
        let mut out = Vec::with_capacity(before + more);
        out.push(VERSION);
        out.push(flags([self.remembered, self.identified]));
        put_time(self.created_at, &mut out);
        put_time(self.issued_at, &mut out);
        let mut entries = self.entries();
        let mut is_relisted = false;
        for edit in &*edits {
            let (ahead, entry) = entries.skip_to(edit.name.as_bytes());
            out.extend_from_slice(ahead);
            is_relisted |= edit.relists(entry.as_ref());
            edit.write(entry, written, &mut out);
        }
        out.extend_from_slice(entries.rest());
        (out.into(), is_relisted)
    }
}

impl Edit<'_> {
    /// No entry is longer.
    fn longest(&self) -> usize {
        match &self.change {
            FieldChange::Set { value, .. } => {
                field::HEAD + 2 * TIME + self.name.len() + value.len()
            }
            #[cfg(feature = "python")]
            FieldChange::Copy(field) => {
                field::HEAD + 2 * TIME + self.name.len() + field.value.len()
            }
            FieldChange::Remove | FieldChange::Idle(_) => 0,
        }
    }

    /// Whether the session may be listed in another way afterwards: by its indexed fields, or by what is no
    /// session type's, as its label.
    fn relists(&self, entry: Option<&Entry<'_>>) -> bool {
        let sets = matches!(&self.change, FieldChange::Set { indexed: true, .. });
        #[cfg(feature = "python")]
        let sets = sets || matches!(&self.change, FieldChange::Copy(field) if field.indexed);
        sets || entry.is_some_and(Entry::is_indexed) || self.name.starts_with('.')
    }

    fn write(&self, entry: Option<Entry<'_>>, written: u32, out: &mut Vec<u8>) {
        match &self.change {
            FieldChange::Remove => {}
            #[cfg(feature = "python")]
            FieldChange::Copy(field) => {
                let times = [field.expires_at, field.idle_at];
                let (name, indexed) = (self.name.as_bytes(), field.indexed);
                put_entry(name, field.value, field.written, times, indexed, out);
            }
            FieldChange::Set {
                value,
                expires_at,
                idle_at,
                indexed,
            } => {
                let times = [*expires_at, *idle_at];
                put_entry(self.name.as_bytes(), value, written, times, *indexed, out);
            }
            FieldChange::Idle(deadline) => {
                let Some(entry) = entry else { return };
                let field = entry.field();
                let idle_at = field.idle_at.map(|idle| idle.max(*deadline));
                let times = [field.expires_at, idle_at];
                let (name, value) = (entry.name, entry.value);
                put_entry(name, value, field.written, times, field.indexed, out);
            }
        }
    }
}

/// The names of the derive macro have at most 255 bytes, and no value is longer than the record's limit.
fn put_entry(
    name: &[u8],
    value: &[u8],
    written: u32,
    [expires_at, idle_at]: [Option<Timestamp>; 2],
    indexed: bool,
    out: &mut Vec<u8>,
) {
    let (Ok(name_length), Ok(length)) = (u8::try_from(name.len()), u32::try_from(value.len()))
    else {
        return;
    };
    out.push(name_length);
    out.push(flags([expires_at.is_some(), idle_at.is_some(), indexed]));
    out.extend_from_slice(&written.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    for time in [expires_at, idle_at].into_iter().flatten() {
        put_time(time, out);
    }
    out.extend_from_slice(name);
    out.extend_from_slice(value);
}
