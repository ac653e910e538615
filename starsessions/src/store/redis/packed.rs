//! Sessions as the bytes of one key.
//!
//! ```text
//! session = head ‖ field*                             or, where it has moved, head ‖ the way there
//! head    = kind(1) ‖ flags(1) ‖ expires_at(5) ‖ revision(7) ‖ last_seen_at(5) ‖ indexed_until(5)
//!           ‖ created_at(5) ‖ issued_at(5) ‖ length(1) ‖ ticket
//! field   = entry ‖ revision(7)
//! entry   = name ‖ tail ‖ length of tail(4) ‖ flags(1) ‖ length of name(2)
//! tail    = expires_at(5)? ‖ idle_at(5)? ‖ index(32)? ‖ value
//! kind    = 1 a session, 2 the way to its successor
//! flags   of head: 1 remembered, 2 identified, 4 some field may have an expires_at
//!         of entry: 1 expires_at, 2 idle_at, 4 index
//! ```
//!
//! Fields are found from the end, where those stand that were written last: what changes often is found at
//! once, and the rest is copied unseen.
//!
//! Integers are big-endian, times Unix seconds, and an `indexed_until` of 0 says that the session is in
//! no index. One key and not a hash: a session is read with the cheapest command there is, and its
//! values are parts of the reply. The scripts find their way by the lengths, and never look at a value.

use std::error::Error;
use std::fmt;

use bytes::{Buf, BufMut, Bytes};

use crate::clock::Timestamp;
use crate::crypto::IndexKey;
use crate::record::{Field, FieldName, FieldWrite, Fields, Forward, Record};
use crate::store::Loaded;

/// A session, until when it is in its indexes, and the ticket of the call that writes it.
pub(super) fn pack(
    record: &Record,
    indexed_until: Option<Timestamp>,
    ticket: &[u8],
) -> Result<Vec<u8>, Malformed> {
    let fields = record.fields.iter();
    let room = MAX_HEAD_LEN + record.fields.size() + fields.len() * MAX_FIELD_LEN;
    let mut bytes = Vec::with_capacity(room);
    let is_dated = record
        .fields
        .iter()
        .any(|(_, field)| field.expires_at.is_some());
    let flags = flag(record.remembered, REMEMBERED)
        | flag(record.identified, IDENTIFIED)
        | flag(is_dated, DATED);
    bytes.put_slice(&[SESSION, flags]);
    put_time(&mut bytes, record.expires_at);
    put_number(&mut bytes, record.revision);
    put_time(&mut bytes, record.last_seen_at);
    put_time(&mut bytes, indexed_until.unwrap_or_default());
    put_time(&mut bytes, record.created_at);
    put_time(&mut bytes, record.issued_at);
    put_ticket(&mut bytes, ticket);
    for (name, field) in fields {
        let (expires_at, idle_at) = (field.expires_at, field.idle_at);
        let tail = Tail(expires_at, idle_at, field.index.as_ref(), &field.value);
        tail.put_entry(&mut bytes, name)?;
        put_number(&mut bytes, field.revision);
    }
    Ok(bytes)
}

/// The way to a successor.
pub(super) fn pack_way(forward: &Forward, ticket: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAX_HEAD_LEN + forward.to.len());
    bytes.put_slice(&[WAY, 0]);
    put_time(&mut bytes, forward.until);
    bytes.put_bytes(0, LEN_OF_THE_REST);
    put_ticket(&mut bytes, ticket);
    bytes.put_slice(&forward.to);
    bytes
}

/// The entry of a field that is set, and before it its length; the revision is the server's to give.
pub(super) fn put_write(
    bytes: &mut Vec<u8>,
    name: &str,
    write: &FieldWrite,
) -> Result<(), Malformed> {
    let (expires_at, idle_at) = (write.expires_at, write.idle_at);
    let tail = Tail(expires_at, idle_at, write.index.as_ref(), &write.value);
    let len = name.len() + tail.len() + LEN_OF_LENGTHS;
    bytes.put_u32(len.try_into().map_err(|_| Malformed)?);
    tail.put_entry(bytes, name)
}

/// `expires_at`, `idle_at`, index and value.
struct Tail<'a>(
    Option<Timestamp>,
    Option<Timestamp>,
    Option<&'a IndexKey>,
    &'a [u8],
);

impl Tail<'_> {
    fn len(&self) -> usize {
        let Self(expires_at, idle_at, index, value) = self;
        let deadlines = [expires_at, idle_at].into_iter().flatten().count();
        deadlines * TIME_LEN + index.map_or(0, |_| IndexKey::LEN) + value.len()
    }

    fn put_entry(&self, bytes: &mut Vec<u8>, name: &str) -> Result<(), Malformed> {
        let Self(expires_at, idle_at, index, value) = self;
        bytes.put_slice(name.as_bytes());
        for deadline in [expires_at, idle_at].into_iter().flatten() {
            put_time(bytes, *deadline);
        }
        if let Some(index) = index {
            bytes.put_slice(index.as_bytes());
        }
        bytes.put_slice(value);
        bytes.put_u32(self.len().try_into().map_err(|_| Malformed)?);
        bytes.put_u8(
            flag(expires_at.is_some(), HAS_EXPIRES_AT)
                | flag(idle_at.is_some(), HAS_IDLE_AT)
                | flag(index.is_some(), HAS_INDEX),
        );
        bytes.put_u16(name.len().try_into().map_err(|_| Malformed)?);
        Ok(())
    }
}

