//! Two tabs of one browser.

use starsessions_browser_tests::{Browser, Gate, Shop, Store};

use super::{articles, cookie, on_stores, sign_in};

on_stores! { tabs_that_add_at_once_both_count: Redis; at night: Cookie Memory Sqlite Postgres Mysql }
on_stores! { a_logout_ends_what_another_tab_is_doing: Cookie; at night: Memory Sqlite Redis Postgres Mysql }

fn tabs_that_add_at_once_both_count(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    let gate = Gate::before(shop.port(), "POST /cart/add");
    browser.go(&gate.page("/"));
    let first = browser.tab();
    send(&browser, 1);
    browser.new_tab();
    browser.go(&gate.page("/"));
    send(&browser, 2);
    // The shop has loaded the session for both requests before either saves it.
    let both = [gate.held(), gate.held()];
    for request in both {
        let answer = request.release();
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    }
    wait_for_answer(&browser);
    browser.switch(&first);
    wait_for_answer(&browser);

    browser.go(&gate.page("/cart"));
    // Cookies cannot be merged: the browser keeps the last one.
    let expected = if store == Store::Cookie { 1 } else { 2 };
    assert_eq!(articles(&browser), expected);
}

fn a_logout_ends_what_another_tab_is_doing(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    let gate = Gate::before(shop.port(), "POST /cart/add");
    sign_in(&browser, &shop, "Grace");
    let signed_in = cookie(&browser);
    assert!(signed_in.is_some());

    browser.go(&gate.page("/account"));
    let first = browser.tab();
    browser.new_tab();
    browser.go(&gate.page("/"));
    send(&browser, 1);
    let slow = gate.held();
    let second = browser.tab();
    browser.switch(&first);
    browser.click("form[action='/logout'] button");
    assert_eq!(browser.path(), "/");
    let guest = cookie(&browser);
    assert_ne!(guest, signed_in);

    let answer = slow.release().to_lowercase();
    assert!(answer.starts_with("http/1.1 303"), "{answer}");
    assert!(!answer.contains("set-cookie"), "{answer}");
    browser.switch(&second);
    wait_for_answer(&browser);
    assert_eq!(cookie(&browser), guest);
    browser.go(&gate.page("/account"));
    assert_eq!(browser.path(), "/login");
    assert_eq!(articles(&browser), 0);
}

/// Adds an article as the page's own script would, without waiting.
fn send(browser: &Browser, article: u32) {
    browser.run(&format!(
        "window.answer = fetch('/cart/add', {{ method: 'POST', redirect: 'manual', body: new URLSearchParams({{ article: {article} }}) }}); return 0"
    ));
}

fn wait_for_answer(browser: &Browser) {
    browser.run("return window.answer.then(answer => answer.type)");
}
