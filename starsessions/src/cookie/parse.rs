//! The `Cookie` header, byte by byte.
//!
//! Lines are split at `;`, and spaces and tabs around a pair are dropped, which is what browsers put
//! there (RFC 6265bis section 4.2.1). A pair is ours if it starts with exactly our name and `=`. Nothing
//! is decoded, normalized or unquoted: whoever may set `%5F_Host-id` or `__host-id` must not be taken
//! for `__Host-id`. Whatever else a line holds is never an error, so other cookies cannot log anybody
//! out.

use http::HeaderMap;
use http::header::COOKIE;

/// The values that a request has for the cookie `name`, in the order in which they were sent.
///
/// Several values are normal where a partitioned cookie meets an unpartitioned one, and a sign of cookie
/// tossing elsewhere. Their order proves nothing (RFC 6265bis section 5.8.3), so all of them are tried,
/// up to [`Candidates::LIMIT`] different ones. Allocates nothing.
pub(crate) fn candidates<'h>(headers: &'h HeaderMap, name: &str) -> Candidates<'h> {
    let mut found = Candidates::default();
    for line in headers.get_all(COOKIE) {
        collect(line.as_bytes(), name.as_bytes(), &mut found);
    }
    found
}

/// A few different values of one cookie.
///
/// `B` is an octet; tests count how often one is looked at.
#[derive(Debug)]
pub(crate) struct Candidates<'h, B = u8> {
    values: [&'h [B]; LIMIT],
    len: usize,
    occurrences: usize,
}

impl<'h, B> Candidates<'h, B> {
    /// How many different values are kept.
    #[cfg(test)]
    pub(crate) const LIMIT: usize = LIMIT;

    /// The different values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'h [B]> {
        self.values.iter().take(self.len).copied()
    }

    /// Whether the name came more than once, with equal values or not.
    pub(crate) fn is_repeated(&self) -> bool {
        self.occurrences > 1
    }
}

impl<'h, B: PartialEq> Candidates<'h, B> {
    fn add(&mut self, value: &'h [B]) {
        self.occurrences = self.occurrences.saturating_add(1);
        if self.iter().any(|known| known == value) {
            return;
        }
        if let Some(free) = self.values.get_mut(self.len) {
            *free = value;
            self.len += 1;
        }
    }
}

impl<B> Default for Candidates<'_, B> {
    fn default() -> Self {
        Self {
            values: [&[]; LIMIT],
            len: 0,
            occurrences: 0,
        }
    }
}

fn collect<'h, B>(line: &'h [B], name: &[B], found: &mut Candidates<'h, B>)
where
    B: Copy + PartialEq + From<u8>,
{
    // Browsers send cookies without a name as `=value`; they are nobody's.
    if name.is_empty() {
        return;
    }
    for pair in line.split(|octet| *octet == B::from(b';')) {
        let Some((start, rest)) = trim(pair).split_at_checked(name.len()) else {
            continue;
        };
        if let [equals, value @ ..] = rest
            && *equals == B::from(b'=')
            && start == name
        {
            found.add(value);
        }
    }
}

/// Drops spaces and tabs at both ends, and no other white space.
fn trim<B: Copy + PartialEq + From<u8>>(mut pair: &[B]) -> &[B] {
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
