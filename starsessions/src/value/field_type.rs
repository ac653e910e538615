//! The type of a field, examined without a value: whether its values survive a round trip, and how they are encoded.

use std::any::{TypeId, type_name};
#[cfg(feature = "testing")]
use std::collections::BTreeMap;
use std::fmt;
use std::panic::catch_unwind;

use super::examine::{Written, examine, written};
use super::{Format, Stored, Value, ValueError};

/// The type of a field, which can be examined without a value.
#[derive(Clone, Copy)]
pub struct FieldType {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    format: Format,
    examine: fn(Format) -> Result<(), ValueError>,
    written: fn(Format) -> Vec<Written>,
    reads: fn(&[u8]) -> bool,
}

impl FieldType {
    /// The type `T`, stored in this format.
    pub(crate) const fn new<T: Value>(format: Format) -> Self {
        Self {
            id: TypeId::of::<T>,
            name: type_name::<T>,
            format,
            examine: examine::<T>,
            written: written::<T>,
            // A type may panic at a sample of another type.
            reads: |bytes| {
                catch_unwind(|| Stored::<T>::plain(Format::Bincode).decode(bytes).is_ok())
                    .unwrap_or_default()
            },
        }
    }

    /// The name of the type, as the compiler writes it.
    pub(crate) fn name(&self) -> &'static str {
        (self.name)()
    }

    /// Whether both are the same Rust type.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (self.id)() == (other.id)()
    }

    /// Whether each type reads the other's sample values: `String` and `Box<str>` do, a number and a text
    /// do not.
    pub(crate) fn is_readable_as(&self, other: &Self) -> bool {
        let reads = |reader: &Self, writer: &Self| {
            let written = (writer.written)(writer.format);
            !written.is_empty() && written.iter().all(|(_, bytes)| (reader.reads)(bytes))
        };
        reads(self, other) && reads(other, self)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Encoded sample values by their marks: one for each set of names and kinds.
    #[cfg(feature = "testing")]
    pub(crate) fn samples(&self) -> BTreeMap<u32, Vec<u8>> {
        (self.written)(self.format).into_iter().collect()
    }

    /// Whether the type reads these bytes, which were written as its first version.
    #[cfg(feature = "testing")]
    pub(crate) fn reads(&self, bytes: &[u8]) -> bool {
        (self.reads)(bytes)
    }

    /// Whether sample values of the type survive a round trip. The result is computed once per process. After an error,
    /// every write in bincode is refused, in JSON only writes of the values that would be lost.
    pub(crate) fn examine(&self) -> Result<(), ValueError> {
        (self.examine)(self.format)
    }
}

impl fmt::Debug for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FieldType").field(&self.name()).finish()
    }
}
