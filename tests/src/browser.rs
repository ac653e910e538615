//! A user agent: keeps cookies by the rules of browsers and sends them back.
//!
//! The storage and retrieval models of RFC 6265bis (sections 5.6 to 5.8), with the prefixes of the
//! layered-cookies draft and the partitions of CHIPS. Written from the specifications, not from the
//! code under test.
//!
//! Simplified on purpose: a site is the last two labels of a host, a public suffix is a host with one
//! label, and cookies that another site sets in an embedded frame are refused unless `SameSite=None`.
//! `localhost` counts as secure, as it does in browsers. `Expires` is ignored: a test that wants a
//! lifetime says `Max-Age`.

use std::time::Duration;

use http::HeaderMap;
use http::header::SET_COOKIE;

/// A browser with an empty cookie jar, at time zero.
#[derive(Clone, Debug, Default)]
pub struct Browser {
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
    /// The host, or the domain whose hosts all get it.
    pub domain: String,
    /// Whether only that one host gets it.
    pub host_only: bool,
    /// Below which path.
    pub path: String,
    /// Over secure connections only.
    pub secure: bool,
    /// Out of the reach of scripts.
    pub http_only: bool,
    /// With which requests of other sites.
    pub same_site: SameSitePolicy,
    /// The embedding site, for a partitioned cookie.
    pub partition: Option<String>,
    /// When it ends, in seconds of the browser's clock; `None` when the browser is closed.
    pub expires: Option<u64>,
    created: u64,
}

/// What `SameSite` said; `Default` if it said nothing known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSitePolicy {
    /// As `Lax`.
    Default,
    /// With top-level navigation by a safe method.
    Lax,
    /// With every request.
    None,
    /// With requests of the same site only.
    Strict,
}

/// Who caused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator<'a> {
    /// The site itself, or the address bar.
    Same,
    /// A link on another site.
    Link,
    /// A page of this other site, which embeds the requested one.
    Frame(&'a str),
}

impl Browser {
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

    /// The cookies that are alive, whatever they are sent to.
    pub fn cookies(&self) -> impl Iterator<Item = &StoredCookie> {
        self.cookies.iter().filter(|cookie| self.is_alive(cookie))
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.now += time.as_secs();
    }

