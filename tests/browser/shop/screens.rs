//! Screenshots of the pages on a phone and a desktop, for people, in `target/browser`.

use starsessions_browser_tests::{Browser, Shop, Store};

use super::{add, sign_in};

#[test]
#[ignore = "at night: tests/nightly"]
fn no_page_is_wider_than_its_screen() {
    let (shop, browser) = (Shop::open(Store::Sqlite), Browser::open());
    add(&browser, &shop, 2);
    add(&browser, &shop, 5);
    look(
        &browser,
        &shop,
        &["/", "/cart", "/login", "/operations", "/no-such-page"],
    );
    sign_in(&browser, &shop, "Dorothy");
    look(&browser, &shop, &["/account", "/devices", "/confirm"]);
    browser.go(&shop.page("/confirm"));
    browser.fill("#password", "star");
    browser.click("main form button");
    look(&browser, &shop, &["/order"]);
}

fn look(browser: &Browser, shop: &Shop, pages: &[&str]) {
    for page in pages {
        for (screen, size) in [("phone", (390, 844)), ("desk", (1280, 900))] {
            browser.resize(size);
            browser.go(&shop.page(page));
            assert_eq!(browser.path(), *page);
            let name = match page.trim_start_matches('/') {
                "" => "catalogue",
                name => name,
            };
            browser.picture(&format!("{name}-{screen}"));
            let fits = browser.run(
                "const page = document.documentElement; return page.scrollWidth <= page.clientWidth",
            );
            assert_eq!(fits, true, "{page} on a {screen}");
        }
    }
}
