//! The shop is killed and restarted.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, articles, has, on_stores, sign_in};

on_stores! { a_restart_keeps_what_is_stored: ; at night: Cookie Memory Sqlite Redis Postgres Mysql }

fn a_restart_keeps_what_is_stored(store: Store) {
    let (mut shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 2);
    sign_in(&browser, &shop, "Barbara");
    assert_eq!(articles(&browser), 1);

    shop.restart();
    browser.go(&shop.page("/cart"));
    assert_eq!(browser.status(), 200);
    if store == Store::Memory {
        has(&browser, "Your cart is empty");
        has(&browser, "Sign in");
        return;
    }
    assert_eq!(articles(&browser), 1);
    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Barbara");
}
