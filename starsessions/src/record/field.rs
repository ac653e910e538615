//! The fields of a packed record, read in place.

use std::cmp::Ordering;

use super::{TIME, time};
use crate::clock::Timestamp;

/// The value of one field and its metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// The encoded value.
    pub(crate) value: &'a [u8],
    /// The low bits of the record's revision at the last write: if a field is stored under two names, the later write
    /// counts.
    pub(crate) written: u32,
    flags: u8,
    /// Its deadlines.
    times: &'a [u8],
}

#[cfg(feature = "python")]
impl<'a> Field<'a> {
    /// A value with the deadlines of `known`, which is not indexed.
    pub(crate) fn new(value: &'a [u8], written: u32, known: Option<Self>) -> Self {
        Self {
            value,
            written,
            flags: known.map_or(0, |known| known.flags & (EXPIRES | IDLES)),
            times: known.map_or(&[], |known| known.times),
        }
    }

    pub(super) fn times(&self) -> usize {
        self.times.len() / TIME
    }
}

impl Field<'_> {
    /// The field is gone from this second on, a fixed time after it was written.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let first = self.times.first_chunk().map(time);
        first.filter(|_| self.flags & EXPIRES != 0)
    }

    /// The field is gone from this second on, a fixed time after it was last used.
    pub(crate) fn idle_at(&self) -> Option<Timestamp> {
        let last = self.times.last_chunk().map(time);
        last.filter(|_| self.flags & IDLES != 0)
    }

    /// The session is found by this value.
    pub(crate) fn is_indexed(&self) -> bool {
        self.flags & INDEXED != 0
    }

    /// Whether neither of the field's deadlines has passed.
    #[inline]
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.times.is_empty() || self.ends_at().is_none_or(|end| now < end)
    }

    /// The earlier of its deadlines.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        self.expires_at().into_iter().chain(self.idle_at()).min()
    }
}

/// One field as it is packed.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) field: Field<'a>,
}

impl Entry<'_> {
    pub(super) fn len(&self) -> usize {
        HEAD + self.field.times.len() + self.name.len() + self.field.value.len()
    }
}

/// The lengths of an entry's name and value as they are packed. The names of the derive macro have at most 255
/// bytes, and no value is longer than the record's limit: a longer one gets no entry.
pub(super) fn lengths(name: &[u8], value: &[u8]) -> Option<(u8, u32)> {
    Some((name.len().try_into().ok()?, value.len().try_into().ok()?))
}

/// The size of an entry with this many deadlines.
pub(super) fn size(name: &str, value: &[u8], times: usize) -> usize {
    let is_there = lengths(name.as_bytes(), value).is_some();
    usize::from(is_there) * (HEAD + TIME * times + name.len() + value.len())
}

/// Iterates over packed fields; stops at bytes that are not a field.
#[derive(Clone, Default)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed }
    }

    /// The bytes that are not read yet; after the last field, empty if every byte belonged to a field.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Advances past the entry of this name, or to the end.
    #[inline]
    pub(super) fn find_name(&mut self, name: &str) -> Option<Field<'a>> {
        let is_meant = |entry: &Entry<'_>| entry.name == name.as_bytes();
        self.find(is_meant).map(|entry| entry.field)
    }

    /// Advances past the entry of this name, or to where it would be.
    pub(super) fn skip_to(&mut self, name: &[u8]) -> Option<Entry<'a>> {
        loop {
            let here = self.clone();
            match self.next().map(|entry| (entry.name.cmp(name), entry)) {
                Some((Ordering::Less, _)) => {}
                Some((Ordering::Equal, entry)) => return Some(entry),
                Some((Ordering::Greater, _)) | None => {
                    *self = here;
                    return None;
                }
            }
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let (head, behind) = self.rest.split_first_chunk::<HEAD>()?;
        let [name, flags, a, b, c, d, length @ ..] = *head;
        if flags > EXPIRES | IDLES | INDEXED {
            return None;
        }
        let times = TIME * usize::from((flags & EXPIRES) + (flags & IDLES) / IDLES);
        let (times, rest) = behind.split_at_checked(times)?;
        let (name, rest) = rest.split_at_checked(usize::from(name))?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Entry {
            name,
            field: Field {
                value,
                written: u32::from_be_bytes([a, b, c, d]),
                flags,
                times,
            },
        })
    }
}

/// Looks fields up, in any order. A lookup begins behind the field that was found last, so looking up all fields in the
/// order of their names takes one pass.
#[derive(Clone, Default)]
pub(crate) struct Cursor<'a> {
    all: Entries<'a>,
    ahead: Entries<'a>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(all: Entries<'a>) -> Self {
        let ahead = all.clone();
        Self { all, ahead }
    }

    /// The field of this name, expired or not.
    #[inline]
    pub(crate) fn get(&mut self, name: &str) -> Option<Field<'a>> {
        let mut ahead = self.ahead.clone();
        let found = ahead.find_name(name);
        let found = found.or_else(|| {
            ahead = self.all.clone();
            ahead.find_name(name)
        });
        if found.is_some() {
            self.ahead = ahead;
        }
        found
    }
}

/// The flags of an entry.
pub(super) fn flags(expires: bool, idles: bool, indexed: bool) -> u8 {
    u8::from(expires) * EXPIRES + u8::from(idles) * IDLES + u8::from(indexed) * INDEXED
}

// An entry has a time for each of the first two.
const EXPIRES: u8 = 1;
const IDLES: u8 = 2;
const INDEXED: u8 = 4;

/// The bytes of an entry that are always there: name length, flags, revision, value length.
pub(super) const HEAD: usize = 10;
