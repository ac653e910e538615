//! One field's value: its encoding and decoding, its checks, and its migration from older versions.

mod bincode;
mod envelope;
mod error;
mod examine;
mod field_type;
mod incomplete;
#[cfg(feature = "json")]
mod json;
mod known;
mod merge;
mod old;
mod refusal;
mod round_trip;
mod storable;
mod trace;
mod walk;

use std::any::{TypeId, type_name};
use std::fmt;

use serde::Serialize;

use self::envelope::Envelope;
pub use self::error::{Flaw, Invalid, ValueError};
use self::examine::examine;
#[doc(hidden)]
pub use self::field_type::FieldType;
pub use self::incomplete::Incomplete;
use self::known::Known;
#[doc(hidden)]
pub use self::merge::{Append, Flag, Flash, Order, Sum, Union, merge_flash};
pub(crate) use self::merge::{Both, Merged, Policy, Side, merge};
pub use self::old::OldValue;
use self::refusal::Refusal;
#[doc(hidden)]
pub use self::storable::{Readable, Value, Writable};
use self::trace::{Detail, trace};

/// How the bytes of a value are written.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// bincode 2, positional, after a mark of the names and kinds in the value.
    Bincode,
    /// JSON, self-describing.
    #[cfg(feature = "json")]
    Json,
}

impl Format {
    fn is_human_readable(self) -> bool {
        self != Self::Bincode
    }

    /// Appends `value` to `out`, which may grow to `limit` bytes.
    #[inline]
    fn encode<T: Serialize>(
        self,
        value: &T,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Refusal> {
        match self {
            Self::Bincode => bincode::encode(value, out, limit),
            #[cfg(feature = "json")]
            Self::Json => json::encode(value, out, limit),
        }
    }
}

/// How the values of one field are stored: what the derive macro knows about it.
#[doc(hidden)]
pub struct Stored<T> {
    /// The format of written values. A stored value names its own format.
    pub format: Format,
    /// The version of written values; older versions go through `migrate`.
    pub version: u32,
    /// Converts an older version to this one.
    pub migrate: Option<MigrateFn<T>>,
    /// The condition on a value, when it is loaded and before it is committed.
    pub validate: Option<ValidateFn<T>>,
}

/// Converts an older version of a value to the current one.
pub(crate) type MigrateFn<T> = fn(OldValue<'_>) -> Result<T, ValueError>;

/// The part of a stored value that identifies it. It does not change with a new `version` of the field, or with a type
/// of another name and the same content.
pub(crate) fn content(bytes: &[u8]) -> &[u8] {
    Envelope::parse(bytes).map_or(bytes, |envelope| envelope.payload)
}

pub(crate) fn version(bytes: &[u8]) -> Option<u32> {
    Some(Envelope::parse(bytes).ok()?.version)
}

/// The [`content`] of a value in the format of fields without a `codec`.
pub(crate) fn index_content<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    bincode::encode(&value, &mut out, MAX_VALUE).map_err(Refusal::into_error::<&T>)?;
    Ok(out)
}

/// A JSON text as the first version of a value.
#[cfg(feature = "takeover")]
pub(crate) fn json_value(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + text.len());
    envelope::write_head(Format::Json, 1, &mut out);
    out.extend_from_slice(text.as_bytes());
    out
}

/// The JSON text of a value; `None` if it is stored in another format, or as a later version than the first.
#[cfg(feature = "python")]
pub(crate) fn json_text(value: &[u8]) -> Option<&str> {
    match Envelope::parse(value).ok()? {
        Envelope {
            format: Format::Json,
            version: 1,
            payload,
            ..
        } => std::str::from_utf8(payload).ok(),
        _ => None,
    }
}

pub(crate) type ValidateFn<T> = fn(&T) -> Result<(), Invalid>;

