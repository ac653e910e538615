//! How a request came, as far as its headers tell: to warn of settings that cannot work.

use std::net::IpAddr;

use http::header::{ACCEPT, HOST, HeaderName, ORIGIN, REFERER};
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

/// Whether the browser, or the proxy before this server, says that it came over https to a host that
/// others can reach. Both can lie, as for [`is_plain`].
pub(super) fn is_public_https(headers: &HeaderMap) -> bool {
    let by_proxy = text(headers, &FORWARDED)
        .and_then(|scheme| scheme.split(',').next())
        .or_else(|| forwarded(headers, "proto"))
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    let asked = text(headers, &FORWARDED_HOST)
        .and_then(|hosts| hosts.split(',').next())
        .or_else(|| forwarded(headers, "host"))
        .or_else(|| text(headers, &HOST));
    if by_proxy && asked.is_some_and(is_public) {
        return true;
    }
    // A proxy that tells nothing may still change `Host`, and then the browser alone knows it.
    let is_own_page = text(headers, &FETCH_SITE) == Some("same-origin");
    [&ORIGIN, &REFERER].into_iter().any(|header| {
        let from = text(headers, header).and_then(|from| from.strip_prefix("https://"));
        let from = from.and_then(|from| from.split('/').next());
        from.is_some_and(|from| is_public(from) && (is_own_page || asked == Some(from)))
    })
}

/// What the first proxy says in `Forwarded` (RFC 7239, section 4).
fn forwarded<'h>(headers: &'h HeaderMap, parameter: &str) -> Option<&'h str> {
    let first = text(headers, &http::header::FORWARDED)?.split(',').next()?;
    first.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let is_meant = name.eq_ignore_ascii_case(parameter);
        is_meant.then(|| value.trim_matches('"'))
    })
}

/// Whether a host, with or without a port, is not the machine of its developer.
fn is_public(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    let name = name.trim().to_ascii_lowercase();
    !name.is_empty()
        && name != "localhost"
        && !name.ends_with(".localhost")
        && !name.parse().is_ok_and(is_loopback)
}

/// Whether a page of another site has caused the request.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    text(headers, &FETCH_SITE) == Some("cross-site")
}

/// Whether a page of another site has caused the request and shows no page of it, or one inside of its own.
pub(crate) fn is_embedded(headers: &HeaderMap) -> bool {
    let is_part = text(headers, &FETCH_DEST).is_some_and(|dest| dest != "document");
    is_cross_site(headers) && is_part
}

/// Whether a person has followed a link or sent a form, and can be led to another page. A script cannot.
pub(super) fn is_navigation(parts: &Parts) -> bool {
    let accepts = |what| text(&parts.headers, &ACCEPT).is_some_and(|types| types.contains(what));
    match text(&parts.headers, &FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => !accepts("json") || accepts("text/html"),
    }
}

/// Whether it says that it comes from a browser: each of them asks for a page as `text/html`, or says what it fetches.
pub(super) fn is_of_browser(headers: &HeaderMap) -> bool {
    let asks_for_page = text(headers, &ACCEPT).is_some_and(|types| types.contains("text/html"));
    asks_for_page || headers.contains_key(&FETCH_MODE)
}

/// Whether a person can be led back as well: what another method has sent cannot be sent again.
#[cfg(feature = "axum")]
pub(crate) fn is_repeatable(parts: &Parts) -> bool {
    parts.method == Method::GET || parts.method == Method::HEAD
}

/// Whether the response may never be shown: a `HEAD`, or what a browser fetches ahead and may throw
/// away.
pub(super) fn is_unseen(parts: &Parts) -> bool {
    parts.method == Method::HEAD
        || parts
            .headers
            .iter()
            .any(|(name, value)| is_speculative(name.as_str(), value.as_bytes()))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Whether this header says that the response may never be shown. Browsers of today and of yesterday, and
/// scripts, which may not set a header that begins with `Sec-` (Turbo, Inertia, Next.js, htmx). A name is
/// compared with few of these, as most are of another length.
fn is_speculative(name: &str, value: &[u8]) -> bool {
    match name {
        // What they say is how much is fetched ahead (Next.js sends 1, 2 and 3), not whether.
        "next-router-prefetch"
        | "next-router-segment-prefetch"
        | "x-middleware-prefetch"
        | "hx-preloaded" => true,
        "sec-purpose" | "purpose" | "x-moz" | "x-purpose" | "x-sec-purpose" => {
            let mut words = value.split(|octet| b",; \t".contains(octet));
            words.any(|word| {
                let is = |purpose: &&[u8]| word.eq_ignore_ascii_case(purpose);
                [&b"prefetch"[..], b"prerender", b"preview"].iter().any(is)
            })
        }
        _ => false,
    }
}

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
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
    fn only_https_that_others_can_reach_is_public() {
        let shop = (HOST, "shop.example");
        let local = (HOST, "127.0.0.1:3000");
        let standard = |text| (http::header::FORWARDED, text);
        for (lines, public) in [
            (vec![], false),
            (vec![shop.clone()], false),
            (vec![shop.clone(), (FORWARDED, "http")], false),
            (vec![shop.clone(), (FORWARDED, "https")], true),
            (vec![shop.clone(), (FORWARDED, "HTTPS, http")], true),
            (vec![shop.clone(), (FORWARDED, "http, https")], false),
            (
                vec![shop.clone(), standard("for=1.2.3.4;Proto=https")],
                true,
            ),
            (
                vec![shop.clone(), standard("proto=http, proto=https")],
                false,
            ),
            (vec![local.clone(), (FORWARDED, "https")], false),
            (
                vec![
                    local.clone(),
                    (FORWARDED, "https"),
                    (FORWARDED_HOST, "shop.example"),
                ],
                true,
            ),
            (
                vec![
                    local.clone(),
                    standard(r#"host="shop.example:443";proto=https"#),
                ],
                true,
            ),
            (
                vec![
                    shop.clone(),
                    (FORWARDED, "https"),
                    (FORWARDED_HOST, "localhost"),
                ],
                false,
            ),
            (vec![shop.clone(), (ORIGIN, "https://shop.example")], true),
            (vec![shop.clone(), (ORIGIN, "https://other.example")], false),
            (vec![shop, (ORIGIN, "http://shop.example")], false),
            // A proxy that passes nothing on: the page itself is of another host.
            (
                vec![
                    local.clone(),
                    (REFERER, "https://shop.example/cart"),
                    (FETCH_SITE, "same-origin"),
                ],
                true,
            ),
            // An identity provider posts to a developer's machine.
            (
                vec![
                    local,
                    (ORIGIN, "https://provider.example"),
                    (FETCH_SITE, "cross-site"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_public_https(&headers(&lines)), public, "{lines:?}");
        }
        for host in [
            "localhost",
            "app.localhost:3000",
            "127.1.2.3",
            "[::1]:443",
            "0.0.0.0:80",
            "",
        ] {
            assert!(!is_public(host), "{host}");
        }
        for host in [
            "shop.example",
            "192.168.1.5:3000",
            "[2001:db8::1]",
            "mylocalhost",
        ] {
            assert!(is_public(host), "{host}");
        }
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
