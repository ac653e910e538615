//! Finds the fields of a struct that have changed.

use std::ops::Range;
use std::sync::Arc;

use super::reader::{Rule, allows};
use super::{FieldSpec, Schema, SessionData};
use crate::error::SessionError;
use crate::record::Encoded;
use crate::value::{Stored, Value};

/// The fields of one struct at one moment: encoded values in sequence, each after its length.
#[derive(Debug)]
pub(crate) struct Snapshot(Vec<u8>);

impl Snapshot {
    /// The baseline for changes: the encoding of `value`'s fields, unchecked. `size` is its approximate length.
    pub(crate) fn take<T: SessionData>(value: &T, size: usize) -> Self {
        // Changed fields are written after the baseline, and are usually no longer than the baseline.
        let capacity = SCRATCH.max(2 * size);
        let mut writer = FieldWriter::new(T::SCHEMA, None, Vec::with_capacity(capacity));
        value.save(&mut writer);
        Self(writer.bytes)
    }

    /// The fields of `value` that differ from the baseline. If any differs and `is_refused`, the other fields are
    /// removed: the struct's rule has refused the stored fields, and with the rest of them it would refuse the change.
    pub(crate) fn changes_of<T: SessionData>(
        &mut self,
        value: &T,
        is_refused: bool,
        checks: Checks,
    ) -> Result<ChangedFields, SessionError> {
        let mut changed = self.changes(value, Collect::Changes, checks)?;
        if is_refused && !changed.is_empty() {
            changed.remove_others(T::SCHEMA);
        }
        Ok(changed)
    }

    /// The fields of `value` that `collect` asks for, compared with the baseline.
    pub(crate) fn changes<T: SessionData>(
        &mut self,
        value: &T,
        collect: Collect,
        checks: Checks,
    ) -> Result<ChangedFields, SessionError> {
        let end = self.0.len();
        let bytes = std::mem::take(&mut self.0);
        let mut writer = FieldWriter::new(T::SCHEMA, Some((collect, checks)), bytes);
        value.save(&mut writer);
        if writer.failure.is_none()
            && !writer.changed.is_empty()
            && let Err(invalid) = value.validate()
        {
            writer.fail(SessionError::invalid(T::SCHEMA.type_name, &invalid));
        }
        let changed = writer.hand_out(end, allows::<T>);
        writer.bytes.truncate(end);
        self.0 = writer.bytes;
        changed
    }

    /// The first field that is not the same in `other`.
    #[cfg(debug_assertions)]
    pub(crate) fn first_difference(
        &self,
        other: &Self,
        schema: &'static Schema,
    ) -> Option<&'static FieldSpec> {
        let (mut own, mut others) = (0, 0);
        let mut differ = |_: &&FieldSpec| {
            let values = (entry(&self.0, &mut own), entry(&other.0, &mut others));
            values.0.and_then(|own| self.0.get(own)) != values.1.and_then(|own| other.0.get(own))
        };
        schema.fields.iter().find(|spec| differ(spec))
    }
}

/// The place of the value of the field that begins at `next`; `None` if the field is absent. Moves `next` to the
/// following field.
fn entry(bytes: &[u8], next: &mut usize) -> Option<Range<usize>> {
    let length = u32::from_le_bytes(*bytes.get(*next..)?.first_chunk()?);
    let start = *next + LENGTH;
    *next = start;
    if length == ABSENT {
        return None;
    }
    *next += length as usize;
    Some(start..*next)
}

/// The fields that differ, and their new values; `None` removes one.
#[derive(Debug, Default)]
pub(crate) struct ChangedFields {
    /// `None` if no field differs: threads would contend for the count of the one shared empty `Arc<[u8]>`.
    values: Option<Arc<[u8]>>,
    fields: Vec<(&'static FieldSpec, Option<Range<usize>>)>,
    rule: Option<Rule>,
}

/// A changed field.
pub(crate) type Changed = (&'static FieldSpec, Option<Encoded>);

impl ChangedFields {
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// Removes the fields that do not differ.
    fn remove_others(&mut self, schema: &'static Schema) {
        let differs = |spec: &FieldSpec| self.fields.iter().any(|(it, _)| it.name == spec.name);
        let others = schema.fields.iter().filter(|spec| !differs(spec));
        let others: Vec<_> = others.map(|spec| (spec, None)).collect();
        self.fields.extend(others);
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Changed> {
        let fields = self.fields.iter().cloned();
        let values = self.values.as_ref();
        fields.map(move |(spec, place)| {
            let value = values.zip(place);
            (
                spec,
                value.map(|(values, place)| Encoded::new(values, place)),
            )
        })
    }
}

/// The checks of a value on its way into a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    /// Decode the encoded value, and refuse it if the result differs.
    pub(crate) round_trip: bool,
    /// The most bytes of one value.
    pub(crate) limit: usize,
}

/// The fields that a writer hands out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Collect {
    Everything,
    /// The fields that differ from the baseline.
    Changes,
    /// The fields that differ and are `commit = always`. The others are not encoded: one of
    /// them may have caused the failure.
    Always,
}

/// Takes the fields of one struct, in the order of the schema, and finds those that differ.
#[derive(Debug)]
pub struct FieldWriter {
    /// The fields that are still to come.
    specs: &'static [FieldSpec],
    /// `None` while the writer takes a snapshot.
    collect: Option<(Collect, Checks)>,
    /// The baseline, followed by the values that differ; for a snapshot, all fields.
    bytes: Vec<u8>,
    /// Where the next field of the baseline begins.
    next: usize,
    /// Where the current field's value is in the baseline.
    before: Option<Range<usize>>,
    changed: Vec<(&'static FieldSpec, Option<Range<usize>>)>,
    failure: Option<SessionError>,
}

impl FieldWriter {
    fn new(schema: &'static Schema, collect: Option<(Collect, Checks)>, bytes: Vec<u8>) -> Self {
        Self {
            specs: schema.fields,
            collect,
            bytes,
            next: 0,
            before: None,
            changed: Vec::new(),
            failure: None,
        }
    }

