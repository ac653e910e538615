//! Keeps responses whose request has used its session out of caches.
//!
//! A content delivery network that finds a field targeted at it ignores `Cache-Control` (RFC 9213,
//! section 2.2), and some ignore `Vary: Cookie`.

use http::header::{CACHE_CONTROL, EXPIRES, HeaderMap, HeaderName, HeaderValue};

use crate::observe::Reporter;

/// No cache stores a response that sets the session's cookie.
///
/// RFC 9111, section 7.3: a cache may store a response with `Set-Cookie` unless it is told otherwise.
pub(super) fn forbid_storing(headers: &mut HeaderMap, reporter: &Reporter) {
    if is_silent(headers) {
        headers.insert(CACHE_CONTROL, FORBIDDEN);
        return;
    }
    let allowed = remove_targeted(headers).or_else(|| shared(headers));
    if let Some((name, value)) = allowed {
        reporter.cached_cookie(&name, &value);
    }
    if !lets_nothing_be_stored(|| restrictions(headers)) {
        headers.insert(CACHE_CONTROL, FORBIDDEN);
    }
}

/// No shared cache stores a response to a request that has a session. (A cache that obeys
/// `Vary: Cookie` could give it to the same browser only.)
///
/// A response without cache headers stays as it is: caches may guess how long it is fresh (RFC 9111,
/// section 4.2.2), but caches that guess obey `Vary`.
pub(super) fn forbid_sharing(headers: &mut HeaderMap, reporter: &Reporter) {
    if is_silent(headers) {
        return;
    }
    let targeted = remove_targeted(headers);
    let shared = shared(headers);
    if shared.is_some() {
        let values = headers.get_all(CACHE_CONTROL).iter();
        let kept = values
            .flat_map(split)
            .filter(|directive| !is_for_sharing(directive) && !is_private(directive));
        let private = std::iter::once("private").chain(kept).collect::<Vec<_>>();
        // Never an error: the directives are parts of valid values, and `, ` is valid.
        if let Ok(private) = HeaderValue::try_from(private.join(", ")) {
            headers.insert(CACHE_CONTROL, private);
        }
    }
    if let Some((name, value)) = targeted.or(shared) {
        reporter.shared_page(&name, &value);
    }
}

/// Whether the response has no cache headers, as most have none. One pass over its few names takes 760 instructions
/// less of a read than a search for each field.
fn is_silent(headers: &HeaderMap) -> bool {
    let speaks = |name: &HeaderName| name == CACHE_CONTROL || name == EXPIRES || is_targeted(name);
    !headers.keys().any(speaks)
}

/// Removes the targeted fields that let caches store the response; returns one of them.
fn remove_targeted(headers: &mut HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let allows = |(name, value): &(&HeaderName, &HeaderValue)| is_targeted(name) && !forbids(value);
    let mut found = None;
    while let Some((name, value)) = headers.iter().find(allows) {
        let (name, value) = (name.clone(), value.clone());
        headers.remove(&name);
        found = Some((name, value));
    }
    found
}

/// Whether a field is for content delivery networks or proxies. A targeted field's name ends in
/// `-cache-control` (RFC 9213); the other names are those of Fastly and Varnish, Akamai and nginx.
fn is_targeted(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control")
        || matches!(
            name,
            "surrogate-control" | "edge-control" | "x-accel-expires"
        )
}

/// Whether a targeted field forbids storing, or is about something else (`content` in `Surrogate-Control` is for
/// Edge Side Includes).
fn forbids(value: &HeaderValue) -> bool {
    let is_no = |directive: &str| is_private(directive) || directive == "0";
    lets_nothing_be_stored(|| outside_quotes(value))
        || outside_quotes(value).any(is_no)
        || split(value).all(|directive| directive.starts_with("content="))
}

/// Whether directives let nothing be stored. A cache that knows `must-understand` ignores `no-store` beside it (RFC 9111, section
/// 5.2.2.3).
fn lets_nothing_be_stored<'h, I: Iterator<Item = &'h str>>(directives: impl Fn() -> I) -> bool {
    let has = |name: &str| directives().any(|it| it.eq_ignore_ascii_case(name));
    has("no-store") && !has("must-understand")
}

/// The header that lets shared caches store the response and use it for a while (RFC 9111, sections 3 and 4.2.1).
/// Without `private`, a lifetime applies to shared caches, too.
fn shared(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    if lets_nothing_be_stored(|| restrictions(headers)) {
        return None;
    }
    let lasts = !restrictions(headers).any(is_private);
    let mut values = headers.get_all(CACHE_CONTROL).iter();
    let control = values
        .find(|value| split(value).any(|it| is_for_sharing(it) || (lasts && is_lifetime(it))))
        .map(|value| (CACHE_CONTROL, value.clone()));
    // `max-age` overrides `Expires`. An `Expires` that is no date means already expired.
    let has_age = restrictions(headers).any(|directive| is_named(directive, &["max-age"]));
    control.or_else(|| {
        let date = headers.get(EXPIRES).filter(|_| lasts && !has_age)?;
        let is_date = date.to_str().is_ok_and(|date| date.contains(':'));
        is_date.then(|| (EXPIRES, date.clone()))
    })
}

fn is_for_sharing(directive: &str) -> bool {
    is_named(directive, &["public", "s-maxage"])
}

/// Whether a directive lets a cache reuse the response without revalidation. `max-age=0` does not.
fn is_lifetime(directive: &str) -> bool {
    let seconds = directive.split_once('=').map_or("", |(_, value)| value);
    let is_now = seconds.chars().all(|sign| matches!(sign, '0' | '"'));
    let names = ["max-age", "stale-while-revalidate", "stale-if-error"];
    is_named(directive, &names) && !is_now
}

/// Whether a directive makes the whole response private. `private` with field names covers only those fields (RFC
/// 9111, section 5.2.2.7).
fn is_private(directive: &str) -> bool {
    directive.eq_ignore_ascii_case("private")
}

fn is_named(directive: &str, names: &[&str]) -> bool {
    let name = directive.split('=').next().unwrap_or_default();
    names.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// The directives that count as restrictions: those outside of quoted strings. A permission counts anywhere.
fn restrictions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    values.flat_map(outside_quotes)
}

/// The members of a list that begin outside of quoted strings. A value with a backslash, or with other than ASCII
/// characters, has none: they may hide the end of a string.
fn outside_quotes(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let is_plain = value.to_str().is_ok_and(|text| !text.contains('\\'));
    let mut is_quoted = false;
    split(value).filter(move |member| {
        let begins_in_quotes = is_quoted;
        is_quoted ^= member.matches('"').count() % 2 == 1;
        is_plain && !begins_in_quotes
    })
}

/// The members of a list in a header, without those that are not UTF-8.
pub(super) fn split(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let members = value.as_bytes().split(|octet| *octet == b',');
    members.filter_map(|member| Some(str::from_utf8(member).ok()?.trim()))
}

pub(super) const FORBIDDEN: HeaderValue = HeaderValue::from_static("private, no-store");
