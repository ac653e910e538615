//! One user, two browsers.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{has, lacks, on_stores, sign_in};

on_stores! { one_browser_signs_the_other_out: Redis; at night: Cookie Memory Sqlite Postgres Mysql }

fn one_browser_signs_the_other_out(store: Store) {
    let shop = Shop::open(store);
    let (here, there) = (Browser::open(), Browser::open());
    sign_in(&here, &shop, "Katherine");
    sign_in(&there, &shop, "Katherine");

    here.go(&shop.page("/devices"));
    if store == Store::Cookie {
        // Cookies cannot be listed, and the page says so.
        assert_eq!(here.status(), 200);
        has(&here, "it cannot tell where else you are signed in");
        here.picture("devices-of-cookies");
        lacks(&here, "This device");
        return;
    }
    has(&here, "This device");
    let rows = here.text().matches("Signed in just now").count();
    assert_eq!(rows, 2);
    let name = format!("{} on Linux", here.name());
    has(&here, &format!("{name} (1)"));
    has(&here, &format!("{name} (2)"));
    here.picture("devices-alike");
    here.click("form[action='/devices/end'] button");
    assert_eq!(here.path(), "/devices");
    assert_eq!(here.text().matches("Signed in just now").count(), 1);
    lacks(&here, &format!("{name} ("));

    there.click("a[href='/devices']");
    assert_eq!(there.path(), "/login");
    here.go(&shop.page("/account"));
    has(&here, "Hello, Katherine");
}
