//! The `Cookie` header, byte by byte.
//!
//! Lines are split at `;`, and spaces and tabs around a pair are dropped, which is what browsers put
//! there (RFC 6265bis section 4.2.1). A pair is ours if it starts with exactly our name and `=`. Nothing
//! is decoded, normalized or unquoted: a sender of `%5F_Host-id` or `__host-id` must not be taken for
//! one of `__Host-id`. Nothing else in a line is an error, so other cookies cannot end a session.

use http::HeaderMap;
use http::header::COOKIE;

/// The values that a request has for the cookie `name`, in the order in which they were sent.
///
/// Several values are normal where a partitioned cookie meets an unpartitioned one, and a sign of cookie
/// tossing elsewhere. Their order proves nothing (RFC 6265bis section 5.8.3), so all of them are tried,
/// or none if there are more than [`Candidates::LIMIT`] different ones: else those in front would decide
/// which session it is. Allocates nothing.
pub(crate) fn candidates<'h>(headers: &'h HeaderMap, name: &str) -> Candidates<'h> {
    let mut found = Candidates::default();
    for line in headers.get_all(COOKIE) {
        collect(line.as_bytes(), name.as_bytes(), &mut found);
    }
    found
}

/// The cookies whose name begins so, in the order in which they were sent: the rest of the name, and the
/// value.
pub(crate) fn beginning_with<'h>(
    headers: &'h HeaderMap,
    start: &str,
) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
    let lines = headers.get_all(COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|octet| *octet == b';'));
    pairs.filter_map(move |pair| {
        let rest = trim(pair).strip_prefix(start.as_bytes())?;
        let equals = memchr::memchr(b'=', rest)?;
        Some((rest.get(..equals)?, rest.get(equals + 1..)?))
    })
}

/// The different values of one cookie: in nearly every request, one.
#[derive(Debug)]
pub(crate) enum Values<'h, B = u8> {
    None,
    One(&'h [B]),
    Several(Box<[&'h [B]]>),
}

/// A few different values of one cookie.
#[derive(Debug)]
pub(crate) struct Candidates<'h, B = u8> {
    values: [&'h [B]; LIMIT],
    len: usize,
    occurrences: usize,
    is_overfull: bool,
}

impl<'h, B> Candidates<'h, B> {
    /// How many different values are kept.
    #[cfg(test)]
    pub(crate) const LIMIT: usize = LIMIT;

    /// The different values, in order.
    pub(crate) fn values(&self) -> &[&'h [B]] {
        self.values.get(..self.len).unwrap_or_default()
    }

    /// The same in less room.
    pub(crate) fn into_values(self) -> Values<'h, B> {
        match self.values() {
            [] => Values::None,
            [only] => Values::One(only),
            several => Values::Several(several.into()),
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there were more different values than are kept.
    pub(crate) fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// Whether the name came more than once, with equal values or not.
    pub(crate) fn is_repeated(&self) -> bool {
        self.occurrences > 1
    }
}

impl<'h, B: PartialEq> Candidates<'h, B> {
    fn add(&mut self, value: &'h [B]) {
        self.occurrences = self.occurrences.saturating_add(1);
        if self.values().contains(&value) {
            return;
        }
        if let Some(free) = self.values.get_mut(self.len) {
            *free = value;
            self.len += 1;
        } else {
            self.is_overfull = true;
        }
    }
}

impl<'h, B: PartialEq> FromIterator<&'h [B]> for Candidates<'h, B> {
    fn from_iter<I: IntoIterator<Item = &'h [B]>>(values: I) -> Self {
        let mut found = Self::default();
        for value in values {
            found.add(value);
        }
        found
    }
}

impl<B> Default for Candidates<'_, B> {
    fn default() -> Self {
        Self {
            values: [&[]; LIMIT],
            len: 0,
            occurrences: 0,
            is_overfull: false,
        }
    }
}

/// A byte of a header; tests count how often one is looked at.
trait Octet: Copy + PartialEq + From<u8> {
    /// Where this octet is first.
    fn find(self, line: &[Self]) -> Option<usize>;
}

impl Octet for u8 {
    fn find(self, line: &[Self]) -> Option<usize> {
        memchr::memchr(self, line)
    }
}

fn collect<'h, B: Octet>(line: &'h [B], name: &[B], found: &mut Candidates<'h, B>) {
    // Browsers send cookies without a name as `=value`; no layer has one.
    if name.is_empty() {
        return;
    }
    let mut rest = Some(line);
    while let Some(line) = rest {
        let end = B::from(b';').find(line).unwrap_or(line.len());
        let pair = line.get(..end).unwrap_or_default();
        rest = line.get(end + 1..);
        if let Some((start, [equals, value @ ..])) = trim(pair).split_at_checked(name.len())
            && *equals == B::from(b'=')
            && start == name
        {
            found.add(value);
        }
    }
}

/// Drops spaces and tabs at both ends, and no other white space.
fn trim<B: Octet>(mut pair: &[B]) -> &[B] {
    let is_blank = |octet: &B| *octet == B::from(b' ') || *octet == B::from(b'\t');
    while let [first, rest @ ..] = pair
        && is_blank(first)
    {
        pair = rest;
    }
    while let [rest @ .., last] = pair
        && is_blank(last)
    {
        pair = rest;
    }
    pair
}

const LIMIT: usize = 4;

#[cfg(test)]
mod tests;
