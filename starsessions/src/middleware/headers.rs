//! The headers of a response, for the browser and the caches on the way.

use http::Response;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE, VARY, WWW_AUTHENTICATE};

use super::caches;
#[cfg(feature = "dbsc")]
use super::future::{Failed, Rejected};
use crate::engine::CookieChange;
#[cfg(feature = "dbsc")]
use crate::error::SessionError;
use crate::request::{ResponseEffects, Slot};

/// The cookies that inner layers have set, for outer layers that replace the response.
#[derive(Clone, Default)]
struct Announced(Vec<HeaderValue>);

/// Copies the inner layers' cookies to a response that replaces another: those layers have written
/// their sessions, so the browser needs the cookies even if an outer layer fails.
pub(super) fn keep_announced<B>(slot: &Slot, from: &mut Response<B>, to: &mut Response<B>) {
    let Some(announced) = from.extensions_mut().remove::<Announced>() else {
        return;
    };
    for cookie in &announced.0 {
        to.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    to.extensions_mut().insert(announced);
    caches::forbid_storing(to.headers_mut(), &slot.realm().reporter);
}

/// Copies what lets a script of another origin read the response that this one replaces (Fetch Standard, "CORS protocol").
/// A page's own header stays the only one of its name: browsers refuse two values of it.
pub(super) fn keep_readable<B>(from: &Response<B>, to: &mut Response<B>) {
    for name in from.headers().keys() {
        let is_cors = name.as_str().starts_with("access-control-");
        if name == VARY || is_cors && !to.headers().contains_key(name) {
            for value in from.headers().get_all(name) {
                to.headers_mut().append(name, value.clone());
            }
        }
    }
}

/// Sets the headers of a response whose request has used its session.
pub(super) fn apply<B>(slot: &Slot, effects: ResponseEffects, response: &mut Response<B>) {
    let realm = slot.realm();
    if realm.carriers.header.is_some() {
        apply_token(slot, effects.has_token, response);
    }
    let headers = response.headers_mut();
    if realm.carriers.has_cookie {
        vary_by(headers, "cookie", || HeaderValue::from_static("Cookie"));
    }
    explain(slot, &effects.cookie, headers);
    let session = match effects.cookie {
        // A response sets one cookie of each name, so the leftover is removed only where the session's is not set.
        CookieChange::Keep => match &realm.former_cookie {
            Some(former) if effects.has_stale_cookie => Some(former.removal()),
            _ => None,
        },
        CookieChange::Set { value, max_age } => Some(realm.cookie.set_token(&value, max_age)),
        CookieChange::Remove => Some(realm.cookie.removal()),
    };
    if effects.has_session && session.is_none() {
        caches::forbid_sharing(headers, &realm.reporter);
    }
    if let Some(cookie) = session {
        set(slot, realm.cookie.name(), cookie, response);
    }
    for flow in effects.flows {
        let (value, max_age) = (&flow.value, flow.max_age);
        let cookie = realm
            .cookie
            .companion(&flow.name, value, flow.same_site, max_age);
        set(slot, &flow.name, cookie, response);
    }
}

/// Sets one cookie, and forbids caches to store the response.
fn set<B>(slot: &Slot, name: &str, cookie: Option<HeaderValue>, response: &mut Response<B>) {
    let Some(cookie) = cookie else {
        // A fault of this library: every cookie was measured when it was made.
        tracing::error!(
            name,
            "a cookie is larger than browsers keep, and is not set"
        );
        return;
    };
    if slot.has_outer() {
        let announced = response
            .extensions_mut()
            .get_or_insert_default::<Announced>();
        announced.0.push(cookie.clone());
    }
    replace_cookie(name, cookie, response.headers_mut());
    caches::forbid_storing(response.headers_mut(), &slot.realm().reporter);
}

/// Sets the headers about the device that keeps the session's key.
#[cfg(feature = "dbsc")]
pub(super) fn apply_device<B>(slot: &Slot, response: &mut Response<B>) {
    let is_refused = matches!(
        response.extensions().get(),
        Some(Failed(SessionError::Unproven(_)))
    ) || response.extensions().get::<Rejected>().is_some();
    if slot.device_headers(response.headers_mut(), is_refused) {
        caches::forbid_storing(response.headers_mut(), &slot.realm().reporter);
    }
}

fn explain(slot: &Slot, cookie: &CookieChange, headers: &mut HeaderMap) {
    let text = slot.explained(cookie);
    if let Some(Ok(line)) = text.map(HeaderValue::try_from) {
        headers.append("x-session-explain", line);
    }
}

/// Sets the headers of a transport by header. Cold, as `Slot::credentials` is.
#[cold]
fn apply_token<B>(slot: &Slot, has_token: bool, response: &mut Response<B>) {
    let realm = slot.realm();
    let status = response.status();
    let headers = response.headers_mut();
    if let Some(header) = &realm.carriers.header {
        let name = || HeaderValue::from(header.name.clone());
        vary_by(headers, header.name.as_str(), name);
    }
    if !headers.contains_key(WWW_AUTHENTICATE)
        && let Some(challenge) = slot.challenge(status)
    {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if has_token {
        caches::forbid_storing(headers, &realm.reporter);
    }
}

/// RFC 9110, section 12.5.5: appended, never overwritten.
fn vary_by(headers: &mut HeaderMap, name: &str, value: impl FnOnce() -> HeaderValue) {
    let already = headers.get_all(VARY).iter().any(|value| {
        caches::split(value).any(|token| token == "*" || token.eq_ignore_ascii_case(name))
    });
    if !already {
        headers.append(VARY, value());
    }
}

/// RFC 6265bis, section 4.1.1: one cookie is set once in a response.
fn replace_cookie(name: &str, cookie: HeaderValue, headers: &mut HeaderMap) {
    let is_ours = |value: &HeaderValue| {
        value
            .as_bytes()
            .strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"="))
    };
    if headers.get_all(SET_COOKIE).iter().any(is_ours) {
        let others: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .filter(|value| !is_ours(value))
            .cloned()
            .collect();
        headers.remove(SET_COOKIE);
        for other in others {
            headers.append(SET_COOKIE, other);
        }
    }
    headers.append(SET_COOKIE, cookie);
}
