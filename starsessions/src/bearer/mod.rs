//! How a session's token comes and goes: by the cookie, by a header, or by either.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod error;
mod parse;

use http::HeaderName;
use http::header::AUTHORIZATION;

pub use self::error::{TransportConfigError, TransportError};
pub(crate) use self::parse::{Shown, shown};

/// How a client presents its session to a layer: the argument of
/// [`SessionLayerBuilder::transport`](crate::SessionLayerBuilder::transport).
///
/// Browsers keep a cookie by themselves, which is the default. An application on a phone, a script or another
/// server keeps a token, which a handler [hands out](crate::CurrentSession::bearer_token), and sends it in a
/// header. [`docs::recipes`](crate::docs::recipes#sessions-without-cookies) has more about it.
///
/// ```
/// use starsessions::config::Transport;
/// use starsessions::{KeyRing, MemoryStore, SessionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let api = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .transport(Transport::bearer())
///     .build()?;
/// let both = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .transport(Transport::bearer().beside_cookie())
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    has_cookie: bool,
    header: Option<Result<TokenHeader, TransportConfigError>>,
}

impl Transport {
    /// Sessions come and go in the cookie alone: the default.
    #[must_use]
    pub fn cookie() -> Self {
        Self {
            has_cookie: true,
            header: None,
        }
    }

    /// Tokens come in `Authorization: Bearer <token>` alone (RFC 6750, section 2.1): the layer reads and sets no cookie.
    #[must_use]
    pub fn bearer() -> Self {
        Self {
            has_cookie: false,
            header: Some(Ok(TokenHeader {
                name: AUTHORIZATION,
                has_scheme: true,
            })),
        }
    }

    /// Tokens are the value of the header of this name alone; for clients that use `Authorization` for something else.
    ///
    /// A name with another meaning, such as `Cookie`, or one that pages of other sites may set without a preflight
    /// (`Accept`), is refused when the layer is built.
    #[must_use]
    pub fn header(name: impl Into<String>) -> Self {
        Self {
            has_cookie: false,
            header: Some(own(&name.into())),
        }
    }

    /// Adds the cookie. A session uses one of the two; a request that shows both is refused with 400.
    #[must_use]
    pub fn beside_cookie(mut self) -> Self {
        self.has_cookie = true;
        self
    }

    pub(crate) fn build(&self) -> Result<Carriers, TransportConfigError> {
        Ok(Carriers {
            has_cookie: self.has_cookie,
            header: self.header.clone().transpose()?,
        })
    }
}

/// The cookie alone.
impl Default for Transport {
    fn default() -> Self {
        Self::cookie()
    }
}

/// The checked form of a [`Transport`]: what carries a session's token.
#[derive(Clone, Debug)]
pub(crate) struct Carriers {
    pub(crate) has_cookie: bool,
    pub(crate) header: Option<TokenHeader>,
}

/// The header that shows a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenHeader {
    pub(crate) name: HeaderName,
    /// The token follows the scheme `Bearer`.
    pub(crate) has_scheme: bool,
}

impl Carriers {
    pub(crate) const COOKIE: Self = Self {
        has_cookie: true,
        header: None,
    };
}

/// How clients present their session, for the description of an API: OpenAPI calls it a security scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityScheme {
    /// In the cookie of this name: `apiKey`, in `cookie`.
    Cookie(String),
    /// `Authorization: Bearer`: type `http`, scheme `bearer`.
    Bearer,
    /// In the header of this name: `apiKey`, in `header`.
    Header(String),
}

impl TokenHeader {
    /// The text in front of the token.
    #[cfg(feature = "testing")]
    pub(crate) fn scheme(&self) -> &'static str {
        if self.has_scheme { "Bearer " } else { "" }
    }

    pub(crate) fn security_scheme(&self) -> SecurityScheme {
        if self.has_scheme {
            SecurityScheme::Bearer
        } else {
            SecurityScheme::Header(self.name.as_str().to_owned())
        }
    }
}

fn own(name: &str) -> Result<TokenHeader, TransportConfigError> {
    let invalid = |_| TransportConfigError::HeaderName(name.to_owned());
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?;
    let text = name.as_str();
    if TAKEN.contains(&text) || TAKEN_STARTS.iter().any(|start| text.starts_with(start)) {
        return Err(TransportConfigError::HeaderTaken(text.to_owned()));
    }
    Ok(TokenHeader {
        name,
        has_scheme: false,
    })
}

/// Headers in which HTTP, a proxy or this library reads something else, and those that a page of another site may set
/// without a preflight (Fetch Standard, "CORS-safelisted request-header").
const TAKEN: [&str; 26] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "from",
    "host",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-csrf-token",
];
const TAKEN_STARTS: [&str; 7] = [
    "access-control-",
    "content-",
    "if-",
    "keep-alive",
    "proxy-",
    "sec-",
    "x-forwarded-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_ones_own_has_a_name_without_another_meaning() {
        for name in ["x-session", "X-Session-Token", "session"] {
            let carriers = Transport::header(name).build().unwrap();
            let header = carriers.header.unwrap();
            assert_eq!(header.name.as_str(), name.to_ascii_lowercase());
            assert!(!header.has_scheme && !carriers.has_cookie);
        }
        for name in ["", "a b", "name:", "größe", "a\r\nb"] {
            let refused = Transport::header(name).build().unwrap_err();
            assert_eq!(refused, TransportConfigError::HeaderName(name.to_owned()));
        }
        let taken = TAKEN.into_iter().chain([
            "Cookie",
            "CONTENT-TYPE",
            "sec-session",
            "Proxy-Authorization",
        ]);
        for name in taken {
            let refused = Transport::header(name).build().unwrap_err();
            let lower = name.to_ascii_lowercase();
            assert_eq!(refused, TransportConfigError::HeaderTaken(lower));
        }
    }
}
