//! What the output of the derive macro is made of, so that the output itself holds no logic.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::{Absent, FieldReader, FieldWriter};
use crate::value::{Invalid, Stored, ValueError, merge_option, merge_value};

/// A type that a session can store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a session",
    label = "a stored type owns its data and implements `serde::Serialize` and `serde::Deserialize`",
    note = "derive both on the types of your own in `{Self}`, or mark a field that is never stored `#[session(skip)]`"
)]
pub trait Value: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Value for T {}

/// A type with a value for the time when nothing is stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `Default`, and nothing says what the field is without a stored value",
    label = "has no `Default`",
    note = "give it a value by `#[session(default = ..)]`, or make its type an `Option`; a stored field can also be `required`"
)]
pub trait HasDefault: Default {}

#[diagnostic::do_not_recommend]
impl<T: Default> HasDefault for T {}

/// `T::default()`, with an error that says what else a field can have.
#[must_use]
pub fn default_of<T: HasDefault>() -> T {
    T::default()
}

/// Calls the `validate` function of a struct.
///
/// # Errors
/// What the function said.
pub fn validate<T>(data: &T, validate: fn(&T) -> Result<(), Invalid>) -> Result<(), Invalid> {
    validate(data)
}

/// What a `validate` function returns.
#[diagnostic::on_unimplemented(
    message = "a `validate` function cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns `Result<(), E>`, where `E` implements `Display`"
)]
pub trait Verdict {
    /// The verdict, with the reason as text.
    ///
    /// # Errors
    /// What the function said.
    fn verdict(self) -> Result<(), Invalid>;
}

#[diagnostic::do_not_recommend]
impl<E: fmt::Display> Verdict for Result<(), E> {
    fn verdict(self) -> Result<(), Invalid> {
        self.map_err(Invalid::new)
    }
}

/// What a `migrate` function returns.
#[diagnostic::on_unimplemented(
    message = "the `migrate` function of this field cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "it returns `Result<{T}, E>`, where `E` implements `Display`"
)]
pub trait Migrated<T> {
    /// The new value, or the reason as text.
    ///
    /// # Errors
    /// What the function said.
    fn migrated(self) -> Result<T, ValueError>;
}

#[diagnostic::do_not_recommend]
impl<T, E: fmt::Display> Migrated<T> for Result<T, E> {
    fn migrated(self) -> Result<T, ValueError> {
        self.map_err(ValueError::migration)
    }
}

