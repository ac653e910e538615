//! A field with its own expiry.

use serde_json::json;
use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, articles, has, lacks, on_stores};

on_stores! { a_coupon_expires_and_the_cart_stays a_wrong_code_is_shown_once_more: ; at night: Cookie Memory Sqlite Redis Postgres Mysql }

fn a_coupon_expires_and_the_cart_stays(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 3);
    browser.go(&shop.page("/cart"));
    browser.fill("#code", "star10");
    browser.click("form[action='/cart/coupon'] button");
    has(&browser, "Coupon STAR10");

    shop.advance(9);
    browser.go(&shop.page("/cart"));
    has(&browser, "Coupon STAR10");
    shop.advance(11);
    browser.go(&shop.page("/cart"));
    lacks(&browser, "Coupon STAR10");
    assert_eq!(articles(&browser), 1);
}

fn a_wrong_code_is_shown_once_more(store: Store) {
    let (shop, browser) = (Shop::open(store), Browser::open());
    add(&browser, &shop, 3);
    browser.go(&shop.page("/cart"));
    browser.fill("#code", "star1O");
    browser.click("form[action='/cart/coupon'] button");
    assert_eq!(browser.path(), "/cart");
    has(&browser, "“STAR1O” is not a coupon.");
    lacks(&browser, "Coupon STAR1O");
    let field =
        "const code = document.getElementById('code'); return [code.value, code.ariaInvalid]";
    assert_eq!(browser.run(field), json!(["STAR1O", "true"]));
    browser.picture("cart-wrong-code");

    browser.go(&shop.page("/cart"));
    lacks(&browser, "is not a coupon");
    assert_eq!(browser.run(field), json!(["", null]));
}
