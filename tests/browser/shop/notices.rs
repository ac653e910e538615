//! Messages that are shown once.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, articles, has, lacks, on_stores};

on_stores! { a_notice_is_shown_once: ; at night: Cookie Memory Sqlite Redis Postgres Mysql }
on_stores! { a_prefetch_does_not_take_the_notice: Redis; at night: Cookie Memory Sqlite Postgres Mysql }

const NOTICE: &str = "Pocket moon is in your cart.";

fn a_notice_is_shown_once(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 1);
    has(&browser, NOTICE);
    browser.go(&shop.page("/"));
    lacks(&browser, NOTICE);
    assert_eq!(articles(&browser), 1);
}

fn a_prefetch_does_not_take_the_notice(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    browser.go(&shop.page("/"));
    // There is a notice now, which was not shown.
    browser.run(
        "return fetch('/cart/add', { method: 'POST', redirect: 'manual', body: new URLSearchParams({ article: 1 }) }).then(() => 0)",
    );
    let fetched = browser.run(
        "return new Promise((done, failed) => {
            const link = document.createElement('link');
            Object.assign(link, { rel: 'prefetch', href: '/login', onload: () => done(true), onerror: failed });
            document.head.append(link);
        })",
    );
    assert_eq!(fetched, true);
    let status = browser.run("return fetch('/cart', { method: 'HEAD' }).then(head => head.status)");
    assert_eq!(status, 200);

    browser.go(&shop.page("/cart"));
    has(&browser, NOTICE);
    browser.go(&shop.page("/cart"));
    lacks(&browser, NOTICE);
}
