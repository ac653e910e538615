//! `Set-Cookie`, to set and to remove.
//!
//! Everything but the value and `Max-Age` is known when the configuration is made, so a response costs one buffer. No
//! `Expires` date is written: `Max-Age` needs no synchronized clocks, and every browser that supports `SameSite`
//! supports it.

use std::time::Duration;

use cookie::Cookie;
use http::HeaderValue;

use super::{CookieBuilder, CookieConfig, SameSite};

impl CookieConfig {
    /// The `Set-Cookie` header that gives the cookie this value. The value must be base64, because nothing is escaped.
    ///
    /// `max_age` is the rest of the session's life, for a cookie that outlives the browser's own session. It is capped
    /// at 400 days, as browsers cap it (RFC 6265bis section 5.5). Returns `None` if name and value together are longer
    /// than browsers keep (section 5.6).
    pub(crate) fn set_token(&self, value: &str, max_age: Option<Duration>) -> Option<HeaderValue> {
        if self.name().len() + value.len() > LONGEST_PAIR {
            return None;
        }
        let seconds = max_age.map(|rest| rest.min(LONGEST_MAX_AGE).as_secs());
        let max_age = seconds.map(|seconds| format!("; Max-Age={seconds}"));
        let max_age = max_age.as_deref().unwrap_or_default();
        // `concat` allocates the exact length, so the conversion into a header allocates nothing more.
        let header = [&self.before, value, &self.after, max_age].concat();
        let mut header = HeaderValue::try_from(header).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The `Set-Cookie` header of another cookie, which has the scope of this one and expires after `max_age`.
    /// `SameSite=None` makes it `Secure`, which browsers require (Chromium and Firefox keep it on `http://localhost`,
    /// too).
    pub(crate) fn companion(
        &self,
        name: &str,
        value: &str,
        same_site: SameSite,
        max_age: Duration,
    ) -> Option<HeaderValue> {
        let cookie = CookieBuilder {
            name: name.to_owned(),
            secure: self.is_secure() || same_site == SameSite::None,
            same_site,
            ..self.settings.clone()
        };
        cookie.build_unchecked().set_token(value, Some(max_age))
    }

    /// The `Set-Cookie` header that removes the cookie: the same name, path, domain and flags
    /// (otherwise browsers keep it, or refuse the header), no value, `Max-Age=0`.
    pub(crate) fn removal(&self) -> Option<HeaderValue> {
        self.set_token("", Some(Duration::ZERO))
    }
}

/// The text of the header in front of the value and behind it, up to `Max-Age`.
pub(super) fn around_the_value(config: &CookieBuilder) -> (String, String) {
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
    (before, after)
}

const LONGEST_MAX_AGE: Duration = Duration::from_secs(34_560_000);

/// RFC 6265bis section 5.6.
const LONGEST_PAIR: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_byte_for_byte() {
        let shop = CookieBuilder::default().name("__Http-sid").path("/app");
        let shop = shop.domain("example.com").same_site(SameSite::None);
        let minute = Some(Duration::from_secs(60));
        for (builder, lifetime, expected) in [
            (
                CookieBuilder::default(),
                None,
                "__Host-Http-id=value; HttpOnly; SameSite=Lax; Secure; Path=/",
            ),
            (
                shop.partitioned(true),
                minute,
                "__Http-sid=value; HttpOnly; SameSite=None; Partitioned; Secure; Path=/app; \
                 Domain=example.com; Max-Age=60",
            ),
        ] {
            let config = builder.build().unwrap();
            assert_eq!(config.set_token("value", lifetime).unwrap(), expected);
        }
    }

    #[test]
    fn lifetimes_end_after_400_days() {
        let config = CookieBuilder::default().build_unchecked();
        for (lifetime, max_age) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(999), 0),
            (Duration::from_secs(1), 1),
            (Duration::from_secs(34_559_999), 34_559_999),
            (Duration::from_secs(34_560_000), 34_560_000),
            (Duration::from_secs(34_560_001), 34_560_000),
            (Duration::MAX, 34_560_000),
        ] {
            let header = config.set_token("value", Some(lifetime)).unwrap();
            let text = header.to_str().unwrap();
            assert!(text.ends_with(&format!("; Max-Age={max_age}")), "{text}");
        }
    }

    #[test]
    fn name_and_value_have_4096_octets_together() {
        for name in ["id", "__Host-Http-id"] {
            let config = CookieBuilder::default().name(name).build().unwrap();
            for octets in [4_095, 4_096, 4_097, 8_192, 1 << 20] {
                let value = "x".repeat(octets - name.len());
                let header = config.set_token(&value, None);
                if octets <= 4_096 {
                    let start = format!("{name}={value};");
                    assert!(header.unwrap().to_str().unwrap().starts_with(&start));
                } else {
                    assert!(header.is_none(), "{octets}");
                }
            }
        }
    }

    #[test]
    fn headers_are_sensitive() {
        let config = CookieBuilder::default().build_unchecked();
        let header = config.set_token("do-not-print", None).unwrap();
        assert!(header.is_sensitive() && config.removal().unwrap().is_sensitive());
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
