//! The fields of one session as the bytes of one column.
//!
//! ```text
//! fields = 0x01 ‖ field*
//! field  = name ‖ revision(8) ‖ flags(1) ‖ expires_at(8)? ‖ idle_at(8)? ‖ index(32)? ‖ value
//! name   = length(2) ‖ UTF-8          value = length(4) ‖ bytes          integers: big-endian
//! flags  = 1 expires_at, 2 idle_at, 4 index
//! ```
//!
//! One column and not a row for each field: a session is read whole with one lookup, and a commit
//! writes one page where rows would be spread over several. The writer changes a session within its
//! transaction, so a commit is by field all the same.

use std::error::Error;
use std::fmt;

use bytes::{Buf, BufMut, Bytes};

use crate::clock::Timestamp;
use crate::crypto::IndexKey;
use crate::record::{Field, Fields};

pub(super) fn encode(fields: &Fields) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::with_capacity(1 + fields.size() + fields.len() * MAX_HEADER_LEN);
    bytes.put_u8(VERSION);
    for (name, field) in fields.iter() {
        bytes.put_u16(name.len().try_into().map_err(|_| Malformed)?);
        bytes.put_slice(name.as_bytes());
        bytes.put_u64(field.revision);
        bytes.put_u8(flags_of(field));
        for deadline in [field.expires_at, field.idle_at].into_iter().flatten() {
            bytes.put_u64(deadline.as_unix_seconds());
        }
        if let Some(index) = &field.index {
            bytes.put_slice(index.as_bytes());
        }
        bytes.put_u32(field.value.len().try_into().map_err(|_| Malformed)?);
        bytes.put_slice(&field.value);
    }
    Ok(bytes)
}

pub(super) fn decode(bytes: Vec<u8>) -> Result<Fields, Malformed> {
    let mut bytes = Bytes::from(bytes);
    if bytes.try_get_u8()? != VERSION {
        return Err(Malformed);
    }
    let mut fields = Fields::default();
    while bytes.has_remaining() {
        let name_len = bytes.try_get_u16()?;
        let name = take(&mut bytes, name_len.into())?;
        let name = str::from_utf8(&name).map_err(|_| Malformed)?.to_owned();
        if fields
            .insert(name.into(), decode_field(&mut bytes)?)
            .is_some()
        {
            return Err(Malformed);
        }
    }
    Ok(fields)
}

fn decode_field(bytes: &mut Bytes) -> Result<Field, Malformed> {
    let revision = bytes.try_get_u64()?;
    let flags = bytes.try_get_u8()?;
    if flags & !ALL_FLAGS != 0 {
        return Err(Malformed);
    }
    let mut field = Field::new(Bytes::new(), revision);
    if flags & HAS_EXPIRES_AT != 0 {
        field.expires_at = Some(Timestamp::from_unix_seconds(bytes.try_get_u64()?));
    }
    if flags & HAS_IDLE_AT != 0 {
        field.idle_at = Some(Timestamp::from_unix_seconds(bytes.try_get_u64()?));
    }
    if flags & HAS_INDEX != 0 {
        let mut index = [0; IndexKey::LEN];
        bytes.try_copy_to_slice(&mut index)?;
        field.index = Some(IndexKey::from_bytes(index));
    }
    let value_len = bytes.try_get_u32()?;
    field.value = take(bytes, value_len.try_into().map_err(|_| Malformed)?)?;
    Ok(field)
}

/// Without a copy: all values of a session share the bytes that were read.
fn take(bytes: &mut Bytes, len: usize) -> Result<Bytes, Malformed> {
    if bytes.remaining() < len {
        return Err(Malformed);
    }
    Ok(bytes.split_to(len))
}

fn flags_of(field: &Field) -> u8 {
    let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    flag(field.expires_at.is_some(), HAS_EXPIRES_AT)
        | flag(field.idle_at.is_some(), HAS_IDLE_AT)
        | flag(field.index.is_some(), HAS_INDEX)
}

/// The bytes are not the fields of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a session in the SQLite file are malformed; restore the file from a backup, or delete the session")
    }
}

impl Error for Malformed {}

impl From<bytes::TryGetError> for Malformed {
    fn from(_: bytes::TryGetError) -> Self {
        Self
    }
}

const VERSION: u8 = 1;
const HAS_EXPIRES_AT: u8 = 1;
const HAS_IDLE_AT: u8 = 2;
const HAS_INDEX: u8 = 4;
const ALL_FLAGS: u8 = HAS_EXPIRES_AT | HAS_IDLE_AT | HAS_INDEX;
const MAX_HEADER_LEN: usize = 2 + 8 + 1 + 8 + 8 + IndexKey::LEN + 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field() -> impl Strategy<Value = Field> {
        let time = || proptest::option::of(any::<u64>().prop_map(Timestamp::from_unix_seconds));
        let index = proptest::option::of(any::<[u8; 32]>().prop_map(IndexKey::from_bytes));
        (any::<Vec<u8>>(), any::<u64>(), time(), time(), index).prop_map(
            |(value, revision, expires_at, idle_at, index)| Field {
                value: value.into(),
                revision,
                expires_at,
                idle_at,
                index,
            },
        )
    }

    fn fields() -> impl Strategy<Value = Fields> {
        let name = any::<String>().prop_map(Into::into);
        proptest::collection::vec((name, field()), 0..6).prop_map(Fields::from_iter)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(fields in fields()) {
            let bytes = encode(&fields).unwrap();
            prop_assert_eq!(decode(bytes).unwrap(), fields);
        }

        #[test]
        fn what_is_cut_short_or_extended_is_refused_or_another_value(fields in fields(), at in any::<prop::sample::Index>()) {
            let bytes = encode(&fields).unwrap();
            let cut = at.index(bytes.len());
            prop_assert_ne!(decode(bytes[..cut].to_vec()), Ok(fields));
            let longer = [&bytes[..], &[0]].concat();
            prop_assert_eq!(decode(longer), Err(Malformed));
        }

        #[test]
        fn noise_does_not_panic(mut bytes in any::<Vec<u8>>()) {
            bytes.insert(0, VERSION);
            if let Ok(fields) = decode(bytes.clone()) {
                // Names may come in another order; nothing else can differ.
                prop_assert_eq!(encode(&fields).unwrap().len(), bytes.len());
            }
        }
    }

    #[test]
    fn another_version_and_a_name_twice_are_refused() {
        assert_eq!(decode(Vec::new()), Err(Malformed));
        assert_eq!(decode(vec![2]), Err(Malformed));
        let one: Fields = [("a.x".into(), Field::new(Bytes::new(), 1))]
            .into_iter()
            .collect();
        let bytes = encode(&one).unwrap();
        assert_eq!(decode([&bytes[..], &bytes[1..]].concat()), Err(Malformed));
    }
}
