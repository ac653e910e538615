//! A record inside a cookie: the bytes between the token's header and its tag.
//!
//! ```text
//! schema u16 ‖ created u40 ‖ issued u40 ‖ idle_ttl u32 ‖ id(16) ‖ flags u8 ‖ fields
//! field = name length u8 ‖ name ‖ deadlines u8 ‖ [expires u40] ‖ [idle u40] ‖ value length u32 ‖ value
//! ```
//!
//! All integers big-endian and of fixed width; fields in the order of their names; nothing after
//! the last one. So a record has one encoding, and what does not re-encode to itself is refused.

use std::time::Duration;

use bytes::{Buf, Bytes};

use crate::clock::Timestamp;
use crate::record::{Field, FieldName, Fields, Record};

/// A record and what only a cookie carries: its own id, by which it can be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) id: [u8; ID_LENGTH],
    pub(super) idle: Duration,
    pub(super) record: Record,
}

impl Payload {
    /// The bytes; `None` if a name or a number is larger than its place.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let record = &self.record;
        let mut out = Vec::with_capacity(64 + record.fields.size());
        out.extend(SCHEMA.to_be_bytes());
        put_time(&mut out, record.created_at)?;
        put_time(&mut out, record.last_seen_at)?;
        out.extend(u32::try_from(self.idle.as_secs()).ok()?.to_be_bytes());
        out.extend(self.id);
        out.push(flags([record.remembered, record.identified]));
        for (name, field) in record.fields.iter() {
            out.push(u8::try_from(name.len()).ok()?);
            out.extend(name.as_bytes());
            out.push(flags([field.expires_at.is_some(), field.idle_at.is_some()]));
            for deadline in [field.expires_at, field.idle_at].into_iter().flatten() {
                put_time(&mut out, deadline)?;
            }
            out.extend(u32::try_from(field.value.len()).ok()?.to_be_bytes());
            out.extend(&field.value);
        }
        Some(out)
    }

    /// The record, if every byte is as `encode` writes it.
    pub(super) fn decode(bytes: Bytes) -> Option<Self> {
        let mut input = Input(bytes);
        if input.array().map(u16::from_be_bytes)? != SCHEMA {
            return None;
        }
        let created_at = input.time()?;
        let issued_at = input.time()?;
        let idle = Duration::from_secs(input.array().map(u32::from_be_bytes)?.into());
        let id = input.array()?;
        let [remembered, identified] = input.flags()?;
        let mut record = Record::new(created_at, issued_at + idle);
        record.last_seen_at = issued_at;
        record.remembered = remembered;
        record.identified = identified;
        record.fields = input.fields()?;
        Some(Self { id, idle, record })
    }
}

struct Input(Bytes);

impl Input {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.0.len()).then(|| self.0.split_to(length))
    }

    /// Without a look at who else holds the bytes, as [`take`](Self::take) has to.
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.0.first_chunk()?;
        self.0.advance(N);
        Some(array)
    }

    fn name(&mut self, length: usize) -> Option<FieldName> {
        let name = std::str::from_utf8(self.0.get(..length)?).ok()?.to_owned();
        self.0.advance(length);
        Some(name.into())
    }

    fn time(&mut self) -> Option<Timestamp> {
        let [a, b, c, d, e] = self.array()?;
        let seconds = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
        Some(Timestamp::from_unix_seconds(seconds))
    }

    fn flags(&mut self) -> Option<[bool; 2]> {
        let [byte] = self.array()?;
        (byte < 4).then_some([byte & 1 != 0, byte & 2 != 0])
    }

    fn fields(&mut self) -> Option<Fields> {
        let mut fields: Vec<(FieldName, Field)> = Vec::new();
        while !self.0.is_empty() {
            let [length] = self.array()?;
            let name = self.name(length.into())?;
            if fields.last().is_some_and(|(last, _)| *last >= name) {
                return None;
            }
            let [expires, idle] = self.flags()?;
            let expires_at = if expires { Some(self.time()?) } else { None };
            let idle_at = if idle { Some(self.time()?) } else { None };
            let length = self.array().map(u32::from_be_bytes)?;
            let mut field = Field::new(self.take(usize::try_from(length).ok()?)?, 1);
            field.expires_at = expires_at;
            field.idle_at = idle_at;
            fields.push((name, field));
        }
        Some(Fields::from_ordered(fields))
    }
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) -> Option<()> {
    let [0, 0, 0, rest @ ..] = time.as_unix_seconds().to_be_bytes() else {
        return None;
    };
    out.extend(rest);
    Some(())
}

fn flags([low, high]: [bool; 2]) -> u8 {
    u8::from(low) | u8::from(high) << 1
}

pub(super) const ID_LENGTH: usize = 16;
const SCHEMA: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        let created = Timestamp::from_unix_seconds(1_700_000_000);
        let idle = Duration::from_secs(600);
        let mut record = Record::new(created, created + idle);
        record.identified = true;
        let mut cart = Field::new(Bytes::from_static(b"\x01\x02"), 1);
        cart.expires_at = Some(created + Duration::from_secs(60));
        record.fields.insert("shop.cart".into(), cart);
        let views = Field::new(Bytes::new(), 1);
        record.fields.insert("shop.views".into(), views);
        Payload {
            id: [7; 16],
            idle,
            record,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let payload = payload();
        let bytes = payload.encode().unwrap();
        assert_eq!(Payload::decode(bytes.into()), Some(payload));
    }

    #[test]
    fn no_prefix_and_no_longer_input_is_a_record() {
        let bytes = payload().encode().unwrap();
        let whole_fields = [33, 33 + 1 + 9 + 1 + 5 + 4 + 2];
        for length in 0..bytes.len() {
            let decoded = Payload::decode(Bytes::copy_from_slice(&bytes[..length]));
            assert_eq!(
                decoded.is_some(),
                whole_fields.contains(&length),
                "{length}"
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(Payload::decode(longer.into()), None);
    }

    /// One record, one encoding: a byte that means nothing would make two cookies of one session.
    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes() {
        let bytes = payload().encode().unwrap();
        for place in 0..bytes.len() {
            for flip in 1..=255_u8 {
                let mut changed = bytes.clone();
                changed[place] ^= flip;
                if let Some(payload) = Payload::decode(changed.clone().into()) {
                    assert_eq!(payload.encode().unwrap(), changed, "byte {place}");
                }
            }
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        let mut late = payload();
        late.record.created_at = Timestamp::from_unix_seconds(1 << 40);
        assert_eq!(late.encode(), None);
        let mut long = payload();
        let name = "x".repeat(256);
        long.record
            .fields
            .insert(name.into(), Field::new(Bytes::new(), 1));
        assert_eq!(long.encode(), None);
    }
}
