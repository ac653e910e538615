//! Why a value cannot be read or written.

use std::fmt;

use super::Incomplete;
use crate::sentence::sentences;

/// Why a value could not be encoded or decoded.
///
/// It names types, versions and limits, never a part of the value: the messages of formats often quote
/// bad input, so they are dropped. The two texts that come from your own code ([`Invalid`],
/// [`ValueError::migration`]) are kept as they are; write them without the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// The first byte names a format that this binary does not read.
    UnknownFormat {
        /// The byte.
        found: u8,
    },
    /// The bytes in front of the value are cut short or not canonical: not written by this library.
    MalformedEnvelope,
    /// A newer binary wrote the value.
    NewerVersion {
        /// The version of the value.
        found: u32,
        /// The newest version that this binary knows.
        known: u32,
    },
    /// An older binary wrote the value, and the field has no `migrate` function.
    NoMigration {
        /// The version of the value.
        found: u32,
        /// The version of the field.
        known: u32,
    },
    /// The `migrate` function failed.
    Migration {
        /// Its message.
        reason: Box<str>,
    },
    /// The Rust type had another shape when the value was written: other names, kinds or positions in the
    /// value. Or the type now refuses a value that it wrote then.
    OtherShape {
        /// The type as it is now.
        type_name: &'static str,
    },
    /// The bytes are not a value of the type.
    Undecodable {
        /// The type.
        type_name: &'static str,
        /// The flaw in them.
        flaw: Flaw,
    },
    /// The value is longer than a field may be.
    TooLarge {
        /// The most bytes that a value may take, envelope included.
        limit: usize,
    },
    /// The value is nested deeper than the decoder reads.
    TooDeep {
        /// The most levels.
        limit: usize,
    },
    /// The type's `Serialize` failed, or uses a feature that the format cannot write.
    Unencodable {
        /// The type.
        type_name: &'static str,
    },
    /// bincode cannot carry the type, with any value.
    Unsupported {
        /// The type.
        type_name: &'static str,
        /// Why.
        reason: Incomplete,
    },
    /// The value does not read back as it was written, so it is not stored.
    NoRoundTrip {
        /// The type.
        type_name: &'static str,
        /// Whether the value was written as JSON.
        json: bool,
    },
    /// The `validate` function refused the value.
    Invalid(Invalid),
}

/// The flaw in bytes that are not a value of the expected type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The bytes end in the middle of the value.
    EndsEarly,
    /// The bytes continue after the end of the value.
    TrailingBytes,
    /// The bytes ask for more memory, or deeper nesting, than a value may have.
    ExceedsLimit,
    /// The bytes cannot be read as this type, or the type's own checks refuse the value.
    Mismatch,
}

impl ValueError {
    /// For `migrate` functions: the reason why an older value cannot become a current one.
    ///
    /// The reason is shown in logs; leave the value out of it.
    ///
    /// ```
    /// use starsessions::value::{OldValue, ValueError};
    ///
    /// fn cents(old: OldValue<'_>) -> Result<u64, ValueError> {
    ///     let euros: f64 = old.decode()?;
    ///     if euros < 0.0 {
    ///         return Err(ValueError::migration("the old price is negative"));
    ///     }
    ///     Ok((euros * 100.0) as u64)
    /// }
    /// ```
    #[must_use]
    pub fn migration(reason: impl fmt::Display) -> Self {
        let reason = reason.to_string().into_boxed_str();
        Self::Migration { reason }
    }
}

sentences! { ValueError:
    Self::UnknownFormat { found } => "the value is in format {found}, which is unknown here; it may need the cargo \
        feature `json`";
    Self::MalformedEnvelope => "the bytes are not a stored value";
    Self::NewerVersion { found, known } => "the value has version {found}, this binary knows versions up to {known}";
    Self::NoMigration { found, known } => "the value has version {found}, the field {known}; name a function with \
        `migrate = ..`";
    Self::Migration { reason } => "the value could not be migrated: {reason}";
    Self::OtherShape { type_name } => "`{type_name}` had another shape when the value was written, or refuses it now; \
        to keep values of an older binary, raise `version` and add `migrate`; values of a newer binary stay stored";
    Self::Undecodable { type_name, flaw } => "the bytes are not a value of `{type_name}`: they {flaw}";
    Self::TooLarge { limit } => "the value takes more than {limit} bytes; keep large data in a database and its key in \
        the session";
    Self::TooDeep { limit } => "the value is nested deeper than {limit} levels";
    Self::Unencodable { type_name } => "`{type_name}` cannot be written in this format; in JSON, map keys must be \
        strings or numbers, in bincode, lists must know their length, and its own `Serialize` may refuse a value";
    Self::Unsupported { type_name, reason } => "bincode cannot carry `{type_name}`: {reason}; add `codec = json` to \
        the field";
    Self::NoRoundTrip { type_name, json: false } => "`{type_name}` would not be read as it was written; add `codec = \
        json` to the field, or look for `skip_serializing` or `skip_deserializing` on a field (use `skip`), a skipped \
        variant that is not the last one (move it to the end of the enum), or different `Serialize` and `Deserialize`";
    Self::NoRoundTrip { type_name, json: true } => "`{type_name}` would not be read from JSON as it was written; look \
        for a float that is not finite, an `Option` in an `Option`, `untagged` variants that look alike, `skip_serializing` or \
        `skip_deserializing` on a field (use `skip`), a variant that is not read, or different `Serialize` and \
        `Deserialize`";
    Self::Invalid(invalid) => "the value is not valid: {invalid}";
}

sentences! { Flaw:
    Self::EndsEarly => "end in the middle of it";
    Self::TrailingBytes => "go on after its end";
    Self::ExceedsLimit => "exceed the limits of a value";
    Self::Mismatch => "do not fit the type";
}

/// Why a value was refused by its `validate` function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    reason: Box<str>,
}

impl Invalid {
    /// Keeps the validator's reason. It is shown in logs; leave the value out of it.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string().into_boxed_str(),
        }
    }
}

sentences! { Invalid: Self { reason } => "{reason}"; }
