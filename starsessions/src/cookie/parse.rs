//! The `Cookie` header, byte by byte.
//!
//! Lines are split at `;`, and spaces and tabs around a pair are dropped, which is what browsers put
//! there (RFC 6265bis section 4.2.1). A pair is ours if it starts with exactly our name and `=`. Nothing
//! is decoded, normalized or unquoted: `%5F_Host-id` and `__host-id` must not count as `__Host-id`. Nothing else in a
//! line is an error, so other cookies cannot end a session.

use std::iter;

use http::HeaderMap;
use http::header::COOKIE;

/// The values that a request has for the cookie `name`, in the order in which they were sent.
///
/// Several values are normal where a partitioned cookie meets an unpartitioned one, and a sign of cookie tossing
/// elsewhere. Their order proves nothing (RFC 6265bis section 5.8.3), so the layer tries all of them. If there are more
/// than [`LIMIT`] different ones, the request gets no session: otherwise the first ones would decide which session it
/// is. Allocates nothing.
pub(crate) fn candidates<'h>(headers: &'h HeaderMap, name: &str) -> Candidates<'h> {
    let lines = headers.get_all(COOKIE).into_iter();
    let values = lines.flat_map(|line| named(line.as_bytes(), name));
    values.collect()
}

/// The cookies whose name begins with `start`, in the order in which they were sent: the rest of the name, and the
/// value.
pub(crate) fn beginning_with<'h>(
    headers: &'h HeaderMap,
    start: &str,
) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
    let lines = headers.get_all(COOKIE).into_iter();
    let pairs = lines.flat_map(|line| pairs(line.as_bytes()));
    pairs.filter_map(move |pair| {
        let rest = pair.strip_prefix(start.as_bytes())?;
        let equals = memchr::memchr(b'=', rest)?;
        Some((rest.get(..equals)?, rest.get(equals + 1..)?))
    })
}

/// The different values of one cookie: in nearly every request, one.
#[derive(Debug)]
pub(crate) enum Values<'h> {
    None,
    One(&'h [u8]),
    Several(Box<[&'h [u8]]>),
}

/// A few different values of one cookie.
#[derive(Debug, Default)]
pub(crate) struct Candidates<'h> {
    values: [&'h [u8]; LIMIT],
    len: usize,
    /// The name came more than once, with equal values or not.
    pub(crate) is_repeated: bool,
    /// There were more different values than are kept.
    pub(crate) is_overfull: bool,
}

impl<'h> Candidates<'h> {
    /// The different values, in order.
    #[inline]
    pub(crate) fn values(&self) -> &[&'h [u8]] {
        self.values.get(..self.len).unwrap_or_default()
    }

    /// The same values in a smaller type.
    #[inline]
    pub(crate) fn into_values(self) -> Values<'h> {
        match self.values() {
            [] => Values::None,
            [only] => Values::One(only),
            several => Values::Several(several.into()),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<'h> FromIterator<&'h [u8]> for Candidates<'h> {
    fn from_iter<I: IntoIterator<Item = &'h [u8]>>(values: I) -> Self {
        let mut found = Self::default();
        for value in values {
            found.is_repeated |= !found.is_empty();
            if found.values().contains(&value) {
                continue;
            }
            if let Some(free) = found.values.get_mut(found.len) {
                *free = value;
                found.len += 1;
            } else {
                found.is_overfull = true;
            }
        }
        found
    }
}

/// The values of one cookie in a line.
fn named<'h>(line: &'h [u8], name: &str) -> impl Iterator<Item = &'h [u8]> {
    pairs(line).filter_map(|pair| match pair.split_at_checked(name.len())? {
        // An empty name would match the pair `=value`; no layer's cookie has one.
        (start, [b'=', value @ ..]) if start == name.as_bytes() && !name.is_empty() => Some(value),
        _ => None,
    })
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line).unwrap_or(line.len());
        rest = line.get(end + 1..);
        // A header has no other white space than spaces and tabs.
        line.get(..end).map(<[u8]>::trim_ascii)
    })
}

const LIMIT: usize = 4;

#[cfg(test)]
mod tests;
