//! Tests of the shop in a real browser, with sessions in each store.

mod binding;
mod coupon;
mod device;
mod devices;
mod live;
mod notices;
mod operations;
mod other_sites;
mod outage;
mod restart;
mod screens;
mod tabs;
mod timeouts;
mod tls;

use starsessions_browser_tests::{Browser, Shop};

/// Generates a module of tests for each scenario, with one test per store. A regular run tests what depends on a browser,
/// on one store or one of each kind. `tests/stores` and `tests/examples.sh` test the same scenarios on all stores.
macro_rules! on_stores {
    ($scenario:ident $($more:ident)*: $($store:ident)*$(; at night: $($other:ident)*)?) => {
        #[expect(non_snake_case, reason = "tests are named after stores")]
        mod $scenario {
            $(
                #[test]
                fn $store() {
                    super::$scenario(starsessions_browser_tests::Store::$store);
                }
            )*
            $($(
                #[test]
                #[ignore = "at night: tests/nightly"]
                fn $other() {
                    super::$scenario(starsessions_browser_tests::Store::$other);
                }
            )*)?
        }
        super::on_stores! { $($more)*: $($store)*$(; at night: $($other)*)? }
    };
    (: $($store:ident)*$(; at night: $($other:ident)*)?) => {};
}
use on_stores;

/// Signs in by the form. Tests share database servers, so each test uses its own users.
fn sign_in(browser: &Browser, shop: &Shop, user: &str) {
    browser.go(&shop.page("/login"));
    browser.fill("#name", user);
    browser.fill("#password", "star");
    browser.click("form button");
    assert_eq!(browser.path(), "/account");
    has(browser, &format!("Hello, {user}"));
}

/// Adds an article to the cart from the catalogue.
fn add(browser: &Browser, shop: &Shop, article: u32) {
    browser.go(&shop.page("/"));
    browser.click(&format!("button[value='{article}']"));
    has(browser, "is in your cart.");
}

/// The number of articles in the cart.
fn articles(browser: &Browser) -> u64 {
    let count = browser.run("return Number(document.getElementById('count').innerText)");
    count.as_u64().expect("a number")
}

/// The value of the session's cookie, if there is one.
fn cookie(browser: &Browser) -> Option<String> {
    let cookies = browser.cookies();
    assert!(cookies.len() <= 1, "{cookies:?}");
    Some(cookies.first()?["value"].as_str()?.to_owned())
}

fn has(browser: &Browser, part: &str) {
    let text = browser.text();
    assert!(text.contains(part), "`{part}` is not in the page:\n{text}");
}

fn lacks(browser: &Browser, part: &str) {
    let text = browser.text();
    assert!(!text.contains(part), "`{part}` is in the page:\n{text}");
}