/// A three-way merge of stored bytes: the value that this request saw, the one that it wrote, and the one stored now.
#[doc(hidden)]
pub type MergeFn = fn(Side<'_>, Side<'_>, Side<'_>) -> Merged;

impl<T: Value> Stored<T> {
    /// Appends the bytes of `value` to `out`; on an error, `out` is as it was.
    pub fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let start = out.len();
        self.draft(value, out)?;
        let draft = out.get_mut(start..).unwrap_or_default();
        let sealed = self.finish(value, draft, true);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    /// Appends the bytes of `value` with a mark of zero: enough to detect a change. On an error, `out` is as
    /// it was.
    pub(crate) fn draft(&self, value: &T, out: &mut Vec<u8>) -> Result<(), ValueError> {
        self.write(value, out).or_else(|refusal| {
            if self.format == Format::Bincode && refusal == Refusal::Unencodable {
                // For example a map of unknown length. An examination of the type may find a more specific error.
                examine::<T>(self.format)?;
            }
            Err(refusal.into_error::<T>())
        })
    }

    #[inline]
    fn write(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let start = out.len();
        let limit = start.saturating_add(MAX_VALUE);
        envelope::write_head(self.format, self.version, out);
        let result = self.format.encode(value, out, limit);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Completes the draft of `value`: sets the mark and, if `check` is set, decodes the value and compares it
    /// with `value`.
    pub(crate) fn finish(
        &self,
        value: &T,
        draft: &mut [u8],
        check: bool,
    ) -> Result<(), ValueError> {
        let written = trace(value, self.format.is_human_readable(), Detail::Names)
            .map_err(Refusal::into_error::<T>)?;
        envelope::write_mark(draft, written.mark);
        if !check {
            return Ok(());
        }
        let known = Known::new::<T>(written.mark);
        if !is_plain::<T>() {
            if self.format == Format::Bincode && !known.is_remembered() {
                examine::<T>(self.format)?;
            }
            round_trip::read_back(value, written, draft)?;
        }
        if self.format == Format::Bincode {
            known.remember();
        }
        Ok(())
    }

    /// The value that takes all of `bytes`, migrated if it is older, and validated.
    #[inline]
    pub fn decode(&self, bytes: &[u8]) -> Result<T, ValueError> {
        let value = self.decode_unchecked(bytes)?;
        self.check_validity(&value).map_err(ValueError::Invalid)?;
        Ok(value)
    }

    #[inline]
    fn decode_unchecked(&self, bytes: &[u8]) -> Result<T, ValueError> {
        if bytes.len() > MAX_VALUE {
            return Err(ValueError::TooLarge { limit: MAX_VALUE });
        }
        let envelope = Envelope::parse(bytes)?;
        if envelope.version == self.version {
            envelope.decode()
        } else {
            self.migrated(envelope)
        }
    }

    #[cold]
    fn migrated(&self, envelope: Envelope<'_>) -> Result<T, ValueError> {
        let (found, known) = (envelope.version, self.version);
        match self.migrate {
            _ if found > known => Err(ValueError::NewerVersion { found, known }),
            Some(migrate) => migrate(OldValue::new(envelope)),
            None => Err(ValueError::NoMigration { found, known }),
        }
    }

    /// Calls the `validate` function.
    pub fn check_validity(&self, value: &T) -> Result<(), Invalid> {
        self.validate.map_or(Ok(()), |validate| validate(value))
    }
}

impl<T> Stored<T> {
    /// A field without rules of its own.
    pub(crate) const fn plain(format: Format) -> Self {
        Self {
            format,
            version: 1,
            migrate: None,
            validate: None,
        }
    }
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Stored<T> {}

impl<T> fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("type", &type_name::<T>())
            .field("format", &self.format)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Whether both codecs are known to return every value of the type unchanged.
fn is_plain<T: 'static>() -> bool {
    let plain = [
        TypeId::of::<String>(),
        TypeId::of::<u64>(),
        TypeId::of::<u32>(),
        TypeId::of::<i64>(),
        TypeId::of::<i32>(),
        TypeId::of::<bool>(),
    ];
    plain.contains(&TypeId::of::<T>())
}

/// The most bytes of one value, envelope included. A layer may set a lower limit.
pub(crate) const MAX_VALUE: usize = 64 * 1024;
