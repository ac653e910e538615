//! Builds a struct from the fields of a record.

use super::{Schema, SessionData};
use crate::clock::Timestamp;
use crate::record::{Cursor, Record};
use crate::sentence::debug_as_name;
use crate::value::{Stored, Value, ValueError};

/// A required field that is not in the record.
#[derive(Debug)]
pub struct Absent {
    pub(crate) field: &'static str,
}

/// Reads the fields of one record by their place in the schema.
pub struct FieldReader<'a> {
    schema: &'static Schema,
    stored: Cursor<'a>,
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
            stored: record.map(Record::cursor).unwrap_or_default(),
            now,
            unreadable,
        }
    }

    /// The value of field `index`, if it is present, alive, decodable and valid.
    pub fn read<T: Value>(&mut self, index: usize, stored: &Stored<T>) -> Option<T> {
        let spec = self.schema.fields.get(index)?;
        let (_, field) = spec.find_by(|name| self.stored.get(name))?;
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

    /// The error that required field `index` is absent.
    #[must_use]
    pub fn absent(&self, index: usize) -> Absent {
        let field = self.schema.fields.get(index).map_or("", |spec| spec.name);
        Absent { field }
    }
}

/// Whether a struct allows the fields that a record has.
pub(crate) type Rule = fn(&Record, Timestamp) -> bool;

/// The rule of one struct: its `validate`. If a `required` field is absent, there is no view to refuse.
pub(super) fn allows<T: SessionData>(record: &Record, now: Timestamp) -> bool {
    let mut unreadable = |_: &'static str, _: &ValueError| {};
    let mut fields = FieldReader::new(T::SCHEMA, Some(record), now, &mut unreadable);
    T::load(&mut fields).map_or(true, |value| value.validate().is_ok())
}

debug_as_name!(FieldReader<'a>);
