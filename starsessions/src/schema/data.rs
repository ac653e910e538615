//! The trait behind `#[derive(Session)]`.

use std::fmt;

use super::{Absent, Column, FieldReader, FieldSpec, FieldWriter, Schema};
use crate::value::Invalid;

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
    fn save(&self, fields: &mut FieldWriter);

    /// The `validate` function of the struct.
    ///
    /// # Errors
    /// The error of the function.
    fn validate(&self) -> Result<(), Invalid>;

    /// Shows the fields, those marked `secret` without their values.
    fn debug_fields(&self, out: &mut fmt::DebugStruct<'_, '_>);
}

/// A session type with an indexed field, by which sessions are found; implemented by
/// [`derive(Session)`](macro@crate::Session) if a field is marked `index`.
#[diagnostic::on_unimplemented(
    message = "no field of `{Self}` is marked `index`",
    note = "mark the field, as in `#[session(index)] user: UserId`"
)]
pub trait Indexed: SessionData {
    /// The type of the indexed field; for an `Option<T>`, the `T`.
    type Index;

    /// The description of the field.
    #[doc(hidden)]
    const SPEC: &'static FieldSpec;

    /// How its values are encoded and decoded.
    #[doc(hidden)]
    const COLUMN: Column<Self::Index>;
}
