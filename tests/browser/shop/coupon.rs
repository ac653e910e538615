//! A field with a deadline of its own.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, articles, has, lacks, on_each_store};

on_each_store! { a_coupon_expires_and_the_cart_stays }

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
