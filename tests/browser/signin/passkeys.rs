//! Registration, sign-in and confirmation with a passkey.

use serde_json::{Value, json};
use starsessions_browser_tests::{Browser, Example};

use super::has;

#[test]
fn a_user_registers_signs_out_and_signs_in() {
    let (site, browser) = open();
    browser.go(&site.page("/vault"));
    assert_eq!(browser.path(), "/");
    register(&site, &browser, "Ada");
    let registered = cookie(&browser);
    sign_out(&browser);
    submit(&site, &browser, "/login", "Ada", "/");
    has(&browser, "Hello, Ada");
    assert_ne!(cookie(&browser), registered);
    // A name cannot be registered twice.
    sign_out(&browser);
    let status = post(&browser, "/register/start", &json!({ "name": "Ada" }));
    assert_eq!(status, 409);
}

#[test]
fn the_passkey_of_another_user_is_refused() {
    let (site, browser) = open();
    for user in ["Bob", "Ada"] {
        register(&site, &browser, user);
        sign_out(&browser);
    }
    // The browser itself would not use Bob's passkey for Ada, so the page asks it to sign Ada's challenge with Bob's
    // passkey.
    let statuses = perform(&browser, "
        const [bob, ada] = [await challenge('Bob'), await challenge('Ada')];
        ada.publicKey.allowCredentials = bob.publicKey.allowCredentials;
        return [await finish(await answer(ada)), await finish(await answer(await challenge('Ada')))];",
    );
    assert_eq!(statuses, json!([403, 200]));
    browser.go(&site.page("/"));
    has(&browser, "Hello, Ada");
}

#[test]
fn a_challenge_is_answered_once() {
    let (site, browser) = open();
    register(&site, &browser, "Ada");
    sign_out(&browser);
    let statuses = perform(
        &browser,
        "
        const once = await answer(await challenge('Ada'));
        const first = await finish(once);
        const second = await finish(once);
        const twice = await answer(await challenge('Ada'));
        const both = await Promise.all([finish(twice), finish(twice)]);
        return [first, second, both.filter(status => status === 200).length];",
    );
    assert_eq!(statuses, json!([200, 403, 1]));
}

#[test]
fn the_vault_wants_the_passkey_of_the_last_five_minutes() {
    let (site, browser) = open();
    register(&site, &browser, "Ada");
    let before = cookie(&browser);
    browser.go(&site.page("/vault"));
    assert_eq!(browser.path(), "/confirm");
    browser.run("document.querySelector('button').click()");
    browser.arrive(&site.page("/vault"));
    has(&browser, "Vault of Ada");
    assert_ne!(cookie(&browser), before);
    site.advance(4);
    browser.go(&site.page("/vault"));
    has(&browser, "Vault of Ada");
    site.advance(6);
    browser.go(&site.page("/vault"));
    assert_eq!(browser.path(), "/confirm");
    // The next user has not confirmed yet.
    browser.run("document.querySelector('button').click()");
    browser.arrive(&site.page("/vault"));
    let status = perform(
        &browser,
        "return finish(await answer(await challenge('Ada')));",
    );
    assert_eq!(status, 200);
    browser.go(&site.page("/vault"));
    assert_eq!(browser.path(), "/confirm");
}

fn open() -> (Example, Browser) {
    let (site, browser) = (Example::passkeys(), Browser::open());
    browser.add_authenticator();
    (site, browser)
}

fn register(site: &Example, browser: &Browser, user: &str) {
    browser.go(&site.page("/"));
    submit(site, browser, "/register", user, "/");
    has(browser, &format!("Hello, {user}"));
}

/// Submits one of the forms, and waits for the page to which its script leads.
fn submit(site: &Example, browser: &Browser, form: &str, user: &str, to: &str) {
    browser.fill(&format!("form[action='{form}'] input"), user);
    browser.click(&format!("form[action='{form}'] button"));
    browser.arrive(&site.page(to));
}

fn sign_out(browser: &Browser) {
    browser.click("form[action='/logout'] button");
    has(browser, "Hello, guest");
}

fn cookie(browser: &Browser) -> Value {
    browser.cookie("starsessions-dev").expect("a session")["value"].clone()
}

fn post(browser: &Browser, path: &str, body: &Value) -> Value {
    browser.run(&format!(
        "return fetch('{path}', {{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: JSON.stringify({body}) }}).then(it => it.status)"
    ))
}

/// Runs this script in the page.
fn perform(browser: &Browser, script: &str) -> Value {
    browser.run(&format!("{CEREMONY} return (async () => {{ {script} }})()"))
}

/// The sign-in ceremony, step by step, as an attacker's script could run it.
const CEREMONY: &str = "
    const send = (path, body) => fetch(path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const challenge = name => send('/login/start', { name }).then(it => it.json());
    const answer = ({ publicKey }) => navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
    });
    const finish = answer => send('/login/finish', answer).then(it => it.status);";
