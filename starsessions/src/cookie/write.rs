//! `Set-Cookie`, to set and to remove.
//!
//! Everything but the value and `Max-Age` is known when the configuration is made, so a response costs
//! one buffer. No dates are written: `Max-Age` needs no clocks that agree, and every browser that
//! knows `SameSite` knows it.

use std::time::Duration;

use cookie::Cookie;
use http::HeaderValue;

use super::error::{CookieConfigError, CookieError};
use super::{CookieBuilder, CookieConfig, SameSite};

impl CookieConfig {
    /// The longest `Max-Age` that browsers keep: 400 days (RFC 6265bis section 5.5).
    pub const LONGEST_MAX_AGE: Duration = Duration::from_secs(34_560_000);

    /// The `Set-Cookie` header that gives the cookie this value.
    ///
    /// `lifetime` is how long the session can still live. It becomes `Max-Age`, at most 400 days, if
    /// the cookie is [persistent](CookieBuilder::persistent); the server ends the session in any case.
    ///
    /// # Errors
    /// [`CookieError`] if name and value are longer than 4096 octets together, or the value has
    /// octets that a cookie cannot carry. Nothing is ever cut or escaped.
    ///
    /// ```
    /// use std::time::Duration;
    /// use starsessions::config::CookieConfig;
    ///
    /// let cookie = CookieConfig::builder().persistent(true).build()?;
    /// let header = cookie.set_cookie("opaque", Duration::from_secs(3600))?;
    /// assert_eq!(
    ///     header,
    ///     "__Host-Http-id=opaque; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_cookie(&self, value: &str, lifetime: Duration) -> Result<HeaderValue, CookieError> {
        if !value.bytes().all(is_cookie_octet) {
            return Err(CookieError::Value);
        }
        self.set_token(value, self.persistent.then_some(lifetime))
    }

    /// The same for a token, which is base64, with or without `Max-Age` as the session, not the
    /// configuration, has it.
    pub(crate) fn set_token(
        &self,
        value: &str,
        max_age: Option<Duration>,
    ) -> Result<HeaderValue, CookieError> {
        let octets = self.name.len() + value.len();
        if octets > LONGEST_PAIR {
            return Err(CookieError::TooLarge { octets });
        }
        let max_age = max_age.map(|rest| rest.min(Self::LONGEST_MAX_AGE));
        self.template.fill(value, max_age).ok_or(CookieError::Value)
    }

    /// The `Set-Cookie` header that removes the cookie: the same name, path, domain and flags
    /// (otherwise browsers keep it, or refuse the header), no value, `Max-Age=0`.
    ///
    /// ```
    /// use starsessions::config::CookieConfig;
    ///
    /// assert_eq!(
    ///     CookieConfig::default().removal(),
    ///     "__Host-Http-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
    /// );
    /// ```
    #[must_use]
    pub fn removal(&self) -> HeaderValue {
        self.removal.clone()
    }
}

/// The parts of the header around the value.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// `name=`
    before: String,
    /// `; HttpOnly; ..`
    after: String,
}

impl Template {
    pub(super) fn new(config: &CookieBuilder) -> Self {
        let mut cookie = Cookie::build((config.name.as_str(), ""))
            .http_only(true)
            .same_site(match config.same_site {
                SameSite::Lax => cookie::SameSite::Lax,
                SameSite::None => cookie::SameSite::None,
                SameSite::Strict => cookie::SameSite::Strict,
            })
            .secure(config.secure)
            .partitioned(config.partitioned)
            .path(config.path.as_str());
        if let Some(domain) = &config.domain {
            cookie = cookie.domain(domain.as_str());
        }
        let mut before = cookie.build().to_string();
        let after = before.split_off(config.name.len() + 1);
        Self { before, after }
    }

    pub(super) fn removal(&self) -> Result<HeaderValue, CookieConfigError> {
        self.fill("", Some(Duration::ZERO))
            .ok_or(CookieConfigError::ControlCharacter)
    }

    fn fill(&self, value: &str, max_age: Option<Duration>) -> Option<HeaderValue> {
        let len = self.before.len() + value.len() + self.after.len() + MAX_AGE.len() + 8;
        let mut header = String::with_capacity(len);
        header.push_str(&self.before);
        header.push_str(value);
        header.push_str(&self.after);
        if let Some(max_age) = max_age {
            header.push_str(MAX_AGE);
            header.push_str(&max_age.as_secs().to_string());
        }
        let mut header = HeaderValue::try_from(header).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// RFC 6265bis section 4.1.1.
fn is_cookie_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'"' | b',' | b';' | b'\\')
}

const MAX_AGE: &str = "; Max-Age=";

/// RFC 6265bis section 5.6.
const LONGEST_PAIR: usize = 4096;
