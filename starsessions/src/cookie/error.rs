//! Errors of a cookie's settings, and what to change.

use crate::sentence::sentences;

/// Why browsers would refuse or misread a cookie with this configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieConfigError {
    /// The domain is an IP address.
    DomainAddress,
    /// The domain has a character that host names do not have, such as the colon of a port.
    DomainCharacter {
        /// The first of them.
        character: char,
    },
    /// The domain starts with a dot.
    DomainLeadingDot,
    /// The domain is empty, too long, or has a label that is.
    DomainMalformed,
    /// The domain has one label only, such as `localhost` or `com`.
    DomainSingleLabel,
    /// A name with the prefix `__Host-` has a domain.
    HostPrefixDomain {
        /// The name.
        name: String,
    },
    /// A name with the prefix `__Host-` has a path other than `/`.
    HostPrefixPath {
        /// The name.
        name: String,
    },
    /// The name has a character that no cookie name has.
    NameCharacter {
        /// The first of them.
        character: char,
    },
    /// The name is empty.
    NameEmpty,
    /// The name is longer than 256 octets.
    NameTooLong {
        /// Its length.
        octets: usize,
    },
    /// `Partitioned` without `Secure`.
    PartitionedInsecure,
    /// The path has a character that paths of cookies do not have.
    PathCharacter {
        /// The first of them.
        character: char,
    },
    /// The path does not start with a slash.
    PathNotAbsolute,
    /// The path is longer than 1024 octets.
    PathTooLong {
        /// Its length.
        octets: usize,
    },
    /// A name with a prefix, without `Secure`.
    PrefixInsecure {
        /// The name.
        name: String,
    },
    /// `SameSite=None` without `Secure`.
    SameSiteNoneInsecure,
}

sentences! { CookieConfigError:
    Self::DomainAddress => "the cookie's domain is an IP address, which has no subdomains: remove the domain";
    Self::DomainCharacter { character } => "the cookie's domain has the character {character:?}: write a plain host name such as \
        `example.com`, without a port, in its ASCII form (`xn--`) if it is international";
    Self::DomainLeadingDot => "the cookie's domain starts with a dot: remove the dot, subdomains are included anyway";
    Self::DomainMalformed => "the cookie's domain is not a host name: write one such as `example.com`, of at most 253 characters \
        and 63 in each label";
    Self::DomainSingleLabel => "the cookie's domain is a single label, which browsers take for a public suffix: remove the domain, \
        or write the whole name";
    Self::HostPrefixDomain { name } => "browsers refuse `{name}` with a domain: remove the domain, or use a name that starts with \
        `__Http-` or `__Secure-`";
    Self::HostPrefixPath { name } => "browsers refuse `{name}` with a path other than `/`: remove the path, or use a name that starts \
        with `__Http-` or `__Secure-`";
    Self::NameCharacter { character } => "the cookie's name has the character {character:?}: use letters, digits, `-` and `_`";
    Self::NameEmpty => "the cookie has no name: give it one, such as `__Host-Http-id`";
    Self::NameTooLong { octets } => "the cookie's name has {octets} octets: use at most 256";
    Self::PartitionedInsecure => "browsers refuse a partitioned cookie without `Secure`: do not switch `secure` off";
    Self::PathCharacter { character } => "the cookie's path has the character {character:?}: write it percent-encoded, as in URLs";
    Self::PathNotAbsolute => "the cookie's path does not start with a slash: write `/` or `/app`";
    Self::PathTooLong { octets } => "the cookie's path has {octets} octets and browsers ignore more than 1024: use a shorter one";
    Self::PrefixInsecure { name } => "browsers refuse `{name}` without `Secure`: do not switch `secure` off, or for a site on plain \
        http give the cookie a name without a prefix, as in `.name(\"my-site\")`";
    Self::SameSiteNoneInsecure => "browsers refuse `SameSite=None` without `Secure`: do not switch `secure` off, or choose \
        `SameSite::Lax`";
}
