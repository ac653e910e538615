//! The header that shows a token, byte by byte.
//!
//! `credentials = auth-scheme 1*SP token68` (RFC 9110, section 11.4): the scheme in any case, then spaces and
//! nothing else, then the token to the end of the line. Nothing is trimmed, decoded or unquoted. The value of a custom
//! header is the token itself. Credentials of another system are no error: they show no session.

use http::HeaderMap;

use super::TokenHeader;

/// The credentials in a request's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown<'h> {
    Nothing,
    /// Credentials, but none of ours.
    Foreign,
    /// One token.
    Token(&'h [u8]),
    /// A token of ours, and further lines. The header is one line (RFC 9110, section 11.6.2), and the layer cannot know
    /// which of two is meant.
    Several,
}

/// Reads the header; `is_token` says whether a text has the form of our tokens, and refuses a text of another length
/// without reading it. Allocates nothing.
pub(crate) fn shown<'h>(
    headers: &'h HeaderMap,
    header: &TokenHeader,
    is_token: impl Fn(&[u8]) -> bool,
) -> Shown<'h> {
    let (mut lines, mut is_foreign, mut token) = (0_usize, false, None);
    for line in headers.get_all(&header.name) {
        lines += 1;
        let Some(credentials) = credentials(line.as_bytes(), header.has_scheme) else {
            continue;
        };
        if is_token(credentials) {
            token = Some(credentials);
        } else {
            is_foreign = true;
        }
    }
    match token {
        Some(token) if lines == 1 => Shown::Token(token),
        Some(_) => Shown::Several,
        None if is_foreign => Shown::Foreign,
        None => Shown::Nothing,
    }
}

/// The part of a line behind the scheme; `None` if the scheme is another one.
fn credentials(line: &[u8], has_scheme: bool) -> Option<&[u8]> {
    if !has_scheme {
        return Some(line);
    }
    let (scheme, rest) = line.split_at_checked(SCHEME.len())?;
    let mut token = rest.strip_prefix(b" ")?;
    while let [b' ', behind @ ..] = token {
        token = behind;
    }
    scheme.eq_ignore_ascii_case(SCHEME).then_some(token)
}

const SCHEME: &[u8] = b"Bearer";

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

    use super::*;

    const OURS: &[u8] = b"ours";

    fn seen(name: &HeaderName, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        let header = TokenHeader {
            name: name.clone(),
            has_scheme: *name == AUTHORIZATION,
        };
        let shown = shown(&headers, &header, |text| text == OURS);
        if let Shown::Token(token) = shown {
            assert_eq!(token, OURS);
            return "token".to_owned();
        }
        format!("{shown:?}")
    }

    #[test]
    fn a_token_stands_behind_its_scheme_and_nothing_else_is_one() {
        for (line, shows) in [
            (&b"Bearer ours"[..], "token"),
            (b"bearer ours", "token"),
            (b"BEARER    ours", "token"),
            (b"Bearer  ours ", "Foreign"),
            (b"Bearer \tours", "Foreign"),
            (b"Bearer ours,", "Foreign"),
            (b"Bearer \"ours\"", "Foreign"),
            (b"Bearer ours, Bearer ours", "Foreign"),
            (b"Bearer OURS", "Foreign"),
            (b"Bearer our%73", "Foreign"),
            (b"Bearer \xc3\xb6", "Foreign"),
            (b"Bearer ", "Foreign"),
            (
                b"Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI3In0.c2ln",
                "Foreign",
            ),
            (b"Bearer", "Nothing"),
            (b"Bearer\tours", "Nothing"),
            (b"Bearerours", "Nothing"),
            (b"Bearers ours", "Nothing"),
            (b" Bearer ours", "Nothing"),
            (b"Basic ours", "Nothing"),
            (b"Be\xc3\xa4rer ours", "Nothing"),
            (b"ours", "Nothing"),
            (b"", "Nothing"),
        ] {
            assert_eq!(seen(&AUTHORIZATION, &[line]), shows, "{line:?}");
        }
        assert_eq!(seen(&AUTHORIZATION, &[]), "Nothing");
    }

    #[test]
    fn one_line_shows_one_token() {
        for (lines, shows) in [
            (&[&b"Bearer ours"[..], b"Bearer ours"][..], "Several"),
            (&[b"Bearer ours", b"Basic eDp5"], "Several"),
            (&[b"Basic eDp5", b"Bearer ours"], "Several"),
            (&[b"Bearer ours", b""], "Several"),
            // Credentials of other systems, which decide how many there may be.
            (&[b"Bearer a.b.c", b"Basic eDp5"], "Foreign"),
            (&[b"Basic eDp5", b"Digest x"], "Nothing"),
        ] {
            assert_eq!(seen(&AUTHORIZATION, lines), shows, "{lines:?}");
        }
    }

    #[test]
    fn a_header_of_ones_own_is_the_token() {
        let own = HeaderName::from_static("x-session");
        for (line, shows) in [
            (&b"ours"[..], "token"),
            (b" ours", "Foreign"),
            (b"Bearer ours", "Foreign"),
            (b"", "Foreign"),
        ] {
            assert_eq!(seen(&own, &[line]), shows, "{line:?}");
        }
        assert_eq!(seen(&own, &[OURS, OURS]), "Several");
    }
}
