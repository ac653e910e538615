//! A browser's cookie jar, which stores and returns cookies by the rules of browsers.
//!
//! The storage and retrieval models of RFC 6265bis (sections 5.6 to 5.8), with the prefixes of the
//! layered-cookies draft and the partitions of CHIPS. Written from the specifications, not from the
//! code under test.
//!
//! Simplified on purpose: a site is the last two labels of a host, a public suffix is a host with one label, and
//! cookies that another site sets in an embedded frame are refused unless `SameSite=None`. `localhost` counts as
//! secure, as it does in browsers. `Expires` is ignored: tests set a lifetime with `Max-Age`.

mod accept;
mod url;

use std::time::Duration;

use http::HeaderMap;
use http::header::SET_COOKIE;

use accept::accept;
use url::{Url, domain_matches, path_matches};

/// The cookies of one browser, from time zero on.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    cookies: Vec<StoredCookie>,
    now: u64,
    created: u64,
}

/// One cookie as a browser keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCookie {
    /// The name, empty for a cookie without one.
    pub name: String,
    /// The value, quotes included.
    pub value: String,
    /// The host, or the domain whose hosts all get the cookie.
    pub domain: String,
    /// Whether only that host gets the cookie.
    pub host_only: bool,
    /// The path below which the cookie is sent.
    pub path: String,
    /// Whether the cookie is sent over secure connections only.
    pub secure: bool,
    /// Whether the cookie is hidden from scripts.
    pub http_only: bool,
    /// The requests of other sites that carry the cookie.
    pub same_site: SameSitePolicy,
    /// The embedding site, for a partitioned cookie.
    pub partition: Option<String>,
    /// When the cookie expires, in seconds of the browser's clock; `None` if it ends when the browser closes.
    pub expires: Option<u64>,
    created: u64,
}

/// The value of `SameSite`; `Default` if it is missing or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSitePolicy {
    /// Treated as `Lax`.
    Default,
    /// Sent with top-level navigation by a safe method.
    Lax,
    /// Sent with every request.
    None,
    /// Sent with requests of the same site only.
    Strict,
}

/// The site that caused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator<'a> {
    /// The site itself, or the address bar.
    Same,
    /// A link on another site.
    Link,
    /// A form on another site, which is sent with POST.
    Form,
    /// A page of this other site, which embeds the requested one.
    Frame(&'a str),
}

impl Jar {
    /// An empty jar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles the `Set-Cookie` lines of a response from `url`.
    pub fn receive(&mut self, headers: &HeaderMap, url: &str) {
        self.receive_in(headers, url, Initiator::Same);
    }

    /// Handles the `Set-Cookie` lines of a response from `url` to a request of that initiator.
    pub fn receive_in(&mut self, headers: &HeaderMap, url: &str, initiator: Initiator<'_>) {
        for line in headers.get_all(SET_COOKIE) {
            self.set_cookie(line.as_bytes(), url, initiator);
        }
    }

    /// The `Cookie` header of a request for `url`.
    #[must_use]
    pub fn cookie_header(&self, url: &str) -> Option<String> {
        self.cookie_header_in(url, Initiator::Same)
    }

    /// The `Cookie` header of a request for `url` by that initiator.
    #[must_use]
    pub fn cookie_header_in(&self, url: &str, initiator: Initiator<'_>) -> Option<String> {
        let url = Url::parse(url);
        let mut matching: Vec<&StoredCookie> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.is_sent_to(&url, initiator) && self.is_alive(cookie))
            .collect();
        // Longer paths first, then older cookies (section 5.8.3).
        matching.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        let pairs: Vec<String> = matching
            .into_iter()
            .map(|cookie| match cookie.name.as_str() {
                "" => cookie.value.clone(),
                name => format!("{name}={}", cookie.value),
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// All cookies that have not expired.
    pub fn cookies(&self) -> impl Iterator<Item = &StoredCookie> {
        self.cookies.iter().filter(|cookie| self.is_alive(cookie))
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.now += time.as_secs();
    }

    /// Closes the browser, which deletes cookies without an expiry.
    pub fn close(&mut self) {
        self.cookies.retain(|cookie| cookie.expires.is_some());
    }

    fn is_alive(&self, cookie: &StoredCookie) -> bool {
        cookie.expires.is_none_or(|end| self.now < end)
    }

    fn set_cookie(&mut self, line: &[u8], url: &str, initiator: Initiator<'_>) {
        let url = Url::parse(url);
        let Some(mut cookie) = accept(line, &url, initiator, self.now) else {
            return;
        };
        // "Leave secure cookies alone": an insecure connection cannot overwrite a cookie that a secure one set.
        let shadows_secure = |old: &StoredCookie| {
            old.secure
                && old.name == cookie.name
                && (domain_matches(&old.domain, &cookie.domain)
                    || domain_matches(&cookie.domain, &old.domain))
                && path_matches(&cookie.path, &old.path)
        };
        if !url.secure && self.cookies().any(shadows_secure) {
            return;
        }
        self.created += 1;
        cookie.created = self.created;
        let identity = |c: &StoredCookie| {
            (
                c.name.clone(),
                c.domain.clone(),
                c.host_only,
                c.path.clone(),
                c.partition.clone(),
            )
        };
        let same = identity(&cookie);
        if let Some(place) = self.cookies.iter().position(|old| identity(old) == same) {
            cookie.created = self.cookies.remove(place).created;
        }
        if self.is_alive(&cookie) {
            self.cookies.push(cookie);
        }
    }
}

impl StoredCookie {
    fn is_sent_to(&self, url: &Url, initiator: Initiator<'_>) -> bool {
        let host = if self.host_only {
            url.host == self.domain
        } else {
            domain_matches(&url.host, &self.domain)
        };
        let initiator_allows = match initiator {
            Initiator::Same => true,
            Initiator::Link => self.same_site != SameSitePolicy::Strict,
            Initiator::Form | Initiator::Frame(_) => self.same_site == SameSitePolicy::None,
        };
        let partition = self
            .partition
            .as_ref()
            .is_none_or(|partition| *partition == url.top_level_site(initiator));
        host && path_matches(&url.path, &self.path)
            && (url.secure || !self.secure)
            && initiator_allows
            && partition
    }
}

#[cfg(test)]
mod tests;
