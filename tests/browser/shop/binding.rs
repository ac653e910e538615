//! How Chromium handles a bound session when something interferes. Tested on one store, because the rules are those of
//! the layer and the browser.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use starsessions_browser_tests::{BoundSite, Browser};

use super::device::{SHORT, value, wait_for};
use super::has;

/// A browser that has signed in and registered its device. The grace period for requests under way is over.
fn bound() -> (BoundSite, Browser) {
    let site = BoundSite::open();
    let browser = Browser::chromium_with(&site.browser_options());
    sign_in(&site, &browser);
    (site, browser)
}

fn sign_in(site: &BoundSite, browser: &Browser) {
    let former = value(browser, SHORT);
    browser.go(&site.page("/login"));
    browser.click("button");
    has(browser, "user 7");
    wait_for(|| value(browser, SHORT) != former, "a short cookie");
    site.later(browser, 10);
}

/// Fetches a page by script, and returns its status and text.
fn fetch(browser: &Browser, path: &str) -> (u64, String) {
    let answer = browser.run(&format!(
        "return fetch('{path}').then(async it => [it.status, await it.text()])"
    ));
    let text = answer[1].as_str().expect("a text").to_owned();
    (answer[0].as_u64().expect("a status"), text)
}

#[test]
fn a_socket_of_a_bound_page_waits_for_the_refresh() {
    let (site, browser) = bound();
    browser.forget(SHORT);
    let said = browser.run(
        "return new Promise(done => {
            const socket = new WebSocket(`wss://${location.host}/socket`);
            socket.onmessage = ({ data }) => done(data);
            socket.onerror = () => done('refused');
        })",
    );
    assert_eq!(said, "user 7");
    assert_eq!(site.seen(&browser), (1, vec![200]));
}

#[test]
fn requests_at_once_wait_for_one_refresh() {
    let (site, browser) = bound();
    browser.forget(SHORT);
    site.answer(&browser, "hold");
    browser.run(
        "window.answers = ['/account', '/vault', '/account', '/vault'].map(path =>
            fetch(path).then(it => it.status))",
    );
    wait_for(|| site.seen(&browser).1 == [0], "refresh");
    sleep(MOMENT);
    site.answer(&browser, "pass");
    let statuses = browser.run("return Promise.all(answers)");
    assert_eq!(statuses, json!([200, 200, 200, 200]));
    assert_eq!(site.seen(&browser), (1, vec![200]));
}

#[test]
fn a_503_at_the_refresh_costs_one_page_and_not_the_session() {
    let (site, browser) = bound();
    let cookies = session(&browser);
    site.answer(&browser, "503");
    browser.forget(SHORT);
    browser.go(&site.page("/account"));
    assert_eq!(browser.status(), 403);
    assert_eq!(session(&browser), cookies);
    site.answer(&browser, "pass");
    browser.go(&site.page("/account"));
    has(&browser, "user 7");
    assert_eq!(site.seen(&browser), (1, vec![503, 200]));
}

#[test]
fn a_429_at_the_refresh_ends_the_binding_and_the_user_signs_in_again() {
    let (site, browser) = bound();
    // After the time in which a page may still be registering.
    site.later(&browser, 50);
    site.answer(&browser, "429");
    browser.forget(SHORT);
    browser.go(&site.page("/account"));
    assert_eq!(browser.path(), "/login", "no browser of this session");
    assert_eq!(session(&browser), None);
    site.answer(&browser, "pass");
    sign_in(&site, &browser);
    browser.forget(SHORT);
    browser.go(&site.page("/vault"));
    has(&browser, "vault of 7");
    assert_eq!(site.seen(&browser), (2, vec![429, 200]));
}

#[test]
fn a_browser_without_quota_is_refused_and_keeps_its_session() {
    let (site, browser) = bound();
    let cookies = session(&browser);
    let refused = (0..20).find(|_| {
        site.later(&browser, 1);
        browser.forget(SHORT);
        fetch(&browser, "/account").0 == 403
    });
    assert!(
        refused.is_some_and(|refreshes| refreshes > 0),
        "{refused:?}"
    );
    browser.go(&site.page("/account"));
    assert_eq!((browser.status(), &*browser.path()), (403, "/account"));
    assert_eq!(session(&browser), cookies, "the user is still signed in");
    let (_, statuses) = site.seen(&browser);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

#[test]
fn a_second_sign_in_is_a_second_binding_and_ends_the_first() {
    let (site, browser) = bound();
    sign_in(&site, &browser);
    // Chromium signs at most six times in nine minutes. The registrations, the refused refresh and these refreshes
    // count.
    for _ in 0..2 {
        browser.forget(SHORT);
        assert_eq!(fetch(&browser, "/vault"), (200, "vault of 7".to_owned()));
    }
    // The browser may refresh either binding first.
    let (registrations, mut statuses) = site.seen(&browser);
    statuses.retain(|status| *status != 200);
    assert_eq!(registrations, 2);
    assert!([vec![], vec![400]].contains(&statuses), "{statuses:?}");
}

#[test]
fn a_session_that_ends_beside_a_refresh_has_ended() {
    let (site, browser) = bound();
    browser.forget(SHORT);
    site.answer(&browser, "hold");
    browser.run("window.answer = fetch('/account').then(it => it.status)");
    wait_for(|| site.seen(&browser).1 == [0], "refresh");
    assert_eq!(fetch(&browser, "/control/end").1, "1");
    site.answer(&browser, "pass");
    assert_eq!(
        browser.run("return answer"),
        401,
        "a script is not led away"
    );
    assert_eq!(value(&browser, SHORT), None);
    assert_eq!(site.seen(&browser), (1, vec![400]));
}

#[test]
fn a_restart_of_the_browser_keeps_the_binding() {
    let (site, browser) = bound();
    let browser = browser.reopen_with(&site.browser_options());
    browser.go(&site.page("/control/seen"));
    assert!(session(&browser).is_some(), "a session that is remembered");
    browser.forget(SHORT);
    browser.go(&site.page("/vault"));
    has(&browser, "vault of 7");
    assert_eq!(
        site.seen(&browser),
        (1, vec![403, 200]),
        "the same binding, and no challenge ahead"
    );
}

fn session(browser: &Browser) -> Option<Value> {
    value(browser, "__Host-Http-id")
}

/// How long a test waits for an event that must not happen.
const MOMENT: Duration = Duration::from_millis(200);
