//! The text of `Set-Cookie`.

use std::time::Duration;

use proptest::prelude::*;
use starsessions::SameSite;
use starsessions::config::{CookieConfig, CookieError};

fn text(header: &http::HeaderValue) -> &str {
    header.to_str().unwrap()
}

#[test]
fn a_cookie_of_the_browsers_session_has_no_end() {
    let config = CookieConfig::default();
    for lifetime in [Duration::ZERO, Duration::from_secs(60), Duration::MAX] {
        let header = config.set_cookie("value", lifetime).unwrap();
        assert_eq!(
            header,
            "__Host-Http-id=value; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
    }
}

#[test]
fn everything_at_once() {
    let config = CookieConfig::builder()
        .name("__Http-sid")
        .domain("example.com")
        .path("/app")
        .same_site(SameSite::None)
        .partitioned(true)
        .persistent(true)
        .build()
        .unwrap();
    let header = config.set_cookie("value", Duration::from_secs(60)).unwrap();
    let attributes: Vec<&str> = text(&header).split("; ").collect();
    assert_eq!(attributes[0], "__Http-sid=value");
    for attribute in [
        "Domain=example.com",
        "HttpOnly",
        "Max-Age=60",
        "Partitioned",
        "Path=/app",
        "SameSite=None",
        "Secure",
    ] {
        assert_eq!(
            attributes
                .iter()
                .filter(|found| **found == attribute)
                .count(),
            1,
            "{attribute}"
        );
    }
    assert_eq!(attributes.len(), 8);
}

#[test]
fn lifetimes_end_after_400_days() {
    let config = CookieConfig::builder().persistent(true).build().unwrap();
    for (lifetime, max_age) in [
        (Duration::ZERO, 0),
        (Duration::from_millis(999), 0),
        (Duration::from_secs(1), 1),
        (Duration::from_secs(34_559_999), 34_559_999),
        (Duration::from_secs(34_560_000), 34_560_000),
        (Duration::from_secs(34_560_001), 34_560_000),
        (Duration::from_secs(i64::MAX as u64), 34_560_000),
        (Duration::from_secs(u64::MAX), 34_560_000),
        (Duration::MAX, 34_560_000),
    ] {
        let header = config.set_cookie("value", lifetime).unwrap();
        assert!(
            text(&header).ends_with(&format!("; Max-Age={max_age}")),
            "{header:?}"
        );
    }
}

#[test]
fn name_and_value_have_4096_octets_together() {
    for name in ["id", "__Host-Http-id"] {
        let config = CookieConfig::builder().name(name).build().unwrap();
        for octets in [4_095, 4_096] {
            let value = "x".repeat(octets - name.len());
            let header = config.set_cookie(&value, Duration::ZERO).unwrap();
            assert!(text(&header).starts_with(&format!("{name}={value};")));
        }
        for octets in [4_097, 8_192, 1 << 20] {
            let value = "x".repeat(octets - name.len());
            let error = config.set_cookie(&value, Duration::ZERO).unwrap_err();
            assert_eq!(error, CookieError::TooLarge { octets });
        }
    }
}

#[test]
fn headers_are_sensitive() {
    let config = CookieConfig::default();
    let header = config.set_cookie("do-not-print", Duration::ZERO).unwrap();
    assert!(header.is_sensitive() && config.removal().is_sensitive());
    assert_eq!(format!("{header:?}"), "Sensitive");
}

#[test]
fn a_value_cannot_end_itself() {
    let config = CookieConfig::default();
    let forbidden = (0..=0x20_u8)
        .chain(0x7f..=0xff)
        .map(char::from)
        .chain("\",;\\".chars());
    for character in forbidden {
        for value in [
            format!("{character}"),
            format!("a{character}b"),
            format!("a{character}"),
        ] {
            let error = config.set_cookie(&value, Duration::ZERO).unwrap_err();
            assert_eq!(error, CookieError::Value, "{character:?}");
        }
    }
}

proptest! {
    /// Whatever the value: a header with just that value, or an error.
    #[test]
    fn values_are_never_changed(value in "\\PC{0,40}|[!-~]{0,40}|[A-Za-z0-9_-]{0,5000}", seconds: u64) {
        let config = CookieConfig::builder().persistent(true).build().unwrap();
        if let Ok(header) = config.set_cookie(&value, Duration::from_secs(seconds)) {
            let (pair, attributes) = text(&header).split_once(';').unwrap();
            prop_assert_eq!(pair.split_once('=').unwrap(), ("__Host-Http-id", value.as_str()));
            prop_assert_eq!(attributes.split(';').count(), 5);
        }
    }

    #[test]
    fn base64url_is_always_a_value(value in "[A-Za-z0-9_-]{0,4082}") {
        prop_assert!(CookieConfig::default().set_cookie(&value, Duration::ZERO).is_ok());
    }

    #[test]
    fn no_configuration_panics(name: String, path: String, domain: String, secure: bool, partitioned: bool) {
        let builder = CookieConfig::builder()
            .name(name)
            .path(path)
            .domain(domain)
            .secure(secure)
            .partitioned(partitioned);
        if let Ok(config) = builder.build() {
            prop_assert!(text(&config.removal()).split("; ").count() >= 4);
        }
    }
}
