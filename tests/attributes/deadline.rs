//! `expires` and `idle`: deadlines to the second, and the events that move them.

use std::time::Duration;

use axum::Router;
use http::StatusCode;
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{PassiveLayer, Session};
use starsessions_tests::client::Client;
use starsessions_tests::routing::any;

#[derive(Session)]
struct Offer {
    #[session(expires = "10m")]
    coupon: Option<u32>,
    seen: u32,
}

#[derive(Session)]
struct Draft {
    #[session(idle = "15m")]
    text: Option<String>,
    title: String,
}

#[derive(Session)]
struct Both {
    #[session(expires = "20m", idle = "5m")]
    code: Option<u32>,
}

#[derive(Session)]
struct Sudo {
    #[session(required, expires = "5m")]
    confirmed: bool,
}

#[derive(Session)]
struct Elsewhere {
    count: u32,
}

fn start() -> (Client, TestClock) {
    let test = TestSessions::new();
    (Client::behind(test.layer()), test.clock().clone())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn coupon(browser: &mut Client) -> Option<u32> {
    browser
        .with(|offer: &mut Session<Offer>| offer.coupon)
        .await
}

async fn set_coupon(browser: &mut Client, coupon: u32) {
    browser
        .with(move |offer: &mut Session<Offer>| offer.coupon = Some(coupon))
        .await;
}

#[tokio::test]
async fn a_field_expires_in_its_second_and_not_before() {
    for (age, expected) in [(599, Some(5)), (600, None), (601, None)] {
        let (mut browser, clock) = start();
        browser
            .with(|offer: &mut Session<Offer>| (offer.coupon, offer.seen) = (Some(5), 1))
            .await;
        clock.advance(seconds(age));
        assert_eq!(coupon(&mut browser).await, expected, "after {age} s");
        let seen = browser.with(|offer: &mut Session<Offer>| offer.seen).await;
        assert_eq!(seen, 1, "the fields beside it stay");
    }
}

#[tokio::test]
async fn a_new_value_expires_later() {
    for (age, expected) in [(599, Some(6)), (600, None)] {
        let (mut browser, clock) = start();
        set_coupon(&mut browser, 5).await;
        clock.advance(seconds(300));
        set_coupon(&mut browser, 6).await;
        clock.advance(seconds(age));
        assert_eq!(
            coupon(&mut browser).await,
            expected,
            "{age} s after the second"
        );
    }
}

#[tokio::test]
async fn the_same_value_is_no_write_and_expires_as_it_did() {
    for (age, expected) in [(299, Some(5)), (300, None)] {
        let (mut browser, clock) = start();
        set_coupon(&mut browser, 5).await;
        clock.advance(seconds(300));
        // A write of the same value, and an undone change together with a real change of another field.
        set_coupon(&mut browser, 5).await;
        browser
            .with(|offer: &mut Session<Offer>| {
                offer.coupon = None;
                offer.coupon = Some(5);
                offer.seen += 1;
            })
            .await;
        clock.advance(seconds(age));
        assert_eq!(
            coupon(&mut browser).await,
            expected,
            "{age} s after the second"
        );
    }
}

#[tokio::test]
async fn an_insert_renews_the_same_value() {
    for (age, expected) in [(599, Some(5)), (600, None)] {
        let (mut browser, clock) = start();
        set_coupon(&mut browser, 5).await;
        clock.advance(seconds(300));
        let offer = Offer {
            coupon: Some(5),
            seen: 0,
        };
        browser.insert(offer).await;
        clock.advance(seconds(age));
        assert_eq!(
            coupon(&mut browser).await,
            expected,
            "{age} s after the insert"
        );
    }
}

#[tokio::test]
async fn reading_does_not_keep_an_expiring_field() {
    let (mut browser, clock) = start();
    set_coupon(&mut browser, 5).await;
    for _ in 0..9 {
        clock.advance(seconds(60));
        assert_eq!(coupon(&mut browser).await, Some(5));
    }
    clock.advance(seconds(60));
    assert_eq!(coupon(&mut browser).await, None);
}

#[tokio::test]
async fn a_required_field_that_has_expired_turns_the_request_away() {
    for (age, status) in [
        (299, StatusCode::OK),
        (300, StatusCode::UNAUTHORIZED),
        (301, StatusCode::UNAUTHORIZED),
    ] {
        let (mut browser, clock) = start();
        browser.insert(Sudo { confirmed: true }).await;
        clock.advance(seconds(age));
        let reply = browser
            .visit(|sudo: Session<Sudo>| async move { sudo.confirmed.to_string() })
            .await;
        assert_eq!(reply.status, status, "after {age} s");
    }
}

#[tokio::test]
async fn an_expired_field_can_be_written_again() {
    let (mut browser, clock) = start();
    set_coupon(&mut browser, 5).await;
    clock.advance(seconds(600));
    set_coupon(&mut browser, 5).await;
    clock.advance(seconds(599));
    assert_eq!(coupon(&mut browser).await, Some(5));
}

async fn text(browser: &mut Client) -> Option<String> {
    browser
        .with(|draft: &mut Session<Draft>| draft.text.clone())
        .await
}

async fn draft() -> (Client, TestClock) {
    let (mut browser, clock) = start();
    browser
        .with(|draft: &mut Session<Draft>| draft.text = Some("dear".to_owned()))
        .await;
    (browser, clock)
}

#[tokio::test]
async fn an_unused_field_goes_in_its_second_and_not_before() {
    for (age, is_there) in [(899, true), (900, false), (901, false)] {
        let (mut browser, clock) = draft().await;
        clock.advance(seconds(age));
        assert_eq!(
            text(&mut browser).await.is_some(),
            is_there,
            "after {age} s"
        );
    }
}

#[tokio::test]
async fn using_the_view_keeps_an_idle_field() {
    let (mut browser, clock) = draft().await;
    for _ in 0..3 {
        clock.advance(seconds(899));
        assert!(text(&mut browser).await.is_some());
    }
    clock.advance(seconds(900));
    for _ in 0..2 {
        let late = text(&mut browser).await;
        assert_eq!(late, None, "a use that comes too late brings nothing back");
    }
}

#[tokio::test]
async fn a_use_is_written_down_once_in_a_minute() {
    for (used_after, gone_after) in [(59, 900), (60, 960)] {
        for (age, is_there) in [(gone_after - 1, true), (gone_after, false)] {
            let (mut browser, clock) = draft().await;
            clock.advance(seconds(used_after));
            assert!(text(&mut browser).await.is_some());
            clock.advance(seconds(age - used_after));
            assert_eq!(
                text(&mut browser).await.is_some(),
                is_there,
                "used after {used_after} s, looked at after {age} s"
            );
        }
    }
}

#[tokio::test]
async fn using_another_view_does_not_keep_an_idle_field() {
    let (mut browser, clock) = draft().await;
    for _ in 0..2 {
        clock.advance(seconds(450));
        browser
            .with(|elsewhere: &mut Session<Elsewhere>| elsewhere.count += 1)
            .await;
    }
    assert_eq!(text(&mut browser).await, None);
}

#[tokio::test]
async fn a_passive_use_does_not_keep_an_idle_field() {
    let (mut browser, clock) = draft().await;
    clock.advance(seconds(899));
    let poll = any(|draft: Session<Draft>| async move { draft.text.is_some().to_string() });
    let reply = browser
        .go(Router::new().route("/", poll.layer(PassiveLayer)))
        .await;
    assert_eq!(reply.body, "true");
    clock.advance(seconds(1));
    assert_eq!(text(&mut browser).await, None);
}

#[tokio::test]
async fn a_change_of_a_field_beside_it_keeps_an_idle_field_too() {
    let (mut browser, clock) = draft().await;
    clock.advance(seconds(899));
    browser
        .with(|draft: &mut Session<Draft>| draft.title.push('x'))
        .await;
    clock.advance(seconds(899));
    assert!(text(&mut browser).await.is_some());
}

async fn code(browser: &mut Client) -> Option<u32> {
    browser.with(|both: &mut Session<Both>| both.code).await
}

#[tokio::test]
async fn a_field_with_both_goes_at_whichever_comes_first() {
    for (age, expected) in [(299, Some(1)), (300, None)] {
        let (mut browser, clock) = start();
        browser
            .with(|both: &mut Session<Both>| both.code = Some(1))
            .await;
        clock.advance(seconds(age));
        assert_eq!(code(&mut browser).await, expected, "unused for {age} s");
    }
    for (rest, expected) in [(239, Some(1)), (240, None)] {
        let (mut browser, clock) = start();
        browser
            .with(|both: &mut Session<Both>| both.code = Some(1))
            .await;
        for _ in 0..4 {
            clock.advance(seconds(240));
            assert_eq!(code(&mut browser).await, Some(1));
        }
        clock.advance(seconds(rest));
        assert_eq!(code(&mut browser).await, expected, "{} s old", 960 + rest);
    }
}
