//! The fields of a struct that differ from what they were.

use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FieldSpec, Schema, SessionData};
use crate::value::{Invalid, Stored, ValueError};

/// The fields of one struct at one moment, encoded one after the other, each behind its length.
#[derive(Debug)]
pub(crate) struct Snapshot(Vec<u8>);

impl Snapshot {
    /// The encoding of `value`'s fields as they are, unchecked: what changes are measured against.
    /// `size` is about how long it will be.
    pub(crate) fn take<T: SessionData>(value: &T, size: usize) -> Self {
        let size = size + T::SCHEMA.fields.len() * LENGTH;
        let mut writer = FieldWriter::new(T::SCHEMA, Collect::Snapshot, size);
        value.save(&mut writer);
        Self(writer.bytes)
    }

    /// The first field that is not the same in `other`.
    #[cfg(debug_assertions)]
    pub(crate) fn first_difference(
        &self,
        other: &Self,
        schema: &'static Schema,
    ) -> Option<&'static FieldSpec> {
        let (mut own, mut others) = (self.fields(), other.fields());
        schema.fields.iter().find(|_| own.next() != others.next())
    }

    fn fields(&self) -> Fields<'_> {
        Fields(&self.0)
    }
}

/// The rest of a snapshot, read from the front.
#[derive(Clone, Copy, Debug)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next field, which may be absent.
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        let length = u32::from_le_bytes(*length);
        if length == ABSENT {
            return None;
        }
        let (value, rest) = rest.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(value)
    }
}

/// A field that differs, and its new value; `None` removes it.
pub(crate) type Changed = (&'static FieldSpec, Option<Bytes>);

/// What a value must pass on its way into a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    /// Read the value back, and refuse it where another one comes back.
    pub(crate) round_trip: bool,
    /// The most bytes of one value.
    pub(crate) limit: usize,
}

