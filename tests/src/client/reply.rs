//! A response, as the browser sees it.

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};

/// A response, as the browser sees it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Reply {
    /// Every `Set-Cookie` line.
    #[must_use]
    pub fn set_cookies(&self) -> Vec<&str> {
        self.all(SET_COOKIE.as_str())
    }

    /// Whether the response sets or removes a cookie.
    #[must_use]
    pub fn sets_cookie(&self) -> bool {
        self.headers.contains_key(SET_COOKIE)
    }

    /// Every value of a header.
    #[must_use]
    pub fn all(&self, header: &str) -> Vec<&str> {
        self.headers
            .get_all(header)
            .iter()
            .map(|value| value.to_str().unwrap_or("not text"))
            .collect()
    }

    /// The target of a redirect.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// Asserts a redirect to `location`, with at most one cookie.
    ///
    /// # Panics
    /// If the response is different.
    #[track_caller]
    pub fn leads_to(&self, location: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER);
        assert_eq!(self.location(), Some(location));
        assert!(self.set_cookies().len() <= 1, "{self:?}");
    }

    /// The `Max-Age` of the cookie, if the reply sets one.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        self.set_cookies()
            .into_iter()
            .flat_map(|line| line.split("; "))
            .find_map(|attribute| attribute.strip_prefix("Max-Age=")?.parse().ok())
    }
}
