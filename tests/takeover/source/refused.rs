//! What is not taken over is a guest, or an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::python::{CookieStore, Sessions};
use starsessions::store::StoreError;
use starsessions::takeover::{FormerSession, JsonObject, Source, TakeOver};
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, SessionError, SessionRejection};
use starsessions_tests::client::Client;
use starsessions_tests::routing::post;

use super::{HOUR, Login, SECRET, Stage, later, routes, take_both};

/// Asks for the session twice, after the headers are gone, and then tries to begin another one.
async fn insist(session: CurrentSession) -> String {
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(match session.view::<Login>().await {
            Ok(_) => "user",
            Err(SessionRejection::Absent(_)) => "guest",
            Err(_) => "failed",
        });
    }
    let begun = session.insert(Login { user: 8 });
    format!("{seen:?} {}", begun.is_ok())
}

#[tokio::test]
async fn what_cannot_be_taken_over_makes_no_guest_however_often_it_is_asked_for() {
    let source = Sessions::new(CookieStore::new(SECRET));
    let takeover = TakeOver::new(source, |_, _| Err(SessionError::Closed));
    let stage = Stage {
        test: TestSessions::with(|layer| layer.take_over(takeover)),
    };
    let app = Router::new().route("/insist", post(insist));
    let cookie = format!("session={}", stage.signed(r#"{"user_id": 7}"#));
    let client = Client::new(&app.layer(stage.test.layer())).showing(cookie);
    let reply = client.ask(Method::POST, "/insist").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{reply:?}");
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn nothing_is_taken_over_after_the_cut() {
    let cut = starsessions::Timestamp::from_unix_seconds(1_800_000_010);
    let stage = Stage::new(|takeover| takeover.until(cut));
    let early = stage.browser(r#"{"user_id": 7}"#);
    let late = stage.browser(r#"{"user_id": 8}"#);
    stage.test.clock().advance(Duration::from_secs(9));
    let reply = early.ask(Method::GET, "/me").await;
    assert_eq!(reply.body, "7");
    stage.test.clock().advance(Duration::from_secs(1));
    assert_eq!(late.ask(Method::GET, "/me").await.body, "guest");
    let early = later(&early, &reply);
    assert_eq!(early.ask(Method::GET, "/me").await.body, "7", "it is ours");
}

#[tokio::test]
async fn a_session_of_which_nothing_is_wanted_is_left_alone() {
    let stage = Stage::new(|takeover| takeover);
    for values in [
        r#"{"other": 1}"#,
        "{}",
        r#"{"user_id": "seven"}"#,
        r#"{"user_id": -1}"#,
    ] {
        let reply = stage.browser(values).ask(Method::GET, "/me").await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "guest"),
            "{values}"
        );
        assert!(!reply.sets_cookie(), "{values}");
    }
}

#[tokio::test]
async fn what_python_cannot_have_written_is_a_guest_and_never_an_error() {
    let stage = Stage::new(|takeover| takeover);
    for values in [
        "[7]",
        "null",
        r#"{"user_id": NaN}"#,
        "{",
        "\u{0}",
        r#"{"user_id": 7, "__metadata__": 1}"#,
    ] {
        let reply = stage.browser(values).ask(Method::GET, "/me").await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "guest"),
            "{values}"
        );
    }
    let client = stage.browser("{}");
    let good = stage.signed(r#"{"user_id": 7}"#);
    for cookie in [
        "",
        ".",
        "..",
        "a.b.c",
        &good[1..],
        &good[..good.len() - 1],
        &"a".repeat(9_000),
    ] {
        let reply = client
            .showing(format!("session={cookie}"))
            .ask(Method::GET, "/me")
            .await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "guest"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn an_age_that_python_would_overlook_counts() {
    let stage = Stage::new(|takeover| takeover);
    let now = 1_800_000_000_u64;
    for (created, is_alive) in [
        (now - HOUR + 1, true),
        (now - HOUR, false),
        (now + HOUR, true),
    ] {
        let values = format!(
            r#"{{"user_id": 7, "__metadata__": {{"lifetime": 3600, "created": {created}.5, "last_access": {now}}}}}"#
        );
        let reply = stage.browser(&values).ask(Method::GET, "/me").await;
        assert_eq!(reply.body == "7", is_alive, "{created}");
    }
}

/// A source that fails on demand.
struct Told {
    fails: Arc<AtomicBool>,
}

impl Source for Told {
    fn cookie_name(&self) -> &str {
        "former"
    }

    async fn find(
        &self,
        _: &str,
        now: starsessions::Timestamp,
    ) -> Result<Option<FormerSession>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("told to fail".into()));
        }
        let values = JsonObject::parse(br#"{"user_id": 7}"#).unwrap();
        Ok(Some(FormerSession::new(
            values,
            now + Duration::from_secs(60),
        )))
    }

    async fn remove(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("told to fail".into()))
    }
}

#[tokio::test]
async fn a_source_that_fails_is_an_outage_and_no_guest() {
    let fails = Arc::new(AtomicBool::new(true));
    let source = Told {
        fails: Arc::clone(&fails),
    };
    let test = TestSessions::with(|layer| layer.take_over(take_both(source)));
    let client = Client::new(&routes().layer(test.layer()));
    assert_eq!(
        client.ask(Method::GET, "/me").await.body,
        "guest",
        "no cookie, no question"
    );
    let client = client.showing("former=1");
    let reply = client.ask(Method::GET, "/me").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    fails.store(false, Ordering::Relaxed);
    // A session that cannot be removed from the source is taken over all the same, once.
    let reply = client.ask(Method::GET, "/me").await;
    assert_eq!(reply.body, "7");
    assert_eq!(client.ask(Method::GET, "/me").await.body, "7");
    assert_eq!(test.layer().list::<Login>(&7).await.unwrap().len(), 1);
}
