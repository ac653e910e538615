//! Checks for settings that browsers would refuse.

use std::net::IpAddr;

use super::error::CookieConfigError;
use super::{CookieBuilder, SameSite};

pub(super) fn check(cookie: &CookieBuilder) -> Result<(), CookieConfigError> {
    check_name(&cookie.name)?;
    check_path(&cookie.path)?;
    cookie.domain.as_deref().map_or(Ok(()), check_domain)?;
    check_prefix(cookie)?;
    if cookie.same_site == SameSite::None && !cookie.secure {
        return Err(CookieConfigError::SameSiteNoneInsecure);
    }
    if cookie.partitioned && !cookie.secure {
        return Err(CookieConfigError::PartitionedInsecure);
    }
    Ok(())
}

/// An RFC 9110 token, as RFC 6265bis section 4.1.1 asks for.
fn check_name(name: &str) -> Result<(), CookieConfigError> {
    if name.is_empty() {
        return Err(CookieConfigError::NameEmpty);
    }
    if name.len() > LONGEST_NAME {
        return Err(CookieConfigError::NameTooLong { octets: name.len() });
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match name.chars().find(|character| !is_token(*character)) {
        Some(character) => Err(CookieConfigError::NameCharacter { character }),
        None => Ok(()),
    }
}

/// Stricter than the grammar: browsers percent-encode most of these characters in URLs, so a path with one of them
/// would match no request.
fn check_path(path: &str) -> Result<(), CookieConfigError> {
    if !path.starts_with('/') {
        return Err(CookieConfigError::PathNotAbsolute);
    }
    if path.len() > LONGEST_ATTRIBUTE {
        return Err(CookieConfigError::PathTooLong { octets: path.len() });
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"\",;\\".contains(c);
    match path.chars().find(|character| !is_plain(*character)) {
        Some(character) => Err(CookieConfigError::PathCharacter { character }),
        None => Ok(()),
    }
}

fn check_domain(domain: &str) -> Result<(), CookieConfigError> {
    if domain.starts_with('.') {
        return Err(CookieConfigError::DomainLeadingDot);
    }
    // An address with brackets (`[::1]`) or a port fails the check of its characters.
    if domain.parse::<IpAddr>().is_ok() {
        return Err(CookieConfigError::DomainAddress);
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if let Some(character) = domain.chars().find(|character| !is_host(*character)) {
        return Err(CookieConfigError::DomainCharacter { character });
    }
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.len() > LONGEST_DOMAIN || !domain.split('.').all(is_label) {
        return Err(CookieConfigError::DomainMalformed);
    }
    // No top-level domain is a number; browsers read `127.1` as an address.
    match domain.rsplit_once('.') {
        None => Err(CookieConfigError::DomainSingleLabel),
        Some((_, top)) if top.bytes().all(|octet| octet.is_ascii_digit()) => {
            Err(CookieConfigError::DomainAddress)
        }
        Some(_) => Ok(()),
    }
}

/// RFC 6265bis section 5.7 and the layered-cookies draft. Browsers ignore the case of prefixes.
fn check_prefix(cookie: &CookieBuilder) -> Result<(), CookieConfigError> {
    let starts_with = |prefix: &str| {
        let start = cookie.name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let host = starts_with("__Host-");
    let name = || cookie.name.clone();
    if (host || starts_with("__Secure-") || starts_with("__Http-")) && !cookie.secure {
        return Err(CookieConfigError::PrefixInsecure { name: name() });
    }
    if host && cookie.domain.is_some() {
        return Err(CookieConfigError::HostPrefixDomain { name: name() });
    }
    if host && cookie.path != "/" {
        return Err(CookieConfigError::HostPrefixPath { name: name() });
    }
    Ok(())
}

/// Name and value share 4096 octets, and every request repeats the name.
const LONGEST_NAME: usize = 256;

/// Browsers ignore longer attributes (RFC 6265bis section 5.6).
const LONGEST_ATTRIBUTE: usize = 1024;

// RFC 1035 section 2.3.4.
const LONGEST_DOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;
