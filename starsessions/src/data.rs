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
        match stored.decode(&field.value) {
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

/// The fields of one struct at one moment, encoded one after the other.
#[derive(Debug)]
pub(crate) struct Snapshot {
    bytes: Vec<u8>,
    /// Where each field's value stands; `None` is an absent field.
    places: Vec<Option<Range<usize>>>,
}

impl Snapshot {
    /// The encoding of `value`'s fields as they are, unchecked: what changes are measured against.
    pub(crate) fn take<T: SessionData>(value: &T) -> Self {
        let mut writer = FieldWriter::new(T::SCHEMA, Collect::Nothing);
        value.save(&mut writer);
        writer.snapshot
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(self.places.get(index)?.clone()?)
    }
}

/// What a value must pass on its way into a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    /// Make sure that the type survives its codec.
    pub(crate) round_trip: bool,
    /// The most bytes of one value.
    pub(crate) limit: usize,
}

/// Which fields a writer hands out.
#[derive(Debug)]
enum Collect<'a> {
    /// None: the snapshot is what is wanted.
    Nothing,
    /// All of them.
    Everything(Checks),
    /// Those that differ.
    Changes(&'a Snapshot, Checks),
    /// Of those that differ, the ones that a failed request keeps. The others are not looked at:
    /// one of them may be what has failed.
    Always(&'a Snapshot, Checks),
}

/// Takes the fields of one struct, in the order of the schema, and finds those that differ.
#[derive(Debug)]
pub struct FieldWriter<'a> {
    schema: &'static Schema,
    collect: Collect<'a>,
    snapshot: Snapshot,
    changed: Vec<(&'static FieldSpec, Option<Bytes>)>,
    failure: Option<SessionError>,
}

impl<'a> FieldWriter<'a> {
    fn new(schema: &'static Schema, collect: Collect<'a>) -> Self {
        Self {
            schema,
            snapshot: Snapshot {
                bytes: Vec::with_capacity(match &collect {
                    Collect::Changes(baseline, _) | Collect::Always(baseline, _) => {
                        baseline.bytes.len() + SPARE
                    }
                    _ => FIRST_GUESS,
                }),
                places: Vec::with_capacity(schema.fields.len()),
            },
            collect,
            changed: Vec::new(),
            failure: None,
        }
    }

    /// The fields of `value` whose encoding is not what it was in `baseline`; all of them without one.
    pub(crate) fn changes<T: SessionData>(
        value: &T,
        baseline: Option<&'a Snapshot>,
        checks: Checks,
    ) -> Result<Vec<(&'static FieldSpec, Option<Bytes>)>, SessionError> {
        let collect = match baseline {
            None => Collect::Everything(checks),
            Some(baseline) => Collect::Changes(baseline, checks),
        };
        Self::collect(value, collect)
    }

    /// The `commit = always` fields of `value` whose encoding is not what it was in `baseline`.
    pub(crate) fn always<T: SessionData>(
        value: &T,
        baseline: &'a Snapshot,
        checks: Checks,
    ) -> Result<Vec<(&'static FieldSpec, Option<Bytes>)>, SessionError> {
        Self::collect(value, Collect::Always(baseline, checks))
    }

    fn collect<T: SessionData>(
        value: &T,
        collect: Collect<'a>,
    ) -> Result<Vec<(&'static FieldSpec, Option<Bytes>)>, SessionError> {
        let mut writer = FieldWriter::new(T::SCHEMA, collect);
        value.save(&mut writer);
        if let Some(failure) = writer.failure {
            return Err(failure);
        }
        if !writer.changed.is_empty() {
            value
                .validate()
                .map_err(|invalid| SessionError::invalid(T::SCHEMA.type_name, &invalid))?;
        }
        Ok(writer.changed)
    }

    /// The next field has this value.
    pub fn write<T>(&mut self, stored: &Stored<T>, value: &T)
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        if self.passes_over_next() {
            return;
        }
        let start = self.snapshot.bytes.len();
        if let Err(error) = stored.encode(value, &mut self.snapshot.bytes) {
            self.snapshot.bytes.truncate(start);
            self.fail(|spec| SessionError::value(spec.name, error));
            self.next(None);
            return;
        }
        if let Some((spec, bytes, checks)) = self.next(Some(start))
            && let Err(failure) = check(spec, stored, value, &bytes, checks)
        {
            self.failure.get_or_insert(failure);
        }
    }

    /// The next field is absent.
    pub fn absent(&mut self) {
        if !self.passes_over_next() {
            self.next(None);
        }
    }

    fn passes_over_next(&mut self) -> bool {
        let spec = self.schema.fields.get(self.snapshot.places.len());
        let passes_over = matches!(self.collect, Collect::Always(..))
            && spec.is_some_and(|spec| !spec.commit_always);
        if passes_over {
            self.snapshot.places.push(None);
        }
        passes_over
    }

    /// Closes the field whose value starts at `start`; returns it if it is to be handed out.
    fn next(&mut self, start: Option<usize>) -> Option<(&'static FieldSpec, Bytes, Checks)> {
        let index = self.snapshot.places.len();
        let place = start.map(|start| start..self.snapshot.bytes.len());
        let value = place
            .clone()
            .and_then(|place| self.snapshot.bytes.get(place));
        self.snapshot.places.push(place);
        let spec = self.schema.fields.get(index)?;
        let checks = match self.collect {
            Collect::Nothing => return None,
            Collect::Changes(baseline, _) | Collect::Always(baseline, _)
                if baseline.get(index) == value =>
            {
                return None;
            }
            Collect::Everything(checks)
            | Collect::Changes(_, checks)
            | Collect::Always(_, checks) => checks,
        };
        let value = value.map(Bytes::copy_from_slice);
        self.changed.push((spec, value.clone()));
        Some((spec, value?, checks))
    }

    fn fail(&mut self, failure: impl FnOnce(&'static FieldSpec) -> SessionError) {
        let spec = self.schema.fields.get(self.snapshot.places.len());
        if let (None, Some(spec)) = (&self.failure, spec) {
            self.failure = Some(failure(spec));
        }
    }
}

/// What a changed value must pass.
fn check<T>(
    spec: &'static FieldSpec,
    stored: &Stored<T>,
    value: &T,
    bytes: &Bytes,
    checks: Checks,
) -> Result<(), SessionError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if bytes.len() > checks.limit {
        return Err(SessionError::too_large_field(
            spec.name,
            bytes.len(),
            checks.limit,
        ));
    }
    stored.check_validity(value).map_err(|error| match error {
        ValueError::Invalid(invalid) => SessionError::invalid(spec.name, &invalid),
        error => SessionError::value(spec.name, error),
    })?;
    if checks.round_trip {
        stored
            .check_round_trip(bytes)
            .map_err(|error| SessionError::value(spec.name, error))?;
    }
    Ok(())
}

/// Room for a usual view, so that its encoding is one allocation.
const FIRST_GUESS: usize = 256;
const SPARE: usize = 64;
