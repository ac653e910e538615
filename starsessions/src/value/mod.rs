//! One field's value, to bytes and back.

mod bincode;
mod envelope;
mod error;
#[cfg(feature = "json")]
mod json;
mod merge;
mod old;
mod shape;

use std::any::type_name;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::envelope::{Envelope, Payload};
pub use self::error::{Flaw, Invalid, ValueError};
pub use self::merge::{
    Append, Flag, Flash, Order, Sum, Union, merge_and, merge_append, merge_flash, merge_flashes,
    merge_max, merge_min, merge_option, merge_or, merge_sum, merge_union, merge_value,
};
pub use self::old::OldValue;
pub use self::shape::Incomplete;
use self::shape::Shape;

/// How the bytes of a value are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// bincode 2, positional, with a fingerprint of the type's shape in front.
    Bincode,
    /// JSON, self-describing.
    #[cfg(feature = "json")]
    Json,
}

/// How the values of one field are stored: what the derive macro knows about it.
pub struct Stored<T> {
    /// How the bytes are written. What is read says itself how it was written.
    pub format: Format,
    /// The version that is written; older ones go through `migrate`.
    pub version: u32,
    /// How an older version becomes this one.
    pub migrate: Option<MigrateFn<T>>,
    /// What must be true of a value, when it is loaded and before it is committed.
    pub validate: Option<ValidateFn<T>>,
}

/// How an older version of a value becomes the current one.
pub(crate) type MigrateFn<T> = fn(OldValue<'_>) -> Result<T, ValueError>;

/// What of a stored value says which value it is: a new `version` of the field, or a type of another
/// name with the same content, keeps it.
pub(crate) fn content(bytes: &[u8]) -> &[u8] {
    match Envelope::parse(bytes).map(|envelope| envelope.payload) {
        Ok(Payload::Bincode { bytes, .. }) => bytes,
        #[cfg(feature = "json")]
        Ok(Payload::Json { bytes }) => bytes,
        Err(_) => bytes,
    }
}

/// What must be true of a value.
pub(crate) type ValidateFn<T> = fn(&T) -> Result<(), Invalid>;

/// A three-way merge on stored bytes: what this request saw, what it wrote, what is stored now.
pub type MergeFn =
    fn(Option<&[u8]>, Option<&[u8]>, Option<&[u8]>) -> Result<Option<Vec<u8>>, ValueError>;

impl<T: Serialize + DeserializeOwned + 'static> Stored<T> {
    /// Appends the bytes of `value` to `out`; on an error, `out` is as it was.
    ///
    /// # Errors
    /// [`ValueError`] if the format cannot carry the value, or it is too large.
    pub fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let start = out.len();
        let result = self.append(value, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn append(&self, value: &T, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let limit = out.len().saturating_add(MAX_VALUE);
        envelope::write_head(self.format, self.version, out);
        let result = match self.format {
            Format::Bincode => {
                out.extend_from_slice(&fingerprint::<T>()?.to_le_bytes());
                bincode::encode(value, out, limit)
            }
            #[cfg(feature = "json")]
            Format::Json => json::encode(value, out, limit),
        };
        result.map_err(Refusal::into_error::<T>)
    }

    /// The value that `bytes` hold, all of them, migrated if it is older and valid.
    ///
    /// # Errors
    /// [`ValueError`] if they hold anything else.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, ValueError> {
        let value = self.decode_unchecked(bytes)?;
        self.check_validity(&value)?;
        Ok(value)
    }

    fn decode_unchecked(&self, bytes: &[u8]) -> Result<T, ValueError> {
        if bytes.len() > MAX_VALUE {
            return Err(ValueError::TooLarge { limit: MAX_VALUE });
        }
        let envelope = Envelope::parse(bytes)?;
        let (found, known) = (envelope.version, self.version);
        match self.migrate {
            _ if found > known => Err(ValueError::NewerVersion { found, known }),
            _ if found == known => envelope.payload.decode(),
            Some(migrate) => migrate(OldValue::new(envelope)),
            None => Err(ValueError::NoMigration { found, known }),
        }
    }

    /// What the `validate` function says of `value`.
    ///
    /// # Errors
    /// [`ValueError::Invalid`] if it refuses.
    pub fn check_validity(&self, value: &T) -> Result<(), ValueError> {
        self.validate
            .map_or(Ok(()), |validate| validate(value))
            .map_err(ValueError::Invalid)
    }

    /// Whether the type survives its codec, on the example of a value that was just encoded.
    ///
    /// For development: it costs a decoding and an encoding. Maps may change their order on the
    /// way, so the bytes must only be the same ones, not in the same places.
    ///
    /// # Errors
    /// [`ValueError`] that names the type and the cure.
    pub fn check_round_trip(&self, bytes: &[u8]) -> Result<(), ValueError> {
        if self.format == Format::Bincode {
            let complete = &Shape::of::<T>().complete;
            complete.clone().map_err(unsupported::<T>)?;
        }
        let lost = || ValueError::NoRoundTrip {
            type_name: type_name::<T>(),
        };
        let value = self.decode_unchecked(bytes).map_err(|_| lost())?;
        let mut again = Vec::with_capacity(bytes.len());
        self.encode(&value, &mut again).map_err(|_| lost())?;
        if histogram(bytes) == histogram(&again) {
            Ok(())
        } else {
            Err(lost())
        }
    }
}

impl Payload<'_> {
    fn decode<T: DeserializeOwned + 'static>(self) -> Result<T, ValueError> {
        let result = match self {
            Payload::Bincode { fingerprint, bytes } => {
                if fingerprint != self::fingerprint::<T>()? {
                    let type_name = type_name::<T>();
                    return Err(ValueError::OtherShape { type_name });
                }
                bincode::decode(bytes)
            }
            #[cfg(feature = "json")]
            Payload::Json { bytes } => json::decode(bytes),
        };
        result.map_err(|flaw| ValueError::Undecodable {
            type_name: type_name::<T>(),
            flaw,
        })
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

/// Why a codec does not write a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooLarge,
    #[cfg(feature = "json")]
    TooDeep,
    Unencodable,
}

impl Refusal {
    fn into_error<T>(self) -> ValueError {
        match self {
            Self::TooLarge => ValueError::TooLarge { limit: MAX_VALUE },
            #[cfg(feature = "json")]
            Self::TooDeep => ValueError::TooDeep {
                limit: json::MAX_DEPTH,
            },
            Self::Unencodable => ValueError::Unencodable {
                type_name: type_name::<T>(),
            },
        }
    }
}

fn fingerprint<T: DeserializeOwned + 'static>() -> Result<u32, ValueError> {
    Shape::positional::<T>().map_err(unsupported::<T>)
}

fn unsupported<T>(reason: Incomplete) -> ValueError {
    ValueError::Unsupported {
        type_name: type_name::<T>(),
        reason,
    }
}

/// How often each byte occurs.
fn histogram(bytes: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    counts
}

/// The most bytes of one value, envelope included. A layer may set a lower limit.
pub(crate) const MAX_VALUE: usize = 64 * 1024;
