//! How a request came, as far as its headers tell: to warn of settings that cannot work.

use http::header::{HOST, HeaderName, ORIGIN, REFERER};
use http::request::Parts;
use http::{HeaderMap, Method};

/// Whether the browser, or the proxy before this server, says that it came over plain http. Both can
/// lie, so nothing but a warning may depend on it.
pub(super) fn is_plain(headers: &HeaderMap) -> bool {
    if let Some(scheme) = text(headers, &FORWARDED) {
        let scheme = scheme.split(',').next().unwrap_or_default();
        return scheme.trim().eq_ignore_ascii_case("http");
    }
    let Some(host) = text(headers, &HOST) else {
        return false;
    };
    // Where the page came from that has sent the request: of this site, by the same scheme.
    let is_from_here = |header| {
        let from = text(headers, header).and_then(|from| from.strip_prefix("http://"));
        from.is_some_and(|from| from.split('/').next() == Some(host))
    };
    is_from_here(&ORIGIN) || is_from_here(&REFERER)
}

/// Whether a page of another site has caused the request.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    text(headers, &FETCH_SITE) == Some("cross-site")
}

/// Whether the response may never be shown: a `HEAD`, or what a browser fetches ahead and may throw
/// away.
pub(super) fn is_unseen(parts: &Parts) -> bool {
    parts.method == Method::HEAD
        || SPECULATIVE.iter().any(|(name, purpose)| {
            parts.headers.get_all(name).iter().any(|value| {
                let mut words = value.as_bytes().split(|octet| b",; ".contains(octet));
                words.any(|word| word.eq_ignore_ascii_case(purpose))
            })
        })
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Browsers of today and of yesterday, and scripts, which may not set a header that begins with `Sec-`
/// (Turbo, instant.page, Next.js, htmx).
static SPECULATIVE: [(HeaderName, &[u8]); 9] = [
    (HeaderName::from_static("sec-purpose"), b"prefetch"),
    (HeaderName::from_static("purpose"), b"prefetch"),
    (HeaderName::from_static("x-moz"), b"prefetch"),
    (HeaderName::from_static("x-purpose"), b"preview"),
    (HeaderName::from_static("x-purpose"), b"prefetch"),
    (HeaderName::from_static("x-sec-purpose"), b"prefetch"),
    (HeaderName::from_static("next-router-prefetch"), b"1"),
    (HeaderName::from_static("x-middleware-prefetch"), b"1"),
    (HeaderName::from_static("hx-preloaded"), b"true"),
];
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn only_what_is_certain_is_plain() {
        let host = (HOST, "shop.example:3000");
        for (lines, plain) in [
            (vec![], false),
            (vec![host.clone()], false),
            (
                vec![host.clone(), (ORIGIN, "http://shop.example:3000")],
                true,
            ),
            (
                vec![host.clone(), (ORIGIN, "https://shop.example:3000")],
                false,
            ),
            (vec![host.clone(), (ORIGIN, "http://other.example")], false),
            (
                vec![host.clone(), (REFERER, "http://shop.example:3000/in")],
                true,
            ),
            (vec![(ORIGIN, "http://shop.example:3000")], false),
            (vec![(FORWARDED, "http")], true),
            (vec![(FORWARDED, "https, http")], false),
            (
                vec![
                    host,
                    (ORIGIN, "http://shop.example:3000"),
                    (FORWARDED, "https"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_plain(&headers(&lines)), plain, "{lines:?}");
        }
    }
}
