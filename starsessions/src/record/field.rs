//! The fields of a packed record, read in place.

use super::{TIME, bits, time};
use crate::clock::Timestamp;

/// The value of one field and what is known of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// The encoded value.
    pub(crate) value: &'a [u8],
    /// The low bits of the record's revision at the last write: of two names of one field, the one
    /// that was written later counts.
    pub(crate) written: u32,
    /// Gone from this second on: so long after it was written.
    pub(crate) expires_at: Option<Timestamp>,
    /// Gone from this second on: so long after it was last used.
    pub(crate) idle_at: Option<Timestamp>,
    /// The session is found by this value.
    pub(crate) indexed: bool,
}

impl Field<'_> {
    /// Whether neither of the field's deadlines has passed.
    #[inline]
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.ends_at().is_none_or(|end| now < end)
    }

    /// The earlier of its deadlines.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        match (self.expires_at, self.idle_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// One field as it is packed.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// The entry from its first to its last byte.
    pub(super) bytes: &'a [u8],
    head: &'a [u8; HEAD],
    times: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(super) fn field(&self) -> Field<'a> {
        let [_, flags, rest @ ..] = self.head;
        let [expires, idle, indexed] = bits(*flags, 3).unwrap_or_default();
        let mut times = self.times;
        let mut next = |is_there: bool| {
            let (first, rest) = times.split_first_chunk::<TIME>().filter(|_| is_there)?;
            times = rest;
            Some(time(first))
        };
        let [a, b, c, d, ..] = *rest;
        Field {
            value: self.value,
            written: u32::from_be_bytes([a, b, c, d]),
            expires_at: next(expires),
            idle_at: next(idle),
            indexed,
        }
    }
}

/// Walks over packed fields; ends at what is none.
#[derive(Clone)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed }
    }

    /// Whether every byte was a field's.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<HEAD>()?;
        let [name, flags, _, _, _, _, length @ ..] = head;
        let [expires, idle, _] = bits(*flags, 3)?;
        let times = TIME * (usize::from(expires) + usize::from(idle));
        let (times, rest) = rest.split_at_checked(times)?;
        let (name, rest) = rest.split_at_checked(usize::from(*name))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        let (bytes, _) = self.rest.split_at_checked(self.rest.len() - rest.len())?;
        self.rest = rest;
        Some(Entry {
            name,
            value,
            bytes,
            head,
            times,
        })
    }
}

/// The bytes of an entry that are always there: name length, flags, revision, value length.
pub(super) const HEAD: usize = 10;
