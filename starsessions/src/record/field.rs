//! The fields of a packed record, read in place.

use std::cmp::Ordering;

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

/// Shows how long the value is, which may be in the clear.
#[cfg(feature = "python")]
impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({} bytes)", self.value.len())
    }
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
    head: &'a [u8; HEAD],
    times: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Whether the session is found by this value.
    #[inline]
    pub(super) fn is_indexed(&self) -> bool {
        let [_, _, indexed] = self.flags();
        indexed
    }

    #[inline]
    pub(super) fn field(&self) -> Field<'a> {
        let [expires, idle, indexed] = self.flags();
        let mut times = self.times;
        let mut next = |is_there: bool| {
            let (first, rest) = times.split_first_chunk::<TIME>().filter(|_| is_there)?;
            times = rest;
            Some(time(first))
        };
        let [_, _, a, b, c, d, ..] = *self.head;
        Field {
            value: self.value,
            written: u32::from_be_bytes([a, b, c, d]),
            expires_at: next(expires),
            idle_at: next(idle),
            indexed,
        }
    }

    fn flags(&self) -> [bool; 3] {
        let [_, flags, ..] = self.head;
        bits(*flags).unwrap_or_default()
    }
}

/// Walks over packed fields; ends at what is none.
#[derive(Clone, Default)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed }
    }

    /// The bytes that no entry was taken from yet; none when every byte was a field's.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes behind the entry of this name, or to the end.
    #[inline]
    pub(super) fn find_name(&mut self, name: &str) -> Option<Field<'a>> {
        let is_meant = |entry: &Entry<'_>| entry.name == name.as_bytes();
        self.find(is_meant).map(|entry| entry.field())
    }

    /// Goes behind the entry of this name; returns the bytes of those ahead of it, and the entry.
    pub(super) fn skip_to(&mut self, name: &[u8]) -> (&'a [u8], Option<Entry<'a>>) {
        let all = self.rest;
        loop {
            let ahead = all.len() - self.rest.len();
            let ahead = all.get(..ahead).unwrap_or_default();
            let behind = self.clone();
            match self.next().map(|entry| (entry.name.cmp(name), entry)) {
                Some((Ordering::Less, _)) => {}
                Some((Ordering::Equal, entry)) => return (ahead, Some(entry)),
                Some((Ordering::Greater, _)) | None => {
                    *self = behind;
                    return (ahead, None);
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
        let [name, flags, _, _, _, _, length @ ..] = head;
        let [expires, idle, _indexed] = bits(*flags)?;
        let times = TIME * (usize::from(expires) + usize::from(idle));
        let (times, rest) = behind.split_at_checked(times)?;
        let (name, rest) = rest.split_at_checked(usize::from(*name))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Entry {
            head,
            times,
            name,
            value,
        })
    }
}

/// Looks fields up, in any order. It goes on where it has found the last one, so that all fields in the
/// order of their names take one walk.
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

    /// The field of this name, dead or alive.
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

/// The bytes of an entry that are always there: name length, flags, revision, value length.
pub(super) const HEAD: usize = 10;