    /// Closes the browser: what has no end is forgotten.
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
        // "Leave secure cookies alone": a plain connection cannot overwrite what a secure one set.
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
            Initiator::Frame(_) => self.same_site == SameSitePolicy::None,
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

/// Parses a line (section 5.6) and decides whether to store it (section 5.7).
fn accept(line: &[u8], url: &Url, initiator: Initiator<'_>, now: u64) -> Option<StoredCookie> {
    if line
        .iter()
        .any(|octet| octet.is_ascii_control() && *octet != b'\t')
    {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let (pair, attributes) = line.split_once(';').unwrap_or((&line, ""));
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (trim(name), trim(value));
    if name.len() + value.len() > 4096 || (name.is_empty() && value.is_empty()) {
        return None;
    }
    let attributes = Attributes::parse(attributes);

    let mut domain = attributes.domain.to_ascii_lowercase();
    if !domain.is_ascii() {
        return None;
    }
    if !domain.contains('.') && !domain.is_empty() {
        // A public suffix may only be set by itself, and then for itself.
        if domain != url.host {
            return None;
        }
        domain.clear();
    }
    let host_only = domain.is_empty();
    if host_only {
        domain.clone_from(&url.host);
    } else if !domain_matches(&url.host, &domain) {
        return None;
    }

    if attributes.secure && !url.secure {
        return None;
    }
    let cross_site = matches!(initiator, Initiator::Frame(_));
    if cross_site && attributes.same_site != SameSitePolicy::None {
        return None;
    }
    if attributes.same_site == SameSitePolicy::None && !attributes.secure {
        return None;
    }
    if attributes.partitioned && !attributes.secure {
        return None;
    }
    let cookie = StoredCookie {
        name: name.to_owned(),
        value: value.to_owned(),
        domain,
        host_only,
        path: attributes
            .path
            .clone()
            .unwrap_or_else(|| url.default_path()),
        secure: attributes.secure,
        http_only: attributes.http_only,
        same_site: attributes.same_site,
        partition: attributes
            .partitioned
            .then(|| url.top_level_site(initiator)),
        expires: attributes
            .max_age
            .map(|age| now.saturating_add(age.min(LONGEST_MAX_AGE))),
        created: 0,
    };
    keeps_prefix_promise(&cookie, attributes.path.as_deref()).then_some(cookie)
}

/// The prefixes, compared without case.
fn keeps_prefix_promise(cookie: &StoredCookie, path: Option<&str>) -> bool {
    // A nameless cookie is sent as its value, which must not look like a name.
    let name = if cookie.name.is_empty() {
        &cookie.value
    } else {
        &cookie.name
    };
    let name = name.to_ascii_lowercase();
    let prefixes = ["__secure-", "__host-", "__http-", "__host-http-"];
    if cookie.name.is_empty() {
        return !prefixes.iter().any(|prefix| name.starts_with(prefix));
    }
    let of_host = cookie.secure && cookie.host_only && path == Some("/");
    let promises = [
        cookie.secure,
        of_host,
        cookie.secure && cookie.http_only,
        of_host && cookie.http_only,
    ];
    prefixes
        .into_iter()
        .zip(promises)
        .all(|(prefix, kept)| kept || !name.starts_with(prefix))
}

struct Attributes {
    domain: String,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    partitioned: bool,
    same_site: SameSitePolicy,
    max_age: Option<u64>,
}

impl Attributes {
    /// The last attribute of a name wins; one with a value over 1024 octets is ignored.
    fn parse(text: &str) -> Self {
        let mut found = Self {
            domain: String::new(),
            path: None,
            secure: false,
            http_only: false,
            partitioned: false,
            same_site: SameSitePolicy::Default,
            max_age: None,
        };
        for attribute in text.split(';') {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (name, value) = (trim(name).to_ascii_lowercase(), trim(value));
            if value.len() > 1024 {
                continue;
            }
            match name.as_str() {
                "domain" => value
                    .strip_prefix('.')
                    .unwrap_or(value)
                    .clone_into(&mut found.domain),
                "path" => found.path = value.starts_with('/').then(|| value.to_owned()),
                "secure" => found.secure = true,
                "httponly" => found.http_only = true,
                "partitioned" => found.partitioned = true,
                "samesite" => {
                    found.same_site = match value.to_ascii_lowercase().as_str() {
                        "lax" => SameSitePolicy::Lax,
                        "none" => SameSitePolicy::None,
                        "strict" => SameSitePolicy::Strict,
                        _ => SameSitePolicy::Default,
                    }
                }
                "max-age" => found.max_age = parse_max_age(value).or(found.max_age),
                _ => {}
            }
        }
        found
    }
}

/// Digits of any number, or a minus, which means the past.
fn parse_max_age(value: &str) -> Option<u64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    if value.starts_with('-') {
        return Some(0);
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

struct Url {
    host: String,
    path: String,
    secure: bool,
}

impl Url {
    fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("an absolute URL");
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let host = authority
            .split(':')
            .next()
            .unwrap_or(authority)
            .to_ascii_lowercase();
        Self {
            path: path.split(['?', '#']).next().unwrap_or("/").to_owned(),
            secure: scheme == "https" || host == "localhost" || host == "127.0.0.1",
            host,
        }
    }

    /// Section 5.1.4.
    fn default_path(&self) -> String {
        match self.path.rfind('/') {
            None | Some(0) => "/".to_owned(),
            Some(slash) => self.path[..slash].to_owned(),
        }
    }

    fn top_level_site(&self, initiator: Initiator<'_>) -> String {
        match initiator {
            Initiator::Frame(page) => site(&Self::parse(page).host),
            Initiator::Same | Initiator::Link => site(&self.host),
        }
    }
}

fn site(host: &str) -> String {
    let labels: Vec<&str> = host.rsplitn(3, '.').collect();
    match labels.as_slice() {
        [top, domain, ..] => format!("{domain}.{top}"),
        _ => host.to_owned(),
    }
}

/// Section 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    host == domain
        || (!is_address
            && host
                .strip_suffix(domain)
                .is_some_and(|start| start.ends_with('.')))
}

/// Section 5.1.4.
fn path_matches(request: &str, cookie: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// 400 days (section 5.5).
const LONGEST_MAX_AGE: u64 = 34_560_000;

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://app.example.com/a/b";

    fn browser(lines: &[&str], url: &str) -> Browser {
        let mut browser = Browser::new();
        for line in lines {
            browser.set_cookie(line.as_bytes(), url, Initiator::Same);
        }
        browser
    }

    fn sent(line: &str, to: &str) -> Option<String> {
        browser(&[line], HERE).cookie_header(to)
    }

    #[test]
    fn hosts_and_domains() {
        let here = Some("a=1".to_owned());
        assert_eq!(sent("a=1; Path=/", "https://app.example.com/"), here);
        assert_eq!(sent("a=1; Path=/", "https://example.com/"), None);
        assert_eq!(sent("a=1; Path=/", "https://x.app.example.com/"), None);
        assert_eq!(
            sent("a=1; Path=/; Domain=.example.com", "https://x.example.com/"),
            here
        );
        assert_eq!(
            sent("a=1; Path=/; Domain=example.com", "https://badexample.com/"),
            None
        );
        assert_eq!(
            sent(
                "a=1; Path=/; Domain=other.example",
                "https://other.example/"
            ),
            None
        );
        assert_eq!(
            sent("a=1; Path=/; Domain=com", "https://example.com/"),
            None
        );
    }

    #[test]
    fn paths() {
        let here = Some("a=1".to_owned());
        assert_eq!(sent("a=1", "https://app.example.com/a"), here);
        assert_eq!(sent("a=1", "https://app.example.com/a/x"), here);
        assert_eq!(sent("a=1", "https://app.example.com/ab"), None);
        assert_eq!(sent("a=1; Path=/x", "https://app.example.com/x?q"), here);
        assert_eq!(sent("a=1; Path=x", "https://app.example.com/x"), None);
    }

    #[test]
    fn prefixes_are_promises() {
        for (line, kept) in [
            ("__Host-a=1; Secure; Path=/", true),
            ("__Host-a=1; Secure", false),
            ("__Host-a=1; Path=/", false),
            ("__Host-a=1; Secure; Path=/a", false),
            ("__Host-a=1; Secure; Path=/; Domain=example.com", false),
            ("__hOsT-a=1; Path=/", false),
            ("__Secure-a=1", false),
            ("__Secure-a=1; Secure", true),
            ("__Http-a=1; Secure", false),
            ("__Http-a=1; Secure; HttpOnly", true),
            ("__Host-Http-a=1; Secure; Path=/", false),
            ("__Host-Http-a=1; Secure; Path=/; HttpOnly", true),
            ("=__Host-a=1; Secure; Path=/", false),
            ("__Host-a", false),
            ("a=1; SameSite=None", false),
            ("a=1; Partitioned", false),
            ("a=\u{7f}", false),
        ] {
            assert_eq!(
                browser(&[line], HERE).cookies().count() == 1,
                kept,
                "{line}"
            );
        }
    }

    #[test]
    fn a_plain_connection_neither_sets_nor_overwrites_secure_cookies() {
        let mut browser = browser(&["a=1; Secure; Path=/"], HERE);
        browser.set_cookie(b"a=2; Path=/", "http://app.example.com/", Initiator::Same);
        browser.set_cookie(b"b=2; Secure", "http://app.example.com/", Initiator::Same);
        assert_eq!(browser.cookie_header(HERE), Some("a=1".to_owned()));
        assert_eq!(browser.cookie_header("http://app.example.com/"), None);
    }

    #[test]
    fn lifetimes() {
        let mut browser = browser(&["a=1; Max-Age=10; Path=/", "b=2; Path=/"], HERE);
        assert_eq!(browser.cookie_header(HERE), Some("a=1; b=2".to_owned()));
        browser.close();
        assert_eq!(browser.cookie_header(HERE), Some("a=1".to_owned()));
        browser.advance(Duration::from_secs(10));
        assert_eq!(browser.cookie_header(HERE), None);
    }

    #[test]
    fn other_sites() {
        let lines = [
            "s=1; SameSite=Strict",
            "l=1; SameSite=Lax",
            "d=1",
            "n=1; SameSite=None; Secure",
        ];
        let browser = browser(&lines, HERE);
        let sent = |initiator| browser.cookie_header_in(HERE, initiator).unwrap();
        assert_eq!(sent(Initiator::Same), "s=1; l=1; d=1; n=1");
        assert_eq!(sent(Initiator::Link), "l=1; d=1; n=1");
        assert_eq!(sent(Initiator::Frame("https://portal.example/")), "n=1");
    }

    #[test]
    fn partitions() {
        let mut browser = Browser::new();
        let line = |value| format!("a={value}; Secure; SameSite=None; Partitioned; Path=/");
        let one = Initiator::Frame("https://one.example/");
        let two = Initiator::Frame("https://two.example/");
        browser.set_cookie(line(1).as_bytes(), HERE, one);
        browser.set_cookie(line(2).as_bytes(), HERE, two);
        assert_eq!(browser.cookie_header_in(HERE, one), Some("a=1".to_owned()));
        assert_eq!(browser.cookie_header_in(HERE, two), Some("a=2".to_owned()));
        assert_eq!(browser.cookie_header(HERE), None);
        // A cookie without a partition comes along, under the same name.
        browser.set_cookie(b"a=3; Secure; SameSite=None; Path=/", HERE, Initiator::Same);
        assert_eq!(
            browser.cookie_header_in(HERE, one),
            Some("a=1; a=3".to_owned())
        );
    }
}
