//! The two kinds of stored fields.

use crate::schema::{Absent, FieldReader, FieldWriter};
use crate::sentence::debug_as_name;
use crate::value::{
    Both, FieldType, Merged, Policy, Readable, Side, Stored, ValueError, Writable, merge,
};

/// How the values of one field are read, written and merged.
pub struct Column<T> {
    stored: Stored<T>,
    field_type: FieldType,
    read: fn(&mut FieldReader<'_>, usize, &Stored<T>) -> Option<T>,
    write: fn(&mut FieldWriter, &Stored<T>, &T),
    encode: fn(&Stored<T>, &T) -> Result<Vec<u8>, ValueError>,
    decode: fn(&Stored<T>, &[u8]) -> Result<T, ValueError>,
    merge: fn(&Stored<T>, [Side<'_>; 3], Both<'_, T>) -> Merged,
}

/// A field that is stored by `stored`.
///
/// Only this function requires that the type can be stored, so that a wrong type is one error, not one for each use.
#[must_use]
pub const fn column<T: Writable + Readable + 'static>(stored: Stored<T>) -> Column<T> {
    Column {
        field_type: FieldType::new::<T>(stored.format),
        stored,
        read: |fields, index, stored| fields.read(index, stored),
        write: |fields, stored, value| fields.write(stored, value),
        encode: |stored, value| {
            let mut bytes = Vec::new();
            stored.encode(value, &mut bytes)?;
            Ok(bytes)
        },
        decode: Stored::decode,
        merge,
    }
}

impl<T> Column<T> {
    /// The type of the field, without its generic parameter.
    #[must_use]
    pub const fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// The bytes of a value.
    pub fn encode(&self, value: &T) -> Result<Vec<u8>, ValueError> {
        (self.encode)(&self.stored, value)
    }

    /// The value of these bytes.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, ValueError> {
        (self.decode)(&self.stored, bytes)
    }
}

/// A field that always has a value: if nothing is stored, the default; without a default, there is no view.
#[derive(Debug)]
pub struct Present<T>(pub Column<T>, pub Option<fn() -> T>);

impl<T> Present<T> {
    /// The stored value, or the default.
    pub fn load(&self, fields: &mut FieldReader<'_>, index: usize) -> Result<T, Absent> {
        let Self(Column { stored, read, .. }, default) = self;
        read(fields, index, stored)
            .or_else(|| default.map(|default| default()))
            .ok_or_else(|| fields.absent(index))
    }

    /// Hands the value over.
    pub fn save(&self, fields: &mut FieldWriter, value: &T) {
        (self.0.write)(fields, &self.0.stored, value);
    }

    /// Merges by this policy; a side that is absent has the default.
    ///
    /// So a removal counts as setting the default, and the other side's additions are not lost: if one side removes a
    /// counter and the other raises it from 10 to 12, the result is 2. A `required` field has no default; if it is
    /// missing on a side, `mine` wins without a merge.
    pub fn merge(
        &self,
        policy: Policy<T>,
        base: Side<'_>,
        mine: Side<'_>,
        theirs: Side<'_>,
    ) -> Merged {
        let Self(Column { stored, merge, .. }, default) = self;
        let or_default = |value: Option<T>| value.or_else(|| default.map(|default| default()));
        merge(stored, [base, mine, theirs], &|base, mine, theirs| {
            let merged = policy(&or_default(base)?, &or_default(mine)?, &or_default(theirs)?);
            Some(Some(merged))
        })
    }
}

/// An `Option` field, whose inner value is stored.
#[derive(Debug)]
pub struct Optional<T>(pub Column<T>);

impl<T> Optional<T> {
    /// The stored value, if there is one.
    pub fn load(&self, fields: &mut FieldReader<'_>, index: usize) -> Result<Option<T>, Absent> {
        let Column { stored, read, .. } = &self.0;
        Ok(read(fields, index, stored))
    }

    /// Hands the value over, or its absence.
    pub fn save(&self, fields: &mut FieldWriter, value: &Option<T>) {
        match value {
            Some(value) => (self.0.write)(fields, &self.0.stored, value),
            None => fields.absent(),
        }
    }

    /// Merges by this policy, which decides about an absent side: it is `None`.
    pub fn merge(
        &self,
        policy: Policy<Option<T>>,
        base: Side<'_>,
        mine: Side<'_>,
        theirs: Side<'_>,
    ) -> Merged {
        let Column { stored, merge, .. } = &self.0;
        merge(stored, [base, mine, theirs], &|base, mine, theirs| {
            Some(policy(&base, &mine, &theirs))
        })
    }
}

debug_as_name!(Column<T>);
