//! A path on this site, to lead a browser back to where it was.

use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use crate::sentence::sentences;

/// A path and query on this site, safe to redirect to (CWE-601): where a user was before the sign-in.
///
/// `#[session(reject = "/login?next={path}")]` sends it to the login page, whose handler reads it:
///
/// ```
/// use axum::{extract::Query, response::Redirect};
/// use starsessions::LocalPath;
///
/// #[derive(serde::Deserialize)]
/// struct Next {
///     #[serde(default)] // without it, to the front page
///     next: LocalPath,
/// }
///
/// async fn signed_in(Query(to): Query<Next>) -> Redirect {
///     Redirect::to(to.next.as_str())
/// }
///
/// assert!("/account?tab=2".parse::<LocalPath>().is_ok());
/// for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "/.//evil.example"] {
///     assert!(elsewhere.parse::<LocalPath>().is_err());
/// }
/// ```
///
/// Its form is that of the path in a request from a browser: it begins with one `/`, has printable ASCII only, no `\`,
/// and no `.` or `..` between its slashes. At most 2048 characters. In a query or a form, an empty text is the front
/// page, and anything else is an error of `Query` and `Form`, which axum answers with 400 and 422.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalPath(String);

/// A text that may lead to another site, or is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLocalPath;

impl LocalPath {
    /// The path, with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path, or the front page if it has more characters than this: for a place with little room, such as the data
    /// of an attempt to sign in at another site ([`Flows`](crate::Flows)), which must not fail because of a long query.
    ///
    /// ```
    /// # use starsessions::LocalPath;
    /// let search: LocalPath = format!("/search?for={}", "a".repeat(1_000)).parse()?;
    /// assert_eq!(search.at_most(256).as_str(), "/");
    /// # Ok::<(), starsessions::error::InvalidLocalPath>(())
    /// ```
    #[must_use]
    pub fn at_most(self, characters: usize) -> Self {
        if self.0.len() <= characters {
            self
        } else {
            Self::default()
        }
    }

    /// Where a request went; the front page if a browser would not come back to it.
    pub(crate) fn of_request(target: &PathAndQuery) -> Self {
        target.as_str().parse().unwrap_or_default()
    }

    /// The path as a value in a query, for a redirect that passes it on, such as after a wrong password:
    ///
    /// ```
    /// # use starsessions::LocalPath;
    /// let next: LocalPath = "/account?tab=2&page=3".parse()?;
    /// let again = format!("/login?next={}", next.encoded());
    /// assert_eq!(again, "/login?next=%2Faccount%3Ftab%3D2%26page%3D3");
    /// # Ok::<(), starsessions::error::InvalidLocalPath>(())
    /// ```
    #[must_use]
    pub fn encoded(&self) -> impl fmt::Display {
        utf8_percent_encode(&self.0, IN_QUERY)
    }
}

/// Whether a browser reads this as a path on the site that it is on.
fn is_local(text: &str) -> bool {
    // The URL standard drops tabs and line ends wherever they are, and takes `\` for `/`.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        dots == "." || dots == ".."
    };
    text.len() <= LONGEST
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(is_plain)
        && !path.split('/').any(is_dots)
}

impl FromStr for LocalPath {
    type Err = InvalidLocalPath;

    fn from_str(text: &str) -> Result<Self, InvalidLocalPath> {
        is_local(text)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidLocalPath)
    }
}

/// Serialized as its text.
impl Serialize for LocalPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Deserialized from its text. An empty text, which a form without a path to return to sends, is the front page.
impl<'de> Deserialize<'de> for LocalPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.parse().map_err(D::Error::custom)
    }
}

/// The front page.
impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

sentences! { InvalidLocalPath:
    Self => "not a path on this site: it begins with one `/`, as in `/account?tab=2`";
}

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Common servers accept headers of 8 KiB, and each octet may become three.
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_site_is_one() {
        let long = format!("/{}", "a".repeat(2047));
        for text in [
            "/",
            "/account",
            "/a/b?c=d&e=/f#g",
            "/a//b",
            "/a?next=//b",
            "/.well-known",
            "/...",
            &long,
        ] {
            let path: LocalPath = text.parse().unwrap();
            assert_eq!(path.as_str(), text);
        }
    }

    #[test]
    fn what_leads_elsewhere_is_none() {
        let long = format!("/{}", "a".repeat(2048));
        for text in [
            "",
            "account",
            "https://evil.example",
            "javascript:alert(1)",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " /account",
            "/a b",
            "/a\r\nSet-Cookie: a=b",
            "/caf\u{e9}",
            "/\u{7f}",
            "/\0",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/.%2E//evil.example",
            "/a/..",
            "?a",
            "#a",
            &long,
        ] {
            assert_eq!(text.parse::<LocalPath>(), Err(InvalidLocalPath), "{text:?}");
        }
    }
}
