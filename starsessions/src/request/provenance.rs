//! Where a request came from and where it went, according to its headers.

use std::net::IpAddr;

#[cfg(feature = "axum")]
use axum::extract::OriginalUri;
use http::header::{ACCEPT, HOST, HeaderName, HeaderValue, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};

/// The address that the browser has asked for: a nested router of axum strips its prefix from the request's own.
pub(crate) fn address<B>(request: &Request<B>) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(OriginalUri(uri)) = request.extensions().get() {
        return uri;
    }
    request.uri()
}

/// Whether the browser, or the proxy before this server, says that the request came over plain http. Both can lie, so
/// only a warning may depend on it. `authority` stands for the header `Host`, where a request of HTTP/2 has none.
pub(super) fn is_plain(headers: &HeaderMap, authority: Option<&str>) -> bool {
    if let Some(scheme) = text(headers, &FORWARDED) {
        let scheme = scheme.split(',').next().unwrap_or_default();
        return scheme.trim().eq_ignore_ascii_case("http");
    }
    let Some(host) = text(headers, &HOST).or(authority) else {
        return false;
    };
    // Whether the page that has sent the request is of this site, over plain http.
    let is_from_here = |header| {
        let from = text(headers, header).and_then(|from| from.strip_prefix("http://"));
        from.is_some_and(|from| from.split('/').next() == Some(host))
    };
    is_from_here(&ORIGIN) || is_from_here(&REFERER)
}

/// Whether the browser, or the proxy before this server, says that the request came over https to a host that others
/// can reach. Both can lie, as for [`is_plain`].
pub(super) fn is_public_https(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let by_proxy = text(headers, &FORWARDED)
        .and_then(|scheme| scheme.split(',').next())
        .or_else(|| forwarded(headers, "proto"))
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    let asked = text(headers, &FORWARDED_HOST)
        .and_then(|hosts| hosts.split(',').next())
        .or_else(|| forwarded(headers, "host"))
        .or_else(|| text(headers, &HOST))
        .or(authority);
    if by_proxy && asked.is_some_and(is_public) {
        return true;
    }
    // A proxy that forwards no headers may still change `Host`: then only the browser knows the public host.
    let is_own_page = text(headers, &FETCH_SITE) == Some("same-origin");
    [&ORIGIN, &REFERER].into_iter().any(|header| {
        let from = text(headers, header).and_then(|from| from.strip_prefix("https://"));
        let from = from.and_then(|from| from.split('/').next());
        from.is_some_and(|from| is_public(from) && (is_own_page || asked == Some(from)))
    })
}

/// The first proxy's parameter in `Forwarded` (RFC 7239, section 4).
fn forwarded<'h>(headers: &'h HeaderMap, parameter: &str) -> Option<&'h str> {
    let first = text(headers, &http::header::FORWARDED)?.split(',').next()?;
    first.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let is_meant = name.eq_ignore_ascii_case(parameter);
        is_meant.then(|| value.trim_matches('"'))
    })
}

/// Whether a host, with or without a port, is not a developer's own machine.
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

/// Whether a page of another site has caused the request for something other than a top-level page.
pub(crate) fn is_embedded(headers: &HeaderMap) -> bool {
    let is_part = text(headers, &FETCH_DEST).is_some_and(|dest| dest != "document");
    is_cross_site(headers) && is_part
}

/// Whether a person has followed a link or sent a form, so that a redirect leads them to another page. A script's
/// request is none, and only scripts open WebSockets.
pub(super) fn is_navigation(parts: &Parts) -> bool {
    if is_handshake(&parts.method, &parts.headers) {
        return false;
    }
    let accepts = |what| text(&parts.headers, &ACCEPT).is_some_and(|types| types.contains(what));
    match text(&parts.headers, &FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => !accepts("json") || accepts("text/html"),
    }
}

/// Whether the request opens a WebSocket: with `CONNECT` over HTTP/2 and later (RFC 8441), with `Upgrade` over
/// HTTP/1.1, which is a list over any number of lines, in which a version may follow each name (RFC 9110, section 7.8).
pub(crate) fn is_handshake(method: &Method, headers: &HeaderMap) -> bool {
    let lines = headers.get_all(UPGRADE).iter().map(HeaderValue::as_bytes);
    let mut protocols = lines.flat_map(|line| line.split(|octet| *octet == b','));
    let is_websocket = |protocol: &[u8]| {
        let name = protocol.split(|octet| *octet == b'/').next();
        name.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    };
    *method == Method::CONNECT || protocols.any(is_websocket)
}

