//! The origin of a request, as its browser reports it. Nothing here needs a session.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Method, Request, Uri};

use crate::request::is_handshake;
use crate::sentence::{debug_as_sentence, sentences};

/// The site that has caused a request, according to its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The request has a safe method, or this site or a trusted origin has caused it.
    Own,
    /// Another site has caused it.
    Foreign,
    /// No header names the site.
    Unknown,
}

/// An origin that no browser would send.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidOrigin(String);

/// The origins of other sites that may send requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Trusted(Vec<String>);

impl Trusted {
    pub(super) fn add(&mut self, origin: &str) -> Result<(), InvalidOrigin> {
        if !is_origin(origin) {
            return Err(InvalidOrigin(origin.escape_debug().to_string()));
        }
        self.0.push(origin.to_owned());
        Ok(())
    }

    fn has(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|trusted| trusted.as_bytes() == origin)
    }
}

/// Whether a browser would send this as an origin: a scheme, a host in lower case, and a port that is not the default
/// one.
fn is_origin(text: &str) -> bool {
    let uri = text.parse::<Uri>().unwrap_or_default();
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return false;
    };
    let port = uri.port_u16().map(|port| format!(":{port}"));
    let is_plain = |octet: u8| {
        octet.is_ascii_graphic() && !octet.is_ascii_uppercase() && !b"*,".contains(&octet)
    };
    !scheme.is_empty()
        && !host.is_empty()
        && text.bytes().all(is_plain)
        && (port.is_none() || port.as_deref() != default_port(scheme))
        && text == format!("{scheme}://{host}{}", port.unwrap_or_default())
}

/// Judges a request. `is_secure` says whether the site is served over TLS, by its configuration, never by what the
/// request says.
pub(super) fn source<B>(
    request: &Request<B>,
    trusted: &Trusted,
    is_secure: impl FnOnce() -> bool,
) -> Source {
    let headers = request.headers();
    let is_handshake = is_handshake(request.method(), headers);
    if SAFE.contains(request.method()) && !is_handshake {
        return Source::Own;
    }
    let opens_socket = is_handshake && [Method::GET, Method::CONNECT].contains(request.method());
    let origin = single(headers, &ORIGIN);
    match single(headers, &SEC_FETCH_SITE) {
        Header::One(b"same-origin" | b"none") => Source::Own,
        // A sibling host or another scheme: only a trusted origin passes.
        Header::One(_) | Header::Many => match origin {
            Header::One(origin) if trusted.has(origin) => Source::Own,
            _ => Source::Foreign,
        },
        Header::None => match origin {
            // Browsers always send `Origin` with a WebSocket handshake: without it, the client is not a browser.
            Header::None if opens_socket => Source::Own,
            Header::One(b"null") if opens_socket => Source::Foreign,
            // A page without referrers and a sandboxed frame send `null`.
            Header::None | Header::One(b"null") => Source::Unknown,
            Header::One(origin) if trusted.has(origin) => Source::Own,
            Header::One(origin) if is_own(origin, request, is_secure) => Source::Own,
            Header::One(_) | Header::Many => Source::Foreign,
        },
    }
}

/// Whether the origin is that of the host which the request was sent to.
fn is_own<B>(origin: &[u8], request: &Request<B>, is_secure: impl FnOnce() -> bool) -> bool {
    let host = match single(request.headers(), &HOST) {
        Header::One(host) => host,
        // HTTP/2 and later.
        Header::None => match request.uri().authority() {
            Some(authority) => authority.as_str().as_bytes(),
            None => return false,
        },
        Header::Many => return false,
    };
    let Some((scheme, origin)) = std::str::from_utf8(origin)
        .ok()
        .and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    let Some(port) = default_port(scheme) else {
        return false;
    };
    let host = host.strip_suffix(port.as_bytes()).unwrap_or(host);
    if host.is_empty() || !origin.as_bytes().eq_ignore_ascii_case(host) {
        return false;
    }
    // An attacker on the network can forge any page of this host over plain http.
    scheme == "https" || is_loopback(origin) || !is_secure()
}

fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "https" => Some(":443"),
        "http" => Some(":80"),
        _ => None,
    }
}

/// W3C Secure Contexts, section 3.1: hosts that are trustworthy without TLS.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name.ends_with(".localhost") || name == "127.0.0.1" || name == "[::1]"
}

enum Header<'a> {
    None,
    One(&'a [u8]),
    Many,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Header<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Header::None,
        (Some(value), None) => Header::One(value.as_bytes()),
        (Some(_), Some(_)) => Header::Many,
    }
}

/// RFC 9110, section 9.2.1. `Method::is_safe` is not used, because a later version of `http` may know more methods.
const SAFE: [Method; 4] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

debug_as_sentence!(InvalidOrigin);

sentences! { InvalidOrigin:
    Self(origin) => "`{origin}` is not an origin as browsers send it: a scheme, a host in lower case and a port that is not the \
        default one, as in `https://shop.example` or `http://localhost:3000`";
}
