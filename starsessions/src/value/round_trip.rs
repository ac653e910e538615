//! The check that a value is read as it was written.

use std::any::type_name;

use serde::Serialize;

use super::bincode::Stop;
use super::envelope::Envelope;
use super::examine::{examine, self_describing};
#[cfg(feature = "json")]
use super::json;
use super::known::Known;
use super::trace::{Detail, Trace, trace};
use super::{Format, Refusal, Stored, Value, ValueError, bincode};

impl Envelope<'_> {
    /// The value, if it has the mark that it was written with.
    #[inline]
    pub(super) fn decode<T: Value>(self) -> Result<T, ValueError> {
        match self.mark.map(Known::new::<T>) {
            Some(known) if !known.is_remembered() => self.decode_compared(known),
            _ => self.decode_unmarked(),
        }
    }

    #[cold]
    fn decode_compared<T: Value>(self, known: Known) -> Result<T, ValueError> {
        let other_shape = || ValueError::OtherShape {
            type_name: type_name::<T>(),
        };
        let value = self.decode_unmarked().map_err(|error| match error {
            ValueError::Unsupported { .. } => error,
            // The bytes were authenticated before, so they are not damaged: the type has changed.
            _ => other_shape(),
        })?;
        if trace(&value, false, Detail::Names).map(|trace| trace.mark) != Ok(known.mark()) {
            return Err(other_shape());
        }
        // A field that is read but not written (`skip_serializing`) is in no mark. The examination refuses such a type;
        // then the bytes of the field are missing when the value is written again.
        if examine::<T>(Format::Bincode).is_ok() {
            known.remember();
        } else if self.rewrite(&value).map(|again| again.len()) != Ok(self.payload.len()) {
            return Err(other_shape());
        }
        Ok(value)
    }

    /// The bytes of a value in this format.
    fn rewrite<T: Serialize>(self, value: &T) -> Result<Vec<u8>, Refusal> {
        // The encoder writes a number with all its bytes, and then truncates it.
        let mut again = Vec::with_capacity(self.payload.len() + size_of::<u64>());
        self.format.encode(value, &mut again, usize::MAX)?;
        Ok(again)
    }

    #[inline]
    fn decode_unmarked<T: Value>(self) -> Result<T, ValueError> {
        let type_name = type_name::<T>();
        self.read().map_err(|stop| match stop {
            Stop::Flawed(flaw) => ValueError::Undecodable { type_name, flaw },
            Stop::SelfDescribing => self_describing::<T>(),
        })
    }

    #[inline]
    fn read<T: Value>(self) -> Result<T, Stop> {
        match self.format {
            Format::Bincode => bincode::decode(self.payload),
            #[cfg(feature = "json")]
            Format::Json => json::decode(self.payload).map_err(Stop::Flawed),
        }
    }
}

/// Checks that `bytes` decode to a value that serde shows like `value`, whose names are `written`.
pub(super) fn read_back<T: Value>(
    value: &T,
    written: Trace,
    bytes: &[u8],
) -> Result<(), ValueError> {
    let envelope = Envelope::parse(bytes)?;
    let json = envelope.format.is_human_readable();
    let type_name = type_name::<T>();
    let lost = || ValueError::NoRoundTrip { type_name, json };
    // An examination calls this function, so an error here must not start another one.
    let read: T = envelope.read().map_err(|_| lost())?;
    if trace(&read, json, Detail::Names) != Ok(written) {
        return Err(lost());
    }
    // Equal bytes are equal values. The bytes of an equal value differ only if a map or a set has changed its order.
    if envelope
        .rewrite(&read)
        .is_ok_and(|again| again == envelope.payload)
    {
        return Ok(());
    }
    let values = |value| trace(value, json, Detail::Values);
    if values(&read) == values(value) {
        Ok(())
    } else {
        Err(lost())
    }
}

/// Writes a sample value and reads it back. A sample that cannot be written proves nothing, unless the refusal is about
/// the type.
pub(super) fn try_round_trip<T: Value>(format: Format, value: &T) -> Result<(), ValueError> {
    let mut bytes = Vec::new();
    let written = Stored::plain(format)
        .write(value, &mut bytes)
        .and_then(|()| trace(value, format.is_human_readable(), Detail::Names));
    match written {
        Ok(written) => read_back(value, written, &bytes),
        Err(refusal) if refusal.is_of_the_type() => Err(refusal.into_error::<T>()),
        Err(_) => Ok(()),
    }
}
