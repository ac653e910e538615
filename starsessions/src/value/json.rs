//! Encodes and decodes values as JSON, with the serde_json crate.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{Flaw, Refusal};

/// Appends `value` to `out`, which may grow to `limit` bytes.
///
/// A value that is nested deeper than the decoder reads is refused during encoding, before it exhausts the stack.
pub(super) fn encode<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Refusal> {
    let mut writer = Bounded {
        out,
        limit,
        depth: 0,
        place: Place::Outside,
        refusal: None,
    };
    let result = serde_json::to_writer(&mut writer, value);
    match (writer.refusal, result) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(())) => Ok(()),
        // The message of the error may quote the value.
        (None, Err(_)) => Err(Refusal::Unencodable),
    }
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let value = T::deserialize(&mut input).map_err(|error| match error.classify() {
        Category::Eof => Flaw::EndsEarly,
        _ => Flaw::Mismatch,
    })?;
    input.end().map_err(|_| Flaw::TrailingBytes)?;
    Ok(value)
}

struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
    depth: usize,
    place: Place,
    refusal: Option<Refusal>,
}

enum Place {
    Outside,
    InString,
    AfterBackslash,
}

impl Bounded<'_> {
    fn follow(&mut self, byte: u8) {
        self.place = match (&self.place, byte) {
            (Place::Outside, b'"') | (Place::AfterBackslash, _) => Place::InString,
            (Place::InString, b'"') => Place::Outside,
            (Place::InString, b'\\') => Place::AfterBackslash,
            (Place::InString, _) => Place::InString,
            (Place::Outside, b'[' | b'{') => {
                self.depth += 1;
                Place::Outside
            }
            (Place::Outside, b']' | b'}') => {
                self.depth = self.depth.saturating_sub(1);
                Place::Outside
            }
            (Place::Outside, _) => Place::Outside,
        };
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let too_large = bytes.len() > self.limit.saturating_sub(self.out.len());
        for byte in bytes {
            self.follow(*byte);
        }
        if too_large {
            self.refusal = Some(Refusal::TooLarge);
        } else if self.depth > MAX_DEPTH {
            self.refusal = Some(Refusal::TooDeep { limit: MAX_DEPTH });
        } else {
            self.out.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        Err(io::ErrorKind::FileTooLarge.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// serde_json stops reading at the 128th level.
const MAX_DEPTH: usize = 127;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_written_can_be_read_again_up_to_the_same_depth() {
        let mut value = Value::from("]}\\\"[{");
        for level in 1..200 {
            value = if level % 2 == 0 {
                Value::from(vec![value])
            } else {
                Value::from_iter([("[{\"", value)])
            };
            let text = value.to_string();
            let readable = decode::<Value>(text.as_bytes()).is_ok();
            let written = encode(&value, &mut Vec::new(), usize::MAX);
            assert_eq!(readable, written.is_ok(), "level {level}");
            assert_eq!(readable, level <= MAX_DEPTH, "level {level}");
        }
    }
}
