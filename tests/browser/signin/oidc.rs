//! Sign-in and sign-out with an OpenID provider.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use starsessions_browser_tests::{Browser, Example, Store};

use super::has;

const FORM_POST: (&str, &str) = ("OIDC_RESPONSE_MODE", "form_post");

#[test]
fn two_tabs_sign_in_at_once_and_each_is_back_at_its_page() {
    two_tabs(&[]);
}

#[test]
fn two_tabs_sign_in_at_once_by_forms_of_the_provider() {
    two_tabs(&[FORM_POST]);
}

fn two_tabs(settings: &[(&str, &str)]) {
    let (site, _provider) = Example::oidc(Store::Memory, settings);
    let browser = Browser::open();
    let first = browser.tab();
    browser.go(&site.page("/account?tab=1"));
    browser.new_tab();
    browser.go(&site.page("/account?tab=2"));
    allow(&browser, "Ada");
    browser.arrive(&site.page("/account?tab=2"));
    has(&browser, "Account of Ada");
    // The provider does not ask for consent twice.
    browser.switch(&first);
    log_in(&browser, "Ada");
    browser.arrive(&site.page("/account?tab=1"));
    has(&browser, "Account of Ada");
}

#[test]
fn a_forged_answer_signs_nobody_in_and_uses_nothing_up() {
    for settings in [&[][..], &[FORM_POST]] {
        let (site, _provider) = Example::oidc(Store::Memory, settings);
        let browser = Browser::open();
        let real = browser.tab();
        browser.go(&site.page("/account"));
        // The state of another browser's attempt, and an invented state.
        let states = [state(&site), "A".repeat(43)];
        browser.new_tab();
        browser.go(&site.page("/"));
        for state in states {
            let statuses = browser.run(&format!(
                "const answer = new URLSearchParams({{ state: '{state}', code: 'forged' }});
                return Promise.all([
                    fetch('/login/callback?' + answer),
                    fetch('/login/callback', {{ method: 'POST', body: answer }}),
                ]).then(all => all.map(it => it.status))"
            ));
            assert_eq!(statuses, json!([400, 400]));
        }
        browser.go(&site.page("/"));
        has(&browser, "Hello, guest");
        browser.switch(&real);
        allow(&browser, "Ada");
        browser.arrive(&site.page("/account"));
    }
}

#[test]
fn a_user_who_declines_stays_a_guest() {
    let (site, _provider) = Example::oidc(Store::Memory, &[]);
    let browser = Browser::open();
    browser.go(&site.page("/account"));
    browser.click("a[href*='abort']");
    assert_eq!(browser.status(), 400);
    browser.go(&site.page("/"));
    has(&browser, "Hello, guest");
}

#[test]
fn a_page_with_a_long_address_keeps_no_guest_from_signing_in() {
    let (site, _provider) = Example::oidc(Store::Memory, &[FORM_POST]);
    let browser = Browser::open();
    browser.go(&site.page(&format!("/account?search={}", "x".repeat(1900))));
    allow(&browser, "Ada");
    browser.arrive(&site.page("/"));
    has(&browser, "Hello, Ada");
}

#[test]
fn signing_out_here_leads_over_the_provider_and_back() {
    let (site, _provider) = Example::oidc(Store::Memory, &[]);
    let browser = Browser::open();
    sign_in(&browser, &site, "Ada");
    let copy = cookie(&browser);
    browser.go(&site.page("/"));
    browser.click("form[action='/logout'] button");
    // The session has ended, whatever the user answers to the provider.
    assert!(!is_signed_in(&site, &copy));
    browser.click("button[value='yes']");
    browser.arrive(&site.page("/"));
    has(&browser, "Hello, guest");
    // The provider also asks for a new sign-in.
    browser.go(&site.page("/account"));
    has(&browser, "Sign-in");
}

#[test]
fn signing_out_at_the_provider_ends_what_it_names_in_memory() {
    signing_out_at_the_provider_ends_what_it_names(Store::Memory);
}

#[test]
#[ignore = "at night: tests/nightly"]
fn signing_out_at_the_provider_ends_what_it_names_in_redis() {
    signing_out_at_the_provider_ends_what_it_names(Store::Redis);
}

