//! The sign-in examples in a real browser.

mod oidc;
mod passkeys;

use starsessions_browser_tests::Browser;

fn has(browser: &Browser, part: &str) {
    let text = browser.text();
    assert!(text.contains(part), "`{part}` is not in the page:\n{text}");
}
