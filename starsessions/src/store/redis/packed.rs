//! Records as the fields of a hash.
//!
//! ```text
//! value of f:name = revision ";" expires_at? ";" idle_at? ";" index? ";" bytes
//! ```
//!
//! Numbers are decimal, times in Unix seconds, the index key is base64url: the scripts read what
//! they need with a pattern, and never the bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;

use crate::clock::Timestamp;
use crate::crypto::IndexKey;
use crate::record::{Field, FieldWrite, Forward, Record};
use crate::store::Loaded;

/// A hash as the server returns it.
pub(super) type Hash = BTreeMap<Vec<u8>, Vec<u8>>;

/// The fields of the hash of a record, in pairs.
pub(super) fn pack(record: &Record) -> Vec<(Vec<u8>, Vec<u8>)> {
    let flag = |is_set: bool| u64::from(is_set);
    let mut pairs = [
        ("c", seconds(record.created_at)),
        ("i", seconds(record.issued_at)),
        ("l", seconds(record.last_seen_at)),
        ("e", seconds(record.expires_at)),
        ("r", number(record.revision)),
        ("m", flag(record.remembered)),
        ("d", flag(record.identified)),
    ]
    .map(|(name, number)| (name.into(), number.to_string().into_bytes()))
    .to_vec();
    for (name, field) in record.fields.iter() {
        let mut value = format!("{};", number(field.revision)).into_bytes();
        value.extend(tail(
            field.expires_at,
            field.idle_at,
            field.index.as_ref(),
            &field.value,
        ));
        pairs.push((field_name(name), value));
    }
    pairs
}

/// A field that is set, without its revision, which the server gives.
pub(super) fn pack_write(write: &FieldWrite) -> Vec<u8> {
    tail(
        write.expires_at,
        write.idle_at,
        write.index.as_ref(),
        &write.value,
    )
}

fn tail(
    expires_at: Option<Timestamp>,
    idle_at: Option<Timestamp>,
    index: Option<&IndexKey>,
    value: &[u8],
) -> Vec<u8> {
    let time =
        |time: Option<Timestamp>| time.map_or_else(String::new, |it| seconds(it).to_string());
    let index = index.map_or_else(String::new, |it| {
        Base64UrlUnpadded::encode_string(it.as_bytes())
    });
    let mut tail = format!("{};{};{index};", time(expires_at), time(idle_at)).into_bytes();
    tail.extend(value);
    tail
}

pub(super) fn field_name(name: &str) -> Vec<u8> {
    [FIELD, name.as_bytes()].concat()
}

/// What a hash holds; `None` for an empty one, which is none.
pub(super) fn unpack(hash: &Hash) -> Result<Option<Loaded>, Malformed> {
    if hash.is_empty() {
        return Ok(None);
    }
    let expires_at = time_in(hash, "e")?;
    if let Some(to) = hash.get(b"w".as_slice()) {
        let forward = Forward::new(Bytes::copy_from_slice(to), expires_at);
        return Ok(Some(Loaded::Moved(forward)));
    }
    let mut record = Record::new(time_in(hash, "c")?, expires_at);
    record.issued_at = time_in(hash, "i")?;
    record.last_seen_at = time_in(hash, "l")?;
    record.revision = number_in(hash, "r")?;
    record.remembered = number_in(hash, "m")? == 1;
    record.identified = number_in(hash, "d")? == 1;
    for (name, value) in hash {
        let Some(name) = name.strip_prefix(FIELD) else {
            continue;
        };
        let name = str::from_utf8(name).map_err(|_| Malformed)?.to_owned();
        record.fields.insert(name.into(), unpack_field(value)?);
    }
    Ok(Some(Loaded::Live(record)))
}

fn unpack_field(value: &[u8]) -> Result<Field, Malformed> {
    let mut parts = value.splitn(5, |byte| *byte == b';');
    let mut next = || parts.next().ok_or(Malformed);
    let (revision, expires_at, idle_at, index) = (next()?, next()?, next()?, next()?);
    let mut field = Field::new(Bytes::copy_from_slice(next()?), parse(revision)?);
    field.expires_at = parse_time(expires_at)?;
    field.idle_at = parse_time(idle_at)?;
    if !index.is_empty() {
        let mut bytes = [0; IndexKey::LEN];
        let decoded = Base64UrlUnpadded::decode(index, &mut bytes).map_err(|_| Malformed)?;
        if decoded.len() != IndexKey::LEN {
            return Err(Malformed);
        }
        field.index = Some(IndexKey::from_bytes(bytes));
    }
    Ok(field)
}

fn parse_time(text: &[u8]) -> Result<Option<Timestamp>, Malformed> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(|seconds| Some(Timestamp::from_unix_seconds(seconds)))
}

fn time_in(hash: &Hash, name: &str) -> Result<Timestamp, Malformed> {
    number_in(hash, name).map(Timestamp::from_unix_seconds)
}

fn number_in(hash: &Hash, name: &str) -> Result<u64, Malformed> {
    parse(hash.get(name.as_bytes()).ok_or(Malformed)?)
}

fn parse(digits: &[u8]) -> Result<u64, Malformed> {
    let digits = str::from_utf8(digits).map_err(|_| Malformed)?;
    digits.parse().map_err(|_| Malformed)
}

pub(super) fn seconds(time: Timestamp) -> u64 {
    number(time.as_unix_seconds())
}

/// Scripts count in floating point: to 2^53, which is a time in 285 million years.
pub(super) fn number(number: u64) -> u64 {
    number.min((1 << 53) - 1)
}

/// What is stored is not what this crate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hash of a session is malformed; delete the key, or give the sessions a key prefix of their own")
    }
}

impl Error for Malformed {}

const FIELD: &[u8] = b"f:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Fields;

    fn time() -> impl Strategy<Value = Timestamp> {
        (0..1_u64 << 53).prop_map(Timestamp::from_unix_seconds)
    }

    fn field() -> impl Strategy<Value = Field> {
        let index = proptest::option::of(any::<[u8; 32]>().prop_map(IndexKey::from_bytes));
        let deadline = || proptest::option::of(time());
        (
            any::<Vec<u8>>(),
            0..1_u64 << 53,
            deadline(),
            deadline(),
            index,
        )
            .prop_map(|(value, revision, expires_at, idle_at, index)| Field {
                value: value.into(),
                revision,
                expires_at,
                idle_at,
                index,
            })
    }

    fn record() -> impl Strategy<Value = Record> {
        let name = any::<String>().prop_map(Into::into);
        let fields = proptest::collection::vec((name, field()), 0..6);
        (time(), time(), any::<[bool; 2]>(), fields).prop_map(|(from, to, flags, fields)| {
            let mut record = Record::new(from, to);
            [record.remembered, record.identified] = flags;
            record.fields = Fields::from_iter(fields);
            record
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(record in record()) {
            let hash = Hash::from_iter(pack(&record));
            prop_assert_eq!(unpack(&hash), Ok(Some(Loaded::Live(record))));
        }

        #[test]
        fn noise_does_not_panic(noise in any::<Vec<u8>>(), record in record()) {
            let _ = unpack_field(&noise);
            for place in ["c", "i", "l", "e", "r", "m", "d", "f:x"] {
                let mut hash = Hash::from_iter(pack(&record));
                hash.insert(place.into(), noise.clone());
                let _ = unpack(&hash);
                hash.remove(place.as_bytes());
                if !place.starts_with('f') {
                    prop_assert_eq!(unpack(&hash), Err(Malformed));
                }
            }
        }
    }
}
