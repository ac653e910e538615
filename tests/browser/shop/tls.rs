//! The cookie of `SessionLayer::new`, in a browser that binds no session to its device.

use serde_json::json;
use starsessions_browser_tests::{Browser, Elsewhere, Shop, Store};

use super::{has, sign_in};

#[test]
fn the_cookie_is_kept_over_tls() {
    let (shop, browser) = (Shop::open_with_tls(Store::Memory), Browser::open());
    sign_in(&browser, &shop, "Ada");
    let cookie = browser.cookie(NAME).expect("a session");
    let attributes = ["httpOnly", "sameSite", "secure", "path"];
    let seen = attributes.map(|name| cookie[name].clone());
    assert_eq!(json!(seen), json!([true, "Lax", true, "/"]));
    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Ada");

    browser.click("form[action='/logout'] button");
    assert_ne!(browser.cookie(NAME), Some(cookie));
    browser.go(&shop.page("/account"));
    assert_eq!(browser.path(), "/login");
}

/// The README says so of Chromium and Firefox.
#[test]
fn such_a_cookie_is_kept_on_localhost_without_tls() {
    let cookie = format!("{NAME}=kept; HttpOnly; SameSite=Lax; Secure; Path=/");
    let (site, browser) = (Elsewhere::with_cookie(&cookie), Browser::open());
    browser.go(&site.address());
    assert_eq!(browser.cookie(NAME).expect("a cookie")["value"], "kept");
}

const NAME: &str = "__Host-Http-id";