/// Why a value does not get into a record.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// A field, or the struct, is refused by its `validate`.
    Invalid(&'static str, Invalid),
    /// The value of a field cannot be stored.
    Value(&'static str, ValueError),
    TooLarge {
        field: &'static str,
        size: usize,
        limit: usize,
    },
}

/// Which fields a writer hands out.
#[derive(Debug)]
enum Collect<'a> {
    /// None: the snapshot is what is wanted.
    Snapshot,
    /// All of them.
    Everything(Checks),
    /// Those that differ.
    Changes(Fields<'a>, Checks),
    /// Of those that differ, the ones that a failed request keeps. The others are not looked at:
    /// one of them may be what has failed.
    Always(Fields<'a>, Checks),
}

/// Takes the fields of one struct, in the order of the schema, and finds those that differ.
#[derive(Debug)]
pub struct FieldWriter<'a> {
    /// The fields that are still to come.
    specs: &'static [FieldSpec],
    collect: Collect<'a>,
    /// The fields so far: all of them of a snapshot, else those that differ.
    bytes: Vec<u8>,
    /// What the current field was in the baseline.
    before: Option<&'a [u8]>,
    changed: Vec<(&'static FieldSpec, Option<Range<usize>>)>,
    failure: Option<WriteError>,
}

impl<'a> FieldWriter<'a> {
    fn new(schema: &'static Schema, collect: Collect<'a>, size: usize) -> Self {
        Self {
            specs: schema.fields,
            collect,
            bytes: Vec::with_capacity(size),
            before: None,
            changed: Vec::new(),
            failure: None,
        }
    }

    /// The fields of `value` whose encoding is not what it was in `baseline`; all of them without one.
    pub(crate) fn changes<T: SessionData>(
        value: &T,
        baseline: Option<&'a Snapshot>,
        checks: Checks,
    ) -> Result<Vec<Changed>, WriteError> {
        let collect = match baseline {
            None => Collect::Everything(checks),
            Some(baseline) => Collect::Changes(baseline.fields(), checks),
        };
        Self::collect(value, collect)
    }

    /// The `commit = always` fields of `value` whose encoding is not what it was in `baseline`.
    pub(crate) fn always<T: SessionData>(
        value: &T,
        baseline: &'a Snapshot,
        checks: Checks,
    ) -> Result<Vec<Changed>, WriteError> {
        Self::collect(value, Collect::Always(baseline.fields(), checks))
    }

    fn collect<T: SessionData>(
        value: &T,
        collect: Collect<'a>,
    ) -> Result<Vec<Changed>, WriteError> {
        // No field is usually much longer than all of them were.
        let size = match &collect {
            Collect::Changes(baseline, _) | Collect::Always(baseline, _) => baseline.0.len(),
            Collect::Snapshot | Collect::Everything(_) => 0,
        };
        let mut writer = FieldWriter::new(T::SCHEMA, collect, SCRATCH.max(size));
        value.save(&mut writer);
        if let Some(failure) = writer.failure {
            return Err(failure);
        }
        if !writer.changed.is_empty() {
            value
                .validate()
                .map_err(|invalid| WriteError::Invalid(T::SCHEMA.type_name, invalid))?;
        }
        Ok(writer.hand_out())
    }

    /// The fields that differ. Their values share the buffer that they were written into: all of them
    /// live until the request has written them.
    fn hand_out(self) -> Vec<Changed> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let all = Bytes::from(self.bytes);
        let changed = self.changed.into_iter();
        changed
            .map(|(spec, place)| (spec, place.map(|place| all.slice(place))))
            .collect()
    }

    /// The next field has this value.
    pub fn write<T>(&mut self, stored: &Stored<T>, value: &T)
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let Some(spec) = self.next() else { return };
        let entry = self.bytes.len();
        self.bytes.extend_from_slice(&ABSENT.to_le_bytes());
        let start = self.bytes.len();
        match stored.draft(value, &mut self.bytes) {
            Ok(()) => {
                // No value is longer than `MAX_VALUE`.
                let length = (self.bytes.len() - start) as u32;
                if let Some(place) = self.bytes.get_mut(entry..start) {
                    place.copy_from_slice(&length.to_le_bytes());
                }
            }
            Err(error) => self.fail(WriteError::Value(spec.name, error)),
        }
        if let Some(checks) = self.close(spec, entry)
            && let Some(draft) = self.bytes.get_mut(start..)
            && let Err(failure) = check(spec, stored, value, draft, checks)
        {
            self.fail(failure);
        }
    }

    /// The next field is absent.
    pub fn absent(&mut self) {
        if let Some(spec) = self.next() {
            let entry = self.bytes.len();
            self.bytes.extend_from_slice(&ABSENT.to_le_bytes());
            self.close(spec, entry);
        }
    }

    /// Goes to the next field; `None` if it is passed over.
    #[inline]
    fn next(&mut self) -> Option<&'static FieldSpec> {
        let (spec, rest) = self.specs.split_first()?;
        self.specs = rest;
        match &mut self.collect {
            Collect::Snapshot => return Some(spec),
            Collect::Everything(_) => {}
            Collect::Changes(baseline, _) => self.before = baseline.next(),
            Collect::Always(baseline, _) => {
                self.before = baseline.next();
                if !spec.commit_always {
                    return None;
                }
            }
        }
        Some(spec)
    }

    /// Closes the field that begins at `entry`; returns what it must pass if it is handed out.
    fn close(&mut self, spec: &'static FieldSpec, entry: usize) -> Option<Checks> {
        let value = Fields(self.bytes.get(entry..)?).next();
        let checks = match self.collect {
            Collect::Snapshot => return None,
            Collect::Changes(..) | Collect::Always(..) if value == self.before => {
                self.bytes.truncate(entry);
                return None;
            }
            Collect::Everything(checks)
            | Collect::Changes(_, checks)
            | Collect::Always(_, checks) => checks,
        };
        let place = value.map(|value| entry + LENGTH..entry + LENGTH + value.len());
        self.changed.push((spec, place));
        Some(checks)
    }

    fn fail(&mut self, failure: WriteError) {
        self.failure.get_or_insert(failure);
    }
}

/// What a changed value must pass before its draft is what is stored.
fn check<T>(
    spec: &'static FieldSpec,
    stored: &Stored<T>,
    value: &T,
    draft: &mut [u8],
    checks: Checks,
) -> Result<(), WriteError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if draft.len() > checks.limit {
        return Err(WriteError::TooLarge {
            field: spec.name,
            size: draft.len(),
            limit: checks.limit,
        });
    }
    stored.check_validity(value).map_err(|error| match error {
        ValueError::Invalid(invalid) => WriteError::Invalid(spec.name, invalid),
        error => WriteError::Value(spec.name, error),
    })?;
    stored
        .finish(value, draft, checks.round_trip)
        .map_err(|error| WriteError::Value(spec.name, error))
}

/// What stands for the length of a field that is absent.
const ABSENT: u32 = u32::MAX;
/// The bytes of a length.
const LENGTH: usize = 4;
/// Room for a usual field.
const SCRATCH: usize = 128;
