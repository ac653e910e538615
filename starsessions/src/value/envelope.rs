//! The envelope: the bytes in front of each value.
//!
//! ```text
//! format     1 byte          1 = bincode, 2 = JSON
//! version    1 to 5 bytes    LEB128, in the shortest form only
//! mark       4 bytes         little endian; bincode only
//! payload    the rest
//! ```

use super::{Format, ValueError};

/// The bytes of a stored value, taken apart.
#[derive(Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub(super) format: Format,
    pub(super) version: u32,
    /// The mark of the names and kinds in the value, for a format that does not write them.
    pub(super) mark: Option<u32>,
    /// The value itself, without the envelope.
    pub(super) payload: &'a [u8],
}

/// Writes everything in front of the payload, with a mark of zero.
#[inline]
pub(super) fn write_head(format: Format, version: u32, out: &mut Vec<u8>) {
    let format = match format {
        // The envelope of nearly every value: one slice of a constant length.
        Format::Bincode if version < 0x80 => {
            return out.extend_from_slice(&[BINCODE, version as u8, 0, 0, 0, 0]);
        }
        Format::Bincode => BINCODE,
        #[cfg(feature = "json")]
        Format::Json => JSON,
    };
    out.push(format);
    write_version(version, out);
    if format == BINCODE {
        out.extend_from_slice(&[0; MARK]);
    }
}

/// Sets the mark of a value that has one.
pub(super) fn write_mark(value: &mut [u8], mark: u32) {
    let Some((&mut BINCODE, rest)) = value.split_first_mut() else {
        return;
    };
    let version = rest.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    if let Some(place) = rest.get_mut(version..version + MARK) {
        place.copy_from_slice(&mark.to_le_bytes());
    }
}

impl<'a> Envelope<'a> {
    #[inline]
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ValueError> {
        let (format, rest) = bytes.split_first().ok_or(ValueError::MalformedEnvelope)?;
        let (version, rest) = read_version(rest).ok_or(ValueError::MalformedEnvelope)?;
        let (format, mark, payload) = match *format {
            BINCODE => {
                let parts = rest.split_first_chunk();
                let (mark, payload) = parts.ok_or(ValueError::MalformedEnvelope)?;
                (Format::Bincode, Some(u32::from_le_bytes(*mark)), payload)
            }
            #[cfg(feature = "json")]
            JSON => (Format::Json, None, rest),
            found => return Err(ValueError::UnknownFormat { found }),
        };
        Ok(Self {
            format,
            version,
            mark,
            payload,
        })
    }
}

fn write_version(mut version: u32, out: &mut Vec<u8>) {
    while version >= 0x80 {
        // The lowest seven bits, with the continuation bit.
        out.push((version & 0x7f) as u8 | 0x80);
        version >>= 7;
    }
    out.push(version as u8);
}

#[inline]
fn read_version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes.split_first() {
        // The version of nearly every value is one byte.
        Some((version, rest)) if version & 0x80 == 0 => Some((u32::from(*version), rest)),
        _ => read_long_version(bytes),
    }
}

fn read_long_version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (digits, rest) = bytes.split_at_checked(last + 1)?;
    let version = digits.iter().rev().try_fold(0_u32, |version, byte| {
        version.checked_mul(0x80)?.checked_add((byte & 0x7f).into())
    })?;
    (digits.last() != Some(&0)).then_some((version, rest))
}

const BINCODE: u8 = 1;
#[cfg(feature = "json")]
const JSON: u8 = 2;
const MARK: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_one_spelling() {
        for version in [0, 1, 127, 128, 16_383, 16_384, 1 << 31, u32::MAX] {
            let mut bytes = Vec::new();
            write_version(version, &mut bytes);
            assert_eq!(read_version(&bytes), Some((version, &[][..])));
            for cut in 0..bytes.len() {
                assert_eq!(read_version(bytes.get(..cut).unwrap()), None);
            }
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
            assert_eq!(read_version(&bytes), None, "{version} in a longer form");
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for version in [0, 127, 128, u32::MAX] {
            let mut bytes = Vec::new();
            write_head(Format::Bincode, version, &mut bytes);
            write_mark(&mut bytes, 7);
            let read = Envelope::parse(&bytes).unwrap();
            assert_eq!((read.version, read.mark), (version, Some(7)));
            assert!(read.payload.is_empty());
        }
    }
}
