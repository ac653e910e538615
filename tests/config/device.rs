//! Device bindings that cannot work are refused.

use std::time::Duration;

use starsessions::config::{CookieBuilder, DeviceBinding, Unbound};
use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer};

use super::said;

fn binding(set: impl FnOnce(DeviceBinding) -> DeviceBinding) -> String {
    said(|layer| layer.device_bound(set))
}

fn cookie(set: impl FnOnce(CookieBuilder) -> CookieBuilder) -> String {
    said(|layer| layer.cookie(set).device_bound(|device| device))
}

#[track_caller]
fn says(said: &str, part: &str) {
    assert!(said.contains(part), "{said}");
}

#[test]
fn the_defaults_are_taken() {
    assert_eq!(binding(|device| device), "");
    let all = binding(|device| {
        let device = device
            .paths("/a/register", "/a/refresh")
            .cookie_name("__Secure-b");
        let device = device
            .exclude("/static")
            .initiator("*.example.com")
            .guests(false);
        device.life(Duration::from_secs(300))
    });
    assert_eq!(all, "");
}

#[test]
fn sessions_in_cookies_are_not_bound() {
    let revocable = CookieStore::sealed().revoked_in(MemoryStore::new());
    let layer = SessionLayer::builder(revocable, KeyRing::generate().unwrap());
    let error = layer.device_bound(|device| device).build().unwrap_err();
    says(&error.to_string(), "use a server-side store");
}

/// Renewals would otherwise extend the time in which a session without a device may register one.
#[test]
fn a_renewal_by_age_gives_a_session_without_a_device_no_more_time() {
    for (unbound, is_taken) in [(Unbound::Allowed, true), (Unbound::Refused, false)] {
        let said = said(|layer| {
            let layer = layer.renewal(Duration::from_secs(600));
            layer.device_bound(|device| device.unbound(unbound))
        });
        assert_eq!(said.is_empty(), is_taken, "{said}");
    }
}

#[test]
fn the_sessions_own_cookie_is_of_one_host_over_https() {
    let cure = "make the session's cookie `Secure`, with the path `/`, without a domain and not partitioned";
    says(
        &said(|layer| layer.local_development().device_bound(|device| device)),
        cure,
    );
    says(&cookie(|it| it.name("__Http-a").path("/shop")), cure);
    says(
        &cookie(|it| it.name("__Http-a").domain("example.com")),
        cure,
    );
    says(&cookie(|it| it.partitioned(true)), cure);
}

#[test]
fn the_short_cookie_has_a_name_that_browsers_bind() {
    says(
        &binding(|it| it.cookie_name("__Host-Http-bound")),
        "begin it with `__Host-`",
    );
    says(
        &binding(|it| it.cookie_name("__host-http-bound")),
        "begin it with `__Host-`",
    );
    says(&binding(|it| it.cookie_name("a b")), "cookie");
    let same = said(|layer| {
        let layer = layer.cookie(|it| it.name("__Host-id"));
        layer.device_bound(|device| device.cookie_name("__Host-id"))
    });
    says(&same, "give it another");
}

#[test]
fn the_short_cookie_lives_for_five_minutes_to_a_day() {
    for (life, is_taken) in [
        (Duration::ZERO, false),
        (Duration::from_secs(299), false),
        (Duration::from_secs(300), true),
        (Duration::from_millis(300_500), false),
        (Duration::from_secs(86_400), true),
        (Duration::from_secs(86_401), false),
    ] {
        let said = binding(|device| device.life(life));
        assert_eq!(said.is_empty(), is_taken, "{life:?}: {said}");
    }
}

#[test]
fn paths_and_hosts_are_such() {
    let long = format!("/{}", "a".repeat(256));
    for path in [
        "",
        "register",
        "//other.example",
        "/a?b",
        "/a\"b",
        "/a b",
        "/ä",
        &long,
    ] {
        says(&binding(|it| it.paths(path, "/refresh")), "is not the path");
        says(
            &binding(|it| it.paths("/register", path)),
            "is not the path",
        );
        says(&binding(|it| it.exclude(path)), "is not the path");
    }
    says(&binding(|it| it.paths("/dbsc", "/dbsc")), "give them two");
    for host in [
        "",
        "*",
        "*.",
        "a..b",
        "https://a.example",
        "a b",
        "a.example/",
    ] {
        says(&binding(|it| it.initiator(host)), "is not a host");
    }
}
