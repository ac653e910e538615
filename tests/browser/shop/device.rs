//! A session that is bound to the browser's device, and the use of its stolen cookies.

use serde_json::{Value, json};
use starsessions_browser_tests::{Browser, Elsewhere, Shop, Store};

use super::{has, lacks, on_stores, sign_in};

on_stores! { a_browser_binds_refreshes_and_leaves a_thief_has_nothing a_link_from_elsewhere_finds_the_session: Redis; at night: Memory Sqlite }

/// Signs in, and waits until the browser has registered its device.
fn bound(shop: &Shop, user: &str) -> Browser {
    let browser = Browser::chromium_with(&shop.browser_options());
    sign_in(&browser, shop, user);
    wait_for(|| value(&browser, SHORT).is_some(), "a short cookie");
    browser
}

fn a_browser_binds_refreshes_and_leaves(store: Store) {
    let shop = Shop::open_with_tls(store);
    let browser = bound(&shop, "Hedy");
    browser.go(&shop.page("/devices"));
    has(&browser, "Only on its own device");
    browser.picture("devices-bound");

    // As if the short-lived cookie had expired. Parallel requests wait for one refresh.
    browser.forget(SHORT);
    let statuses = browser
        .run("return Promise.all([1, 2, 3, 4].map(() => fetch('/account').then(it => it.status)))");
    assert_eq!(statuses, json!([200, 200, 200, 200]));
    assert!(
        value(&browser, SHORT).is_some(),
        "the device has signed again"
    );

    // The confirmation changes the ID, and so the binding. Chromium signs at most six times in nine minutes, including
    // failed refreshes of the former binding.
    browser.go(&shop.page("/confirm"));
    let former = value(&browser, SHORT);
    browser.fill("#password", "star");
    browser.click("form.narrow button");
    // The cart is empty, so `/order` redirects to the cart.
    wait_for(|| browser.path() == "/cart", "cart");
    wait_for(|| value(&browser, SHORT) != former, "another binding");
    browser.forget(SHORT);
    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Hedy");

    browser.click("form[action='/logout'] button");
    browser.forget(SHORT);
    browser.go(&shop.page("/account"));
    assert_eq!(browser.path(), "/login");
    assert_eq!(value(&browser, SHORT), None, "no proof of an ended session");
}

fn a_thief_has_nothing(store: Store) {
    let shop = Shop::open_with_tls(store);
    let browser = bound(&shop, "Ida");
    let thief = Browser::chromium_with(&shop.browser_options_without_binding());
    let plant = |name: &str| {
        thief.go(&shop.page("/style.css"));
        thief.plant(&browser.cookie(name).expect("that cookie"));
    };
    // After the grace period for requests under way.
    shop.advance(1);
    for path in ["/account", "/devices", "/confirm"] {
        plant(SESSION);
        thief.go(&shop.page(path));
        lacks(&thief, "Ida");
        assert_eq!(thief.path(), "/login", "no browser of this session");
    }

    plant(SESSION);
    plant(SHORT);
    thief.go(&shop.page("/account"));
    has(&thief, "Hello, Ida");
    shop.advance(10);
    thief.go(&shop.page("/account"));
    lacks(&thief, "Ida");

    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Ida");
}

fn a_link_from_elsewhere_finds_the_session(store: Store) {
    let shop = Shop::open_with_tls(store);
    let browser = bound(&shop, "Joan");
    let link = format!("<a href='{}'>to the shop</a>", shop.page("/account"));
    let elsewhere = Elsewhere::with(&link);
    browser.go(&elsewhere.address().replace("localhost", "127.0.0.1"));
    browser.forget_at(&shop.page("/"), SHORT);
    browser.click("a");
    browser.wait_for("document.body.innerText.includes('Hello, Joan')");
    assert_eq!(browser.path(), "/account");
}

pub(super) fn value(browser: &Browser, name: &str) -> Option<Value> {
    Some(browser.cookie(name)?["value"].clone())
}

pub(super) fn wait_for(mut condition: impl FnMut() -> bool, what: &str) {
    for _ in 0..3_000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("there is no {what}");
}

const SESSION: &str = "__Host-Http-id";
pub(super) const SHORT: &str = "__Host-bound";
