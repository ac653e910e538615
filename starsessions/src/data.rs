//! The trait behind `#[derive(Session)]`, and what its generated code talks to.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::Schema;
use crate::value::{Invalid, Stored};

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

/// A required field that is not in the record.
#[derive(Debug)]
pub struct Absent {
    #[expect(dead_code, reason = "skeleton")]
    pub(crate) field: &'static str,
}

/// Reads the fields of one record by their place in the schema.
#[derive(Debug)]
pub struct FieldReader<'a> {
    #[expect(dead_code, reason = "skeleton")]
    schema: &'a Schema,
}

impl FieldReader<'_> {
    /// The value of field `index`, if it is present, alive, decodable and valid.
    pub fn read<T>(&mut self, _index: usize, _stored: &Stored<T>) -> Option<T>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        None
    }

    /// Says that required field `index` is absent.
    #[must_use]
    pub fn absent(&self, _index: usize) -> Absent {
        Absent { field: "" }
    }
}

/// Takes the fields of one struct, in the order of the schema.
#[derive(Debug)]
pub struct FieldWriter<'a> {
    #[expect(dead_code, reason = "skeleton")]
    schema: &'a Schema,
}

impl FieldWriter<'_> {
    /// The next field has this value.
    pub fn write<T>(&mut self, _stored: &Stored<T>, _value: &T)
    where
        T: Serialize + DeserializeOwned + 'static,
    {
    }

    /// The next field is absent.
    pub fn absent(&mut self) {}
}
