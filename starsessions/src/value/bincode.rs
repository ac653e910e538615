//! The one place that knows the bincode crate: version 2, its standard configuration (variable
//! length integers, little endian), never without a limit.

use bincode::config::{Configuration, Limit, LittleEndian, Varint, standard};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use bincode::serde::{decode_from_slice, encode_into_writer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Flaw, Refusal};

/// Appends `value` to `out`, which may grow to `limit` bytes.
pub(super) fn encode<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Refusal> {
    let mut writer = Bounded {
        out,
        limit,
        full: false,
    };
    let result = encode_into_writer(value, &mut writer, CONFIGURATION);
    match result {
        _ if writer.full => Err(Refusal::TooLarge),
        Ok(()) => Ok(()),
        // What the error says may quote the value.
        Err(_) => Err(Refusal::Unencodable),
    }
}

/// Reads a value that takes exactly `bytes`.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    match decode_from_slice(bytes, CONFIGURATION) {
        Ok((value, read)) if read == bytes.len() => Ok(value),
        Ok(_) => Err(Flaw::TrailingBytes),
        Err(DecodeError::UnexpectedEnd { .. }) => Err(Flaw::EndsEarly),
        Err(DecodeError::LimitExceeded) => Err(Flaw::ExceedsLimit),
        Err(_) => Err(Flaw::Mismatch),
    }
}

struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
    full: bool,
}

impl Writer for Bounded<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if bytes.len() > self.limit.saturating_sub(self.out.len()) {
            self.full = true;
            return Err(EncodeError::UnexpectedEnd);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

/// bincode counts the width of the type that it reads, not the bytes: a `u128` is charged 16 and
/// may take one. What was encoded within the limit must decode again, so the limit is that much
/// higher; it bounds what one length prefix can allocate to 1 MiB.
const DECODE_LIMIT: usize = 16 * super::MAX_VALUE;

const CONFIGURATION: Configuration<LittleEndian, Varint, Limit<DECODE_LIMIT>> =
    standard().with_limit::<DECODE_LIMIT>();
