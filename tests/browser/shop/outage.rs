//! 21. The database server is unreachable for a while.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{cookie, has, on_stores, sign_in};

on_stores! { an_outage_signs_nobody_out: Redis; at night: Postgres Mysql }

fn an_outage_signs_nobody_out(store: Store) {
    let (shop, cable) = Shop::open_over_cable(store);
    let browser = Browser::open();
    sign_in(&browser, &shop, "Rosalind");
    let signed_in = cookie(&browser);

    cable.cut();
    for page in ["/account", "/", "/login"] {
        browser.go(&shop.page(page));
        assert_eq!(browser.status(), 503, "{page}");
    }
    browser.go(&shop.page("/style.css"));
    assert_eq!(browser.status(), 200, "what needs no session is there");
    assert_eq!(cookie(&browser), signed_in);

    cable.mend();
    browser.wait_for("(await fetch('/login', { method: 'HEAD' })).status === 200");
    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Rosalind");
    assert_eq!(cookie(&browser), signed_in);
}
