//! The parts of the derive macro's output, so that the output itself holds no logic.

mod column;
mod show;

use std::fmt;

pub use self::column::{Column, Optional, Present, column};
pub use self::show::{Show, ShowOpaque, ShowValue};
use crate::value::{Invalid, ValueError};

/// A type with a value for a field that is not stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `Default`, so the field has no value while nothing is stored",
    label = "has no `Default`",
    note = "give it a value by `#[session(default = ..)]`, or make its type an `Option`; a stored field can also be `required`"
)]
pub trait HasDefault: Default {}

#[diagnostic::do_not_recommend]
impl<T: Default> HasDefault for T {}

/// `T::default()`, with a compiler error that names the alternatives to a `Default`.
#[must_use]
pub fn default_of<T: HasDefault>() -> T {
    T::default()
}

/// Calls the `validate` function of a struct.
pub fn validate<T>(data: &T, validate: fn(&T) -> Result<(), Invalid>) -> Result<(), Invalid> {
    validate(data)
}

/// The result of a `validate` function.
#[diagnostic::on_unimplemented(
    message = "a `validate` function cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns `Result<(), E>`, where `E` implements `Display`"
)]
pub trait Verdict {
    /// The verdict, with the reason as text.
    fn verdict(self) -> Result<(), Invalid>;
}

#[diagnostic::do_not_recommend]
impl<E: fmt::Display> Verdict for Result<(), E> {
    fn verdict(self) -> Result<(), Invalid> {
        self.map_err(Invalid::new)
    }
}

/// The result of a `migrate` function.
#[diagnostic::on_unimplemented(
    message = "the `migrate` function of this field cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns `Result<{T}, E>`, where `E` implements `Display`"
)]
pub trait Migrated<T> {
    /// The new value, or the reason as text.
    fn migrated(self) -> Result<T, ValueError>;
}

#[diagnostic::do_not_recommend]
impl<T, E: fmt::Display> Migrated<T> for Result<T, E> {
    fn migrated(self) -> Result<T, ValueError> {
        self.map_err(ValueError::migration)
    }
}
