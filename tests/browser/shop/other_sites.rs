//! Access to the session's cookie by pages of this site and of other sites.

use serde_json::json;
use starsessions_browser_tests::{Browser, Elsewhere, Shop, Store};

use super::{add, articles, cookie, has, on_stores, sign_in};

on_stores! { a_return_from_a_provider_finds_the_session: Redis; at night: Cookie Memory Sqlite Postgres Mysql }
// All stores on a server use the same cookie, so one store of each kind is enough.
on_stores! { another_site_cannot_change_the_cart scripts_do_not_see_the_cookie: Memory; at night: Cookie }

/// The OAuth flow: a form at the provider, its redirect back, and another redirect by the shop.
fn a_return_from_a_provider_finds_the_session(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 1);
    sign_in(&browser, &shop, "Edith");
    let signed_in = cookie(&browser);
    let consent = "<form method='post'><button>Allow</button></form>";
    browser.go(&Elsewhere::with_way_back(consent, &shop.page("/order")).address());
    browser.click("button");
    // The page for users who have not confirmed. Guests would be at `/login`.
    assert_eq!(browser.path(), "/confirm");
    has(&browser, "Edith");
    assert_eq!(articles(&browser), 1);
    assert_eq!(cookie(&browser), signed_in);
}

fn another_site_cannot_change_the_cart(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    sign_in(&browser, &shop, "Frances");
    let before = cookie(&browser);
    let form = format!(
        "<form method='post' action='{}'><button name='article' value='1'>Win!</button></form>",
        shop.page("/cart/add")
    );
    browser.go(&Elsewhere::with(&form).address());
    browser.click("button");
    assert_eq!(
        browser.run("return location.href"),
        shop.page("/cart/add"),
        "{}",
        browser.text()
    );
    assert_eq!(browser.status(), 403);
    assert_eq!(cookie(&browser), before);

    browser.go(&shop.page("/account"));
    has(&browser, "Hello, Frances");
    assert_eq!(articles(&browser), 0);
}

fn scripts_do_not_see_the_cookie(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    sign_in(&browser, &shop, "Joan");
    assert_eq!(browser.run("return document.cookie"), "");
    let cookies = browser.cookies();
    let [cookie] = cookies.as_slice() else {
        panic!("{cookies:?}");
    };
    let attributes = ["name", "httpOnly", "sameSite", "secure", "path", "domain"];
    let seen = attributes.map(|name| cookie[name].clone());
    // Neither `Secure` nor a name prefix, because the shop uses plain HTTP.
    let expected = json!(["starsessions-dev", true, "Lax", false, "/", "127.0.0.1"]);
    assert_eq!(json!(seen), expected);
}