/// How the values of one field are read, written and merged.
pub struct Column<T> {
    stored: Stored<T>,
    read: fn(&mut FieldReader<'_>, usize, &Stored<T>) -> Option<T>,
    write: fn(&mut FieldWriter<'_>, &Stored<T>, &T),
    merge_value: MergeValue<T>,
    merge_option: MergeOption<T>,
}

/// A field that is stored like this.
///
/// Only here is asked for [`Value`]: a type that is none is one error, not one for each use.
#[must_use]
pub const fn column<T: Value>(stored: Stored<T>) -> Column<T> {
    Column {
        stored,
        read: |fields, index, stored| fields.read(index, stored),
        write: |fields, stored, value| fields.write(stored, value),
        merge_value,
        merge_option,
    }
}

/// A `required` field.
#[derive(Debug)]
pub struct Required<T>(pub Column<T>);

impl<T> Required<T> {
    /// The stored value.
    ///
    /// # Errors
    /// [`Absent`] if there is none.
    pub fn load(&self, fields: &mut FieldReader<'_>, index: usize) -> Result<T, Absent> {
        let Column { stored, read, .. } = &self.0;
        read(fields, index, stored).ok_or_else(|| fields.absent(index))
    }

    /// Hands the value over.
    pub fn save(&self, fields: &mut FieldWriter<'_>, value: &T) {
        (self.0.write)(fields, &self.0.stored, value);
    }

    /// Merges by this policy.
    ///
    /// # Errors
    /// [`ValueError`] if the bytes are no values.
    pub fn merge(
        &self,
        policy: Policy<T>,
        base: Side<'_>,
        mine: Side<'_>,
        theirs: Side<'_>,
    ) -> Merged {
        (self.0.merge_value)(&self.0.stored, None, policy, base, mine, theirs)
    }
}

/// A field that has a value even when nothing is stored.
#[derive(Debug)]
pub struct Defaulted<T>(pub Column<T>, pub fn() -> T);

impl<T> Defaulted<T> {
    /// The stored value, or the default.
    ///
    /// # Errors
    /// None; as for the other kinds of field.
    pub fn load(&self, fields: &mut FieldReader<'_>, index: usize) -> Result<T, Absent> {
        let Self(Column { stored, read, .. }, default) = self;
        Ok(read(fields, index, stored).unwrap_or_else(default))
    }

    /// Hands the value over.
    pub fn save(&self, fields: &mut FieldWriter<'_>, value: &T) {
        (self.0.write)(fields, &self.0.stored, value);
    }

    /// Merges by this policy.
    ///
    /// # Errors
    /// [`ValueError`] if the bytes are no values.
    pub fn merge(
        &self,
        policy: Policy<T>,
        base: Side<'_>,
        mine: Side<'_>,
        theirs: Side<'_>,
    ) -> Merged {
        (self.0.merge_value)(&self.0.stored, Some(self.1), policy, base, mine, theirs)
    }
}

/// An `Option` field, of which the inside is stored.
#[derive(Debug)]
pub struct Optional<T>(pub Column<T>);

impl<T> Optional<T> {
    /// The stored value, if there is one.
    ///
    /// # Errors
    /// None; as for the other kinds of field.
    pub fn load(&self, fields: &mut FieldReader<'_>, index: usize) -> Result<Option<T>, Absent> {
        let Column { stored, read, .. } = &self.0;
        Ok(read(fields, index, stored))
    }

    /// Hands the value over, or its absence.
    pub fn save(&self, fields: &mut FieldWriter<'_>, value: &Option<T>) {
        match value {
            Some(value) => (self.0.write)(fields, &self.0.stored, value),
            None => fields.absent(),
        }
    }

    /// Merges by this policy.
    ///
    /// # Errors
    /// [`ValueError`] if the bytes are no values.
    pub fn merge(
        &self,
        policy: Policy<Option<T>>,
        base: Side<'_>,
        mine: Side<'_>,
        theirs: Side<'_>,
    ) -> Merged {
        (self.0.merge_option)(&self.0.stored, policy, base, mine, theirs)
    }
}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column").finish_non_exhaustive()
    }
}

/// Shows a field: by [`ShowValue`] if its type has `Debug`, by [`ShowOpaque`] otherwise.
///
/// `(&Show(..)).show()` finds the former first, as it takes one reference less.
#[derive(Debug)]
pub struct Show<'a, T>(pub &'a T);

/// The value of a [`Show`].
pub trait ShowValue {
    /// What is shown.
    fn show(&self) -> &dyn fmt::Debug;
}

impl<T: fmt::Debug> ShowValue for Show<'_, T> {
    fn show(&self) -> &dyn fmt::Debug {
        self.0
    }
}

/// The place of a [`Show`] whose value cannot be shown.
pub trait ShowOpaque {
    /// What is shown.
    fn show(&self) -> &dyn fmt::Debug;
}

impl<T> ShowOpaque for &Show<'_, T> {
    fn show(&self) -> &dyn fmt::Debug {
        &Opaque
    }
}

/// Shown for a value without `Debug`.
struct Opaque;

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Shown for a field that is `secret`.
pub struct Secret;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A three-way merge of values: what this request saw, what it wrote, what is stored now.
pub type Policy<T> = fn(&T, &T, &T) -> T;

/// The bytes that one side of a merge has for the field, if it has any.
type Side<'a> = Option<&'a [u8]>;

/// The bytes after a merge.
type Merged = Result<Option<Vec<u8>>, ValueError>;

type MergeValue<T> =
    fn(&Stored<T>, Option<fn() -> T>, Policy<T>, Side<'_>, Side<'_>, Side<'_>) -> Merged;

type MergeOption<T> = fn(&Stored<T>, Policy<Option<T>>, Side<'_>, Side<'_>, Side<'_>) -> Merged;
