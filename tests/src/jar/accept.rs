//! Turns a `Set-Cookie` line into a stored cookie, or refuses it.

use super::url::{Url, domain_matches};
use super::{Initiator, SameSitePolicy, StoredCookie};

/// Parses a line (section 5.6) and decides whether to store it (section 5.7).
pub(super) fn accept(
    line: &[u8],
    url: &Url,
    initiator: Initiator<'_>,
    now: u64,
) -> Option<StoredCookie> {
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
        // Only the public suffix itself may name it as the domain, and only as a host-only cookie.
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

/// Checks the cookie name prefixes, case-insensitively.
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
    /// The last attribute with a given name wins. Attribute values over 1024 octets are ignored.
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

/// Any number of digits, or a minus sign, which means the past.
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

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// 400 days (section 5.5).
const LONGEST_MAX_AGE: u64 = 34_560_000;