/// Ends one session at the provider, or all sessions of the user if the token names no session.
fn signing_out_at_the_provider_ends_what_it_names(store: Store) {
    let browsers = [Browser::open(), Browser::open(), Browser::open()];
    for (client, still_there) in [("app", true), ("app-without-sid", false)] {
        let (site, provider) = Example::oidc(store, &[("OIDC_CLIENT_ID", client)]);
        for (browser, user) in browsers.iter().zip(["Ada", "Ada", "Bob"]) {
            sign_in(browser, &site, user);
        }
        let cookies = browsers.each_ref().map(cookie);
        browsers[0].go(&format!("{}/session/end", provider.issuer));
        browsers[0].click("button[value='yes']");
        let after = cookies.map(|cookie| is_signed_in(&site, &cookie));
        assert_eq!(after, [false, still_there, true], "{client}");
    }
}

#[test]
fn a_logout_token_is_taken_once_and_a_forged_one_never() {
    let (site, provider) = Example::oidc(Store::Memory, &[]);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let good = json!({
        "iss": provider.issuer, "aud": "app", "sub": "Ada", "jti": "1",
        "iat": now, "exp": now + 120, "events": { event: {} },
    });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        json!({ "typ": "logout+jwt", "claims": claims })
    };
    let mut tokens = vec![
        with("nonce", json!("of a sign-in")),
        with("events", json!({ "another": {} })),
        with("events", Value::Null),
        with("aud", json!("app-without-sid")),
        with("iss", json!("http://localhost:1")),
        with("iat", json!(now - 3600)),
        with("exp", json!(now - 1)),
        with("jti", Value::Null),
        json!({ "typ": "JWT", "claims": good }),
        json!({ "typ": "logout+jwt", "claims": good, "forged": true }),
        json!({ "typ": "logout+jwt", "claims": good }),
    ];
    let mut signed = provider.sign(&json!(tokens));
    let good_token = signed.pop().expect("all are signed");
    let (_, rest) = good_token.split_once('.').expect("a header");
    let (payload, _) = rest.split_once('.').expect("a payload");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"logout+jwt"}"#);
    signed.push(format!("{none}.{payload}."));
    tokens.pop();
    tokens.push(json!("without a signature"));

    let browser = Browser::open();
    sign_in(&browser, &site, "Ada");
    let user = cookie(&browser);
    assert_eq!(signed.len(), tokens.len());
    for (token, what) in signed.iter().zip(&tokens) {
        assert_eq!(send(&site, token), 400, "{what}");
    }
    assert_eq!(send(&site, "no token"), 400);
    assert!(is_signed_in(&site, &user));

    assert_eq!(send(&site, &good_token), 200);
    assert!(!is_signed_in(&site, &user));
    browser.go(&site.page("/account"));
    browser.arrive(&site.page("/account"));
    let again = cookie(&browser);
    assert_eq!(send(&site, &good_token), 400);
    assert!(is_signed_in(&site, &again));
}

fn sign_in(browser: &Browser, site: &Example, user: &str) {
    browser.go(&site.page("/account"));
    allow(browser, user);
    browser.arrive(&site.page("/account"));
    has(browser, &format!("Account of {user}"));
}

/// Signs in at the provider, and gives consent.
fn allow(browser: &Browser, user: &str) {
    log_in(browser, user);
    browser.click("button[type='submit']");
}

fn log_in(browser: &Browser, user: &str) {
    browser.fill("input[name='login']", user);
    browser.fill("input[name='password']", "any");
    browser.click("button[type='submit']");
}

/// The session's cookie, as a `Cookie` header.
fn cookie(browser: &Browser) -> String {
    let cookie = browser.cookie("starsessions-dev").expect("a session");
    format!(
        "starsessions-dev={}",
        cookie["value"].as_str().expect("text")
    )
}

fn is_signed_in(site: &Example, cookie: &str) -> bool {
    let request = agent().get(site.page("/account")).header("cookie", cookie);
    match request.call().expect("an answer").status().as_u16() {
        200 => true,
        303 => false,
        status => panic!("{status}"),
    }
}

/// The state of an attempt in another browser.
fn state(site: &Example) -> String {
    let answer = agent().get(site.page("/login")).call().expect("an answer");
    let link = answer.headers()["location"].to_str().expect("a link");
    let (_, state) = link.split_once("state=").expect("a state");
    state.split('&').next().expect("its text").to_owned()
}

/// Sends a logout token as the provider does, and returns the status.
fn send(site: &Example, token: &str) -> u16 {
    let form = [("logout_token", token)];
    let answer = agent()
        .post(site.page("/logout/backchannel"))
        .send_form(form);
    answer.expect("an answer").status().as_u16()
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.max_redirects(0).build().into()
}