    pub(crate) fn all<T: SessionData>(
        value: &T,
        checks: Checks,
    ) -> Result<ChangedFields, SessionError> {
        let mut scratch = Snapshot(Vec::with_capacity(SCRATCH));
        scratch.changes(value, Collect::Everything, checks)
    }

    /// The changed fields, whose values begin at `end`, after the baseline.
    fn hand_out(&mut self, end: usize, rule: Rule) -> Result<ChangedFields, SessionError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.changed.is_empty() {
            return Ok(ChangedFields::default());
        }
        for place in self.changed.iter_mut().flat_map(|(_, place)| place) {
            *place = place.start - end..place.end - end;
        }
        Ok(ChangedFields {
            values: self.bytes.get(end..).map(Arc::from),
            fields: std::mem::take(&mut self.changed),
            rule: Some(rule),
        })
    }

    /// The next field has this value.
    pub fn write<T: Value>(&mut self, stored: &Stored<T>, value: &T) {
        let Some(spec) = self.next() else { return };
        let start = self.open();
        let drafted = stored.draft(value, &mut self.bytes);
        let checks = match drafted {
            Ok(()) => self.close(spec, start),
            Err(error) => return self.fail(SessionError::value(spec.name, error)),
        };
        if let Some(checks) = checks
            && let Some(draft) = self.bytes.get_mut(start..)
            && let Err(failure) = check(spec, stored, value, draft, checks)
        {
            self.fail(failure);
        }
    }

    /// The next field is absent.
    pub fn absent(&mut self) {
        let Some(spec) = self.next() else { return };
        match self.collect {
            None => {
                self.open();
            }
            Some((Collect::Changes | Collect::Always, _)) if self.before.is_none() => {}
            Some(_) => self.changed.push((spec, None)),
        }
    }

    /// Goes to the next field; `None` if it is skipped.
    #[inline]
    fn next(&mut self) -> Option<&'static FieldSpec> {
        let (spec, rest) = self.specs.split_first()?;
        self.specs = rest;
        let Some((collect @ (Collect::Changes | Collect::Always), _)) = self.collect else {
            return Some(spec);
        };
        self.before = entry(&self.bytes, &mut self.next);
        (spec.commit_always || matches!(collect, Collect::Changes)).then_some(spec)
    }

    /// Opens a field, which counts as absent until it is closed; returns the start of its value.
    #[inline]
    fn open(&mut self) -> usize {
        if self.collect.is_none() {
            self.bytes.extend_from_slice(&ABSENT.to_le_bytes());
        }
        self.bytes.len()
    }

    /// Closes the field whose value begins at `start`; returns the checks that a changed value must pass.
    #[inline]
    fn close(&mut self, spec: &'static FieldSpec, start: usize) -> Option<Checks> {
        let value = start..self.bytes.len();
        let Some((_, checks)) = self.collect else {
            // No value is longer than `MAX_VALUE`.
            let length = (value.len() as u32).to_le_bytes();
            let place = self.bytes.get_mut(start - LENGTH..start)?;
            place.copy_from_slice(&length);
            return None;
        };
        let before = self.before.clone();
        if before.is_some_and(|before| self.bytes.get(before) == self.bytes.get(value.clone())) {
            self.bytes.truncate(start);
            return None;
        }
        self.changed.push((spec, Some(value)));
        Some(checks)
    }

    fn fail(&mut self, failure: SessionError) {
        self.failure.get_or_insert(failure);
    }
}

/// The checks of a changed value before its draft is stored.
fn check<T: Value>(
    spec: &'static FieldSpec,
    stored: &Stored<T>,
    value: &T,
    draft: &mut [u8],
    checks: Checks,
) -> Result<(), SessionError> {
    if draft.len() > checks.limit {
        return Err(SessionError::too_large_field(
            spec.name,
            draft.len(),
            checks.limit,
        ));
    }
    stored
        .check_validity(value)
        .map_err(|invalid| SessionError::invalid(spec.name, &invalid))?;
    stored
        .finish(value, draft, checks.round_trip)
        .map_err(|error| SessionError::value(spec.name, error))
}

/// The length of a field that is absent.
const ABSENT: u32 = u32::MAX;
const LENGTH: usize = 4;
/// Room for the fields of a usual new session.
const SCRATCH: usize = 512;