/// Whether the request says that it comes from a browser: browsers ask for a page as `text/html`, or say what they
/// fetch.
pub(super) fn is_of_browser(headers: &HeaderMap) -> bool {
    let asks_for_page = text(headers, &ACCEPT).is_some_and(|types| types.contains("text/html"));
    asks_for_page || headers.contains_key(&FETCH_MODE)
}

/// Whether the response may never be shown: to a `HEAD`, or to a prefetch that the browser may throw away.
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

/// Whether this header says that the response may never be shown. The names are those of current and former browsers,
/// and of libraries in pages (Turbo, Inertia, Next.js, htmx), which browsers do not let set a `Sec-` header. A name is
/// compared with few of them, as most have another length.
fn is_speculative(name: &str, value: &[u8]) -> bool {
    match name {
        // The value says how much is fetched ahead (Next.js sends 1, 2 and 3), not whether.
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
pub(super) const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
pub(super) const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
pub(super) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers in a text such as `host: shop.example | origin: null`.
    fn headers(text: &str) -> HeaderMap {
        let lines = text.split(" | ").filter_map(|line| line.split_once(": "));
        let lines = lines.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn only_https_that_others_can_reach_is_public() {
        for lines in [
            "host: shop.example | x-forwarded-proto: https",
            "host: shop.example | x-forwarded-proto: HTTPS, http",
            "host: shop.example | forwarded: for=1.2.3.4;Proto=https",
            "host: 127.0.0.1:3000 | x-forwarded-proto: https | x-forwarded-host: shop.example",
            r#"host: 127.0.0.1:3000 | forwarded: host="shop.example:443";proto=https"#,
            "host: shop.example | origin: https://shop.example",
            // A proxy that forwards no headers: only the page's own address has the public host.
            "host: 127.0.0.1:3000 | referer: https://shop.example/cart | sec-fetch-site: same-origin",
        ] {
            assert!(is_public_https(&headers(lines), None), "{lines}");
        }
        let by_proxy = headers("x-forwarded-proto: https");
        assert!(is_public_https(&by_proxy, Some("shop.example")));
        for lines in [
            "",
            "host: shop.example",
            "host: shop.example | x-forwarded-proto: http",
            "host: shop.example | x-forwarded-proto: http, https",
            "host: shop.example | forwarded: proto=http, proto=https",
            "host: 127.0.0.1:3000 | x-forwarded-proto: https",
            "host: shop.example | x-forwarded-proto: https | x-forwarded-host: localhost",
            "host: shop.example | origin: https://other.example",
            "host: shop.example | origin: http://shop.example",
            // An identity provider posts to a developer's machine.
            "host: 127.0.0.1:3000 | origin: https://provider.example | sec-fetch-site: cross-site",
        ] {
            assert!(!is_public_https(&headers(lines), None), "{lines}");
        }
        for host in " localhost app.localhost:3000 127.1.2.3 [::1]:443 0.0.0.0:80".split(' ') {
            assert!(!is_public(host), "{host:?}");
        }
        for host in "shop.example 192.168.1.5:3000 [2001:db8::1] mylocalhost".split(' ') {
            assert!(is_public(host), "{host}");
        }
    }

    #[test]
    fn only_what_is_certain_is_plain() {
        for lines in [
            "host: shop.example:3000 | origin: http://shop.example:3000",
            "host: shop.example:3000 | referer: http://shop.example:3000/in",
            "x-forwarded-proto: http",
        ] {
            assert!(is_plain(&headers(lines), None), "{lines}");
        }
        let from_here = headers("origin: http://shop.example:3000");
        assert!(is_plain(&from_here, Some("shop.example:3000")));
        for lines in [
            "",
            "host: shop.example:3000",
            "host: shop.example:3000 | origin: https://shop.example:3000",
            "host: shop.example:3000 | origin: http://other.example",
            "origin: http://shop.example:3000",
            "x-forwarded-proto: https, http",
            "host: shop.example:3000 | origin: http://shop.example:3000 | x-forwarded-proto: https",
        ] {
            assert!(!is_plain(&headers(lines), None), "{lines}");
        }
    }
}
