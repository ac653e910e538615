//! Changes of a record: the old bytes and the changed fields become new bytes in one pass.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

#[cfg(feature = "python")]
use super::Field;
use super::field::{self, Entries, Entry};
use super::{HEAD, NOT_STORED, Packed, Record, VERSION, flags};
use crate::clock::Timestamp;

#[derive(Clone)]
pub(crate) struct Edit<'a> {
    pub(crate) name: &'a str,
    pub(super) change: FieldChange<'a>,
    /// The range of the field's entry among those of the record; empty where it would be.
    place: Range<usize>,
}

#[derive(Clone)]
pub(crate) enum FieldChange<'a> {
    Set {
        value: Cow<'a, [u8]>,
        expires_at: Option<Timestamp>,
        idle_at: Option<Timestamp>,
        indexed: bool,
    },
    /// Copies the field from another record.
    #[cfg(feature = "python")]
    Copy(Field<'a>),
    Remove,
    /// Moves the idle deadline of a field that has one.
    Idle(Timestamp),
}

impl<'a> Edit<'a> {
    pub(crate) fn new(name: &'a str, change: FieldChange<'a>) -> Self {
        let place = 0..0;
        Self {
            name,
            change,
            place,
        }
    }

    pub(crate) fn remove(name: &'a str) -> Self {
        Self::new(name, FieldChange::Remove)
    }

    #[cfg(feature = "python")]
    pub(crate) fn copy(name: &'a str, field: Field<'a>) -> Self {
        Self::new(name, FieldChange::Copy(field))
    }

    /// A value without deadlines.
    pub(crate) fn set(name: &'a str, value: &'a [u8]) -> Self {
        let change = FieldChange::Set {
            value: Cow::Borrowed(value),
            expires_at: None,
            idle_at: None,
            indexed: false,
        };
        Self::new(name, change)
    }
}

impl Record {
    /// Makes the changes, at most one for each field, and packs the result. Fields without a change stay byte for byte.
    /// The caller must have raised the revision before.
    ///
    /// Returns whether one of them may change how the session is listed.
    pub(crate) fn rewrite(&mut self, edits: Vec<Edit<'_>>) -> bool {
        let before = std::mem::take(&mut self.packed);
        self.pack_from(&before, edits)
    }

    /// Makes the changes to the fields of `before`, which replace this record's own.
    pub(crate) fn rewrite_from(&mut self, before: &Self, edits: Vec<Edit<'_>>) -> bool {
        self.pack_from(&before.packed, edits)
    }

    fn pack_from(&mut self, before: &Packed, mut edits: Vec<Edit<'_>>) -> bool {
        // The low bits are enough: no record lives to see more writes than they count.
        let written = self.revision as u32;
        let (packed, is_relisted) = self.pack(before.entries(), &mut edits, written);
        self.packed = Packed(Some(packed));
        is_relisted
    }

    /// As [`rewrite`](Self::rewrite), for changes that only this request sees so far.
    pub(crate) fn overlay(&mut self, mut edits: Vec<Edit<'_>>) {
        let (packed, _) = self.pack(self.entries(), &mut edits, NOT_STORED);
        self.packed = Packed(Some(packed));
    }

    pub(super) fn pack(
        &self,
        mut entries: Entries<'_>,
        edits: &mut [Edit<'_>],
        written: u32,
    ) -> (Arc<[u8]>, bool) {
        edits.sort_unstable_by(|a, b| a.name.cmp(b.name));
        let before = entries.rest();
        let (mut size, mut is_relisted) = (HEAD + before.len(), false);
        for edit in &mut *edits {
            let entry = entries.skip_to(edit.name.as_bytes());
            let end = before.len() - entries.rest().len();
            let len = entry.map_or(0, |entry| entry.len());
            edit.place = end - len..end;
            size = size - len + edit.len();
            is_relisted |= edit.relists(entry.as_ref());
        }
        // The size is measured first, so that the bytes are written into their final place.
        let mut packed: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
        let mut out = Room(Arc::get_mut(&mut packed).unwrap_or_default());
        out.put(&[VERSION, flags([self.remembered, self.identified])]);
        out.put(&self.created_at.to_packed());
        out.put(&self.issued_at.to_packed());
        let mut written_up_to = 0;
        for edit in &*edits {
            let Range { start, end } = edit.place;
            out.put(before.get(written_up_to..start).unwrap_or_default());
            edit.write(
                before.get(start..end).unwrap_or_default(),
                written,
                &mut out,
            );
            written_up_to = end;
        }
        out.put(before.get(written_up_to..).unwrap_or_default());
        debug_assert!(out.0.is_empty(), "the measure was too large");
        (packed, is_relisted)
    }
}

/// The part of a record that is still to be written.
struct Room<'a>(&'a mut [u8]);

impl Room<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let all = std::mem::take(&mut self.0);
        let Some((place, rest)) = all.split_at_mut_checked(bytes.len()) else {
            debug_assert!(false, "the measure was too small");
            return;
        };
        place.copy_from_slice(bytes);
        self.0 = rest;
    }
}

impl Edit<'_> {
    fn len(&self) -> usize {
        match &self.change {
            FieldChange::Set {
                value,
                expires_at,
                idle_at,
                ..
            } => {
                let times = usize::from(expires_at.is_some()) + usize::from(idle_at.is_some());
                field::size(self.name, value, times)
            }
            #[cfg(feature = "python")]
            FieldChange::Copy(field) => field::size(self.name, field.value, field.times()),
            FieldChange::Remove => 0,
            // The deadline exists already, so the length stays.
            FieldChange::Idle(_) => self.place.len(),
        }
    }

    /// Whether the edit may change how the session is listed: by an indexed field, or by a field of the library's own,
    /// such as the label.
    fn relists(&self, entry: Option<&Entry<'_>>) -> bool {
        let sets = matches!(&self.change, FieldChange::Set { indexed: true, .. });
        #[cfg(feature = "python")]
        let sets = sets || matches!(&self.change, FieldChange::Copy(field) if field.is_indexed());
        sets || entry.is_some_and(|entry| entry.field.is_indexed()) || self.name.starts_with('.')
    }

    /// Writes the field's entry, which replaces `before`.
    fn write(&self, before: &[u8], written: u32, out: &mut Room<'_>) {
        match &self.change {
            FieldChange::Remove => {}
            #[cfg(feature = "python")]
            FieldChange::Copy(field) => {
                let times = [field.expires_at(), field.idle_at()];
                let (name, indexed) = (self.name.as_bytes(), field.is_indexed());
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
                let Some(entry) = Entries::new(before).next() else {
                    return;
                };
                let field = entry.field;
                let idle_at = field.idle_at().map(|idle| idle.max(*deadline));
                let times = [field.expires_at(), idle_at];
                let (name, value) = (entry.name, field.value);
                put_entry(name, value, field.written, times, field.is_indexed(), out);
            }
        }
    }
}

fn put_entry(
    name: &[u8],
    value: &[u8],
    written: u32,
    [expires_at, idle_at]: [Option<Timestamp>; 2],
    indexed: bool,
    out: &mut Room<'_>,
) {
    let Some((name_length, length)) = field::lengths(name, value) else {
        return;
    };
    let flags = field::flags(expires_at.is_some(), idle_at.is_some(), indexed);
    out.put(&[name_length, flags]);
    out.put(&written.to_be_bytes());
    out.put(&length.to_be_bytes());
    for time in [expires_at, idle_at].into_iter().flatten() {
        out.put(&time.to_packed());
    }
    out.put(name);
    out.put(value);
}
