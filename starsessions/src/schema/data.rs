//! The trait behind `#[derive(Session)]`.

use std::fmt;

use super::{Absent, FieldReader, FieldSpec, FieldWriter, Schema};
use crate::value::{Invalid, ValueError};

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

    /// Back from that.
    #[doc(hidden)]
    fn decode_index(bytes: &[u8]) -> Result<Self::Index, ValueError>;
}
