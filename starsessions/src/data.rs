//! The trait behind `#[derive(Session)]`, and what its generated code talks to.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::record::Record;
use crate::schema::{FieldSpec, Schema};
use crate::value::{Invalid, Stored, ValueError};

/// A typed view of a session's fields; implemented by [`derive(Session)`](macro@crate::Session).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session type",
    note = "add `#[derive(Session)]` to `{Self}`"
)]
pub trait SessionData: Sized + Send + Sync + 'static {
    /// The fields and how they are stored.
    const SCHEMA: &'static Schema;

    /// Builds the struct from the fields of a record.
    ///
    /// # Errors
    /// [`Absent`] if a `required` field is not there.
    fn load(fields: &mut FieldReader<'_>) -> Result<Self, Absent>;

    /// Writes every stored field, in the order of the schema.
    fn save(&self, fields: &mut FieldWriter<'_>);

    /// The `validate` function of the struct.
    ///
    /// # Errors
    /// What the function said.
    fn validate(&self) -> Result<(), Invalid>;

    /// Shows the fields, those marked `secret` without their values.
    fn debug_fields(&self, out: &mut fmt::DebugStruct<'_, '_>);
}

/// A session type with a field that sessions are found by; implemented by
/// [`derive(Session)`](macro@crate::Session) where a field is marked `index`.
#[diagnostic::on_unimplemented(
    message = "no field of `{Self}` is one that sessions are found by",
    note = "mark the field, as in `#[session(index)] user: UserId`"
)]
pub trait Indexed: SessionData {
    /// The type of that field; of an `Option<T>`, the `T`.
    type Index;

    /// How it is described.
    #[doc(hidden)]
    const SPEC: &'static FieldSpec;

    /// How it is stored.
    #[doc(hidden)]
    fn encode_index(value: &Self::Index) -> Result<Vec<u8>, ValueError>;
}

/// A required field that is not in the record.
#[derive(Debug)]
pub struct Absent {
    pub(crate) field: &'static str,
}

/// Reads the fields of one record by their place in the schema.
pub struct FieldReader<'a> {
    schema: &'static Schema,
    record: Option<&'a Record>,
    now: Timestamp,
    unreadable: &'a mut dyn FnMut(&'static str, &ValueError),
}

impl<'a> FieldReader<'a> {
    /// Reads from `record`; a value that cannot be used is reported and counts as absent.
    pub(crate) fn new(
        schema: &'static Schema,
        record: Option<&'a Record>,
        now: Timestamp,
        unreadable: &'a mut dyn FnMut(&'static str, &ValueError),
    ) -> Self {
        Self {
            schema,
            record,
            now,
            unreadable,
        }
    }

    /// The value of field `index`, if it is present, alive, decodable and valid.
    pub fn read<T>(&mut self, index: usize, stored: &Stored<T>) -> Option<T>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let spec = self.schema.fields.get(index)?;
        let (_, field) = spec.find(self.record?)?;
        if !field.is_live(self.now) {
            return None;
        }
        match stored.decode(field.value) {
            Ok(value) => Some(value),
            Err(error) => {
                (self.unreadable)(spec.name, &error);
                None
            }
        }
    }

    /// Says that required field `index` is absent.
    #[must_use]
    pub fn absent(&self, index: usize) -> Absent {
        let field = self.schema.fields.get(index).map_or("", |spec| spec.name);
        Absent { field }
    }
}

impl fmt::Debug for FieldReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldReader")
            .field("schema", &self.schema.type_name)
            .finish_non_exhaustive()
    }
}

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

    /// The first field of `value` that is not what it was. In a value that was never borrowed mutably, that is
    /// a change through a shared reference (`Mutex`, an atomic): it is not stored, and development builds say so.
    #[allow(dead_code, reason = "the engine asks at the end of a request")]
    pub(crate) fn first_change<T: SessionData>(&self, value: &T) -> Option<&'static FieldSpec> {
        let now = Self::take(value, self.0.len());
        let (mut before, mut after) = (self.fields(), now.fields());
        let mut fields = T::SCHEMA.fields.iter();
        fields.find(|_| before.next() != after.next())
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
    failure: Option<SessionError>,
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
    ) -> Result<Vec<Changed>, SessionError> {
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
    ) -> Result<Vec<Changed>, SessionError> {
        Self::collect(value, Collect::Always(baseline.fields(), checks))
    }

    fn collect<T: SessionData>(
        value: &T,
        collect: Collect<'a>,
    ) -> Result<Vec<Changed>, SessionError> {
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
                .map_err(|invalid| SessionError::invalid(T::SCHEMA.type_name, &invalid))?;
        }
        Ok(writer.hand_out())
    }

    /// The fields that differ. Small values share one allocation: none of them outlives the others by
    /// much, or keeps much from being freed.
    fn hand_out(self) -> Vec<Changed> {
        let all = &self.bytes;
        let shared = (all.len() <= SHARED).then(|| Bytes::copy_from_slice(all));
        let value = |place: Range<usize>| match &shared {
            Some(shared) => shared.slice(place),
            None => Bytes::copy_from_slice(all.get(place).unwrap_or_default()),
        };
        let changed = self.changed.into_iter();
        changed
            .map(|(spec, place)| (spec, place.map(value)))
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
            Err(error) => self.fail(SessionError::value(spec.name, error)),
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

    fn fail(&mut self, failure: SessionError) {
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
) -> Result<(), SessionError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if draft.len() > checks.limit {
        return Err(SessionError::too_large_field(
            spec.name,
            draft.len(),
            checks.limit,
        ));
    }
    stored.check_validity(value).map_err(|error| match error {
        ValueError::Invalid(invalid) => SessionError::invalid(spec.name, &invalid),
        error => SessionError::value(spec.name, error),
    })?;
    stored
        .finish(value, draft, checks.round_trip)
        .map_err(|error| SessionError::value(spec.name, error))
}

/// What stands for the length of a field that is absent.
const ABSENT: u32 = u32::MAX;
/// The bytes of a length.
const LENGTH: usize = 4;
/// Values that are no longer together share an allocation.
const SHARED: usize = 1_024;
/// Room for a usual field.
const SCRATCH: usize = 128;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default, crate::Session)]
    struct Visits {
        text: String,
        count: AtomicU64,
    }

    #[test]
    fn a_change_through_a_shared_reference_is_found() {
        let visits = Visits::default();
        let before = Snapshot::take(&visits, 0);
        assert!(before.first_change(&visits).is_none());
        visits.count.fetch_add(1, Ordering::Relaxed);
        let field = before.first_change(&visits).unwrap();
        assert_eq!(field.name, "visits.count");
        assert!(visits.text.is_empty());
    }
}
