//! A page that follows changes from elsewhere without a reload.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, articles, has, lacks, on_stores, sign_in};

on_stores! { a_cart_follows_another_tab: Redis; at night: Cookie Memory Sqlite Postgres Mysql }
// A session in a cookie can be changed and followed only by its own browser.
on_stores! {
    a_cart_follows_a_sign_in_and_a_logout_of_another_tab
    a_cart_closes_when_its_session_is_ended_elsewhere:
    Redis; at night: Memory Sqlite Postgres Mysql
}
on_stores! { a_first_visitor_has_nothing_to_follow: Memory; at night: Cookie }

fn a_cart_follows_another_tab(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 1);
    let cart = watch_cart(&browser, &shop);
    has(&browser, "Pocket moon");
    browser.new_window();
    add(&browser, &shop, 2);
    let other = browser.tab();

    browser.switch(&cart);
    if store == Store::Cookie {
        // With sessions in cookies, the page shows changes only after a reload.
        browser.go(&shop.page("/cart"));
        assert_eq!(articles(&browser), 2);
        return;
    }
    browser.wait_for("document.getElementById('count').innerText === '2'");
    has(&browser, "Ringed planet");
    // The text that the user is typing stays. Removals are followed as well.
    browser.fill("#code", "come");
    browser.switch(&other);
    browser.go(&shop.page("/cart"));
    browser.click("button[aria-label='Remove Pocket moon']");
    browser.switch(&cart);
    browser.wait_for("document.getElementById('count').innerText === '1'");
    lacks(&browser, "Pocket moon");
    assert_eq!(browser.run("return code.value"), "come");
    browser.switch(&other);
    browser.click("button[aria-label='Remove Ringed planet']");
    browser.switch(&cart);
    browser.wait_for("document.getElementById('count').innerText === ''");
    has(&browser, "Your cart is empty");
    is_the_same_page(&browser);
}

fn a_cart_follows_a_sign_in_and_a_logout_of_another_tab(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 3);
    let cart = watch_cart(&browser, &shop);
    browser.new_window();
    sign_in(&browser, &shop, "Mary");
    let other = browser.tab();
    browser.switch(&cart);
    browser.wait_for("document.querySelector('[data-user]')?.innerText === 'Mary'");
    lacks(&browser, "You have been signed out.");
    has(&browser, "Comet");

    // The page follows the session under its new ID, and also after the ID change by a confirmation.
    browser.switch(&other);
    browser.go(&shop.page("/confirm"));
    browser.fill("#password", "star");
    browser.click("main form button");
    add(&browser, &shop, 3);
    browser.switch(&cart);
    browser.wait_for("document.getElementById('count').innerText === '2'");
    lacks(&browser, "You have been signed out.");

    browser.switch(&other);
    browser.go(&shop.page("/account"));
    browser.click("form[action='/logout'] button");
    browser.switch(&cart);
    browser.wait_for(IS_SIGNED_OUT);
    lacks(&browser, "Comet");
    lacks(&browser, "Mary");
    is_the_same_page(&browser);
}

fn a_cart_closes_when_its_session_is_ended_elsewhere(store: Store) {
    let shop = Shop::open(store);
    let (here, there) = (Browser::open(), Browser::open());
    sign_in(&there, &shop, "Hedy");
    add(&there, &shop, 5);
    watch_cart(&there, &shop);
    sign_in(&here, &shop, "Hedy");
    here.go(&shop.page("/devices"));
    here.click("form[action='/devices/end'] button");

    there.wait_for(IS_SIGNED_OUT);
    there.picture("cart-signed-out");
    lacks(&there, "Red dwarf");
    is_the_same_page(&there);
    there.click("#signed-out a");
    assert_eq!(there.path(), "/login");
}

fn a_first_visitor_has_nothing_to_follow(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    browser.go(&shop.page("/cart"));
    has(&browser, "Your cart is empty");
    let status = browser.run("return fetch('/cart/live').then(answer => answer.status)");
    assert_eq!(status, 204);
    assert!(browser.cookies().is_empty());
}

/// Opens the cart in this tab, waits until the page follows the session, and returns the tab.
fn watch_cart(browser: &Browser, shop: &Shop) -> String {
    browser.go(&shop.page("/cart"));
    browser.run("window.isSamePage = true");
    browser.tab()
}

fn is_the_same_page(browser: &Browser) {
    assert_eq!(browser.run("return window.isSamePage"), true);
}

const IS_SIGNED_OUT: &str = "document.body.innerText.includes('You have been signed out.')";