pub(super) fn put_name(bytes: &mut Vec<u8>, name: &str) -> Result<(), Malformed> {
    bytes.put_u16(name.len().try_into().map_err(|_| Malformed)?);
    bytes.put_slice(name.as_bytes());
    Ok(())
}

pub(super) fn put_ticket(bytes: &mut Vec<u8>, ticket: &[u8]) {
    bytes.put_uint(ticket.len() as u64, 1);
    bytes.put_slice(ticket);
}

pub(super) fn put_time(bytes: &mut Vec<u8>, time: Timestamp) {
    bytes.put_uint(seconds(time), TIME_LEN);
}

pub(super) fn put_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.put_uint(self::number(number), NUMBER_LEN);
}

/// What was packed. All values share the bytes.
pub(super) fn unpack(bytes: Vec<u8>) -> Result<Loaded, Malformed> {
    let mut bytes = Bytes::from(bytes);
    let (kind, flags) = (bytes.try_get_u8()?, bytes.try_get_u8()?);
    let expires_at = time(&mut bytes)?;
    let mut record = Record::new(expires_at, expires_at);
    record.revision = bytes.try_get_uint(NUMBER_LEN)?;
    record.last_seen_at = time(&mut bytes)?;
    let _indexed_until = time(&mut bytes)?;
    record.created_at = time(&mut bytes)?;
    record.issued_at = time(&mut bytes)?;
    let ticket_len = bytes.try_get_u8()?;
    take(&mut bytes, ticket_len.into())?;
    match (kind, flags) {
        (WAY, 0) => Ok(Loaded::Moved(Forward::new(bytes, expires_at))),
        (SESSION, 0..=ALL_OF_HEAD) => {
            record.remembered = flags & REMEMBERED != 0;
            record.identified = flags & IDENTIFIED != 0;
            record.fields = fields(bytes)?;
            Ok(Loaded::Live(record))
        }
        _ => Err(Malformed),
    }
}

/// From the last to the first: those that were written later stand behind the others.
fn fields(mut bytes: Bytes) -> Result<Fields, Malformed> {
    let mut fields = Vec::with_capacity(USUAL);
    while bytes.has_remaining() {
        fields.push(last_field(&mut bytes)?);
    }
    fields.reverse();
    let is_before = |a: &(FieldName, Field), b: &(FieldName, Field)| a.0 < b.0;
    if !fields.is_sorted_by(is_before) {
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if !fields.is_sorted_by(is_before) {
            return Err(Malformed);
        }
    }
    Ok(Fields::from_ordered(fields))
}

fn last_field(bytes: &mut Bytes) -> Result<(FieldName, Field), Malformed> {
    let mut lengths = take_last(bytes, LEN_OF_LENGTHS + NUMBER_LEN)?;
    let tail_len = lengths.try_get_u32()?;
    let flags = lengths.try_get_u8()?;
    let name_len = lengths.try_get_u16()?;
    let revision = lengths.try_get_uint(NUMBER_LEN)?;
    if flags & !ALL_OF_FIELD != 0 {
        return Err(Malformed);
    }
    let mut value = take_last(bytes, tail_len.try_into().map_err(|_| Malformed)?)?;
    let name = take_last(bytes, name_len.into())?;
    let name = str::from_utf8(&name).map_err(|_| Malformed)?.to_owned();
    let mut field = Field::new(Bytes::new(), revision);
    if flags & HAS_EXPIRES_AT != 0 {
        field.expires_at = Some(time(&mut value)?);
    }
    if flags & HAS_IDLE_AT != 0 {
        field.idle_at = Some(time(&mut value)?);
    }
    if flags & HAS_INDEX != 0 {
        let mut index = [0; IndexKey::LEN];
        value.try_copy_to_slice(&mut index)?;
        field.index = Some(IndexKey::from_bytes(index));
    }
    field.value = value;
    Ok((name.into(), field))
}

fn take(bytes: &mut Bytes, len: usize) -> Result<Bytes, Malformed> {
    if bytes.remaining() < len {
        return Err(Malformed);
    }
    Ok(bytes.split_to(len))
}

fn take_last(bytes: &mut Bytes, len: usize) -> Result<Bytes, Malformed> {
    let start = bytes.remaining().checked_sub(len).ok_or(Malformed)?;
    Ok(bytes.split_off(start))
}

