//! 9. Sessions end an hour after their last use, and a day after their beginning.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, has, lacks, on_stores, sign_in};

on_stores! { a_session_ends_an_hour_after_its_last_use_and_a_day_after_its_beginning: ; at night: Cookie Memory Sqlite Redis Postgres Mysql }

fn a_session_ends_an_hour_after_its_last_use_and_a_day_after_its_beginning(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    sign_in(&browser, &shop, "Annie");
    for minutes in (50..DAY).step_by(50) {
        shop.advance(minutes);
        browser.go(&shop.page("/account"));
        assert_eq!(browser.path(), "/account", "after {minutes} minutes");
    }
    shop.advance(DAY + 1);
    browser.go(&shop.page("/account"));
    assert_eq!(browser.path(), "/login");

    sign_in(&browser, &shop, "Annie");
    shop.advance(DAY + 51);
    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Annie");
    shop.advance(DAY + 51 + 61);
    browser.go(&shop.page("/account"));
    assert_eq!(browser.path(), "/login");
}

/// The tab keeps following the cart, which must not extend the session.
#[test]
fn a_tab_that_is_left_open_keeps_nobody_signed_in() {
    let (shop, browser) = (Shop::open(Store::Sqlite), Browser::open());
    sign_in(&browser, &shop, "Emmy");
    add(&browser, &shop, 6);
    browser.go(&shop.page("/cart"));
    shop.advance(50);
    browser.run("return fetch('/cart/live').then(answer => answer.status)");
    shop.advance(61);
    browser.wait_for("document.body.innerText.includes('You have been signed out.')");
    lacks(&browser, "Gas giant");
    lacks(&browser, "Emmy");
}

/// A day in minutes.
const DAY: u32 = 24 * 60;