fn time(bytes: &mut Bytes) -> Result<Timestamp, Malformed> {
    let seconds = bytes.try_get_uint(TIME_LEN)?;
    Ok(Timestamp::from_unix_seconds(seconds))
}

fn flag(is_set: bool, flag: u8) -> u8 {
    if is_set { flag } else { 0 }
}

/// What fits in its bytes: a time in 34 000 years.
pub(super) fn seconds(time: Timestamp) -> u64 {
    time.as_unix_seconds().min((1 << 40) - 1)
}

/// Scripts count in floating point: to 2^53.
pub(super) fn number(number: u64) -> u64 {
    number.min((1 << 53) - 1)
}

/// What is stored is not what this crate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a session are malformed; delete the key, or give the sessions a key prefix of their own")
    }
}

impl Error for Malformed {}

impl From<bytes::TryGetError> for Malformed {
    fn from(_: bytes::TryGetError) -> Self {
        Self
    }
}

const SESSION: u8 = 1;
const WAY: u8 = 2;
const REMEMBERED: u8 = 1;
const IDENTIFIED: u8 = 2;
const DATED: u8 = 4;
const ALL_OF_HEAD: u8 = REMEMBERED | IDENTIFIED | DATED;
const HAS_EXPIRES_AT: u8 = 1;
const HAS_IDLE_AT: u8 = 2;
const HAS_INDEX: u8 = 4;
const ALL_OF_FIELD: u8 = HAS_EXPIRES_AT | HAS_IDLE_AT | HAS_INDEX;
const TIME_LEN: usize = 5;
const NUMBER_LEN: usize = 7;
/// Of the head of a way, between its end and its ticket: nobody asks for that.
const LEN_OF_THE_REST: usize = NUMBER_LEN + 4 * TIME_LEN;
const MAX_HEAD_LEN: usize = 2 + TIME_LEN + LEN_OF_THE_REST + 1 + 16;
/// Behind the tail of an entry.
const LEN_OF_LENGTHS: usize = 4 + 1 + 2;
const MAX_FIELD_LEN: usize = 2 * TIME_LEN + IndexKey::LEN + LEN_OF_LENGTHS + NUMBER_LEN;
/// Room for so many fields is made at once.
const USUAL: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        (0..1_u64 << 40).prop_map(Timestamp::from_unix_seconds)
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
        (
            [time(), time(), time(), time()],
            0..1_u64 << 53,
            any::<[bool; 2]>(),
            fields,
        )
            .prop_map(|(times, revision, flags, fields)| {
                let mut record = Record::new(times[0], times[1]);
                [record.issued_at, record.last_seen_at] = [times[2], times[3]];
                record.revision = revision;
                [record.remembered, record.identified] = flags;
                record.fields = Fields::from_iter(fields);
                record
            })
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            record in record(),
            indexed_until in proptest::option::of(time()),
            ticket in any::<Option<[u8; 16]>>(),
            to in any::<Vec<u8>>(),
        ) {
            let ticket = ticket.as_ref().map_or(&[] as &[u8], |it| it);
            let packed = pack(&record, indexed_until, ticket).unwrap();
            let until = record.expires_at;
            prop_assert_eq!(unpack(packed), Ok(Loaded::Live(record)));
            let way = Forward::new(to.into(), until);
            prop_assert_eq!(unpack(pack_way(&way, ticket)), Ok(Loaded::Moved(way)));
        }

        /// A script puts a new field behind the others.
        #[test]
        fn fields_may_come_in_any_order_but_not_twice(fields in [field(), field()]) {
            let mut packed = Vec::new();
            for (name, field) in ["b", "a"].into_iter().zip(&fields) {
                let record = Record { fields: Fields::from_iter([(name.into(), field.clone())]), ..empty() };
                let of_field = pack(&record, None, &[]).unwrap();
                let start = if packed.is_empty() { 0 } else { HEAD_LEN };
                packed.extend_from_slice(&of_field[start..]);
            }
            let [second, first] = fields;
            let fields = Fields::from_iter([("a".into(), first), ("b".into(), second)]);
            prop_assert_eq!(unpack(packed.clone()), Ok(Loaded::Live(Record { fields, ..empty() })));
            packed.extend_from_within(HEAD_LEN..);
            prop_assert_eq!(unpack(packed), Err(Malformed));
        }

        #[test]
        fn noise_does_not_panic(noise in any::<Vec<u8>>(), record in record(), place: usize) {
            let _ = unpack(noise.clone());
            let mut packed = pack(&record, None, &[]).unwrap();
            let place = place % packed.len();
            prop_assert_eq!(unpack(packed[..place.min(HEAD_LEN - 1)].to_vec()), Err(Malformed));
            packed.splice(place.., noise);
            let _ = unpack(packed);
        }
    }

    /// Without a ticket.
    const HEAD_LEN: usize = MAX_HEAD_LEN - 16;

    fn empty() -> Record {
        let time = Timestamp::from_unix_seconds(7);
        Record::new(time, time)
    }
}
