//! `commit = always`, and the behaviour of other fields when a request fails. `index`.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::StatusCode;
use starsessions::config::OnServerError;
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::routing::any;

#[derive(Session)]
struct Attempts {
    #[session(commit = always, merge = sum)]
    failed: u32,
    #[session(commit = always)]
    reason: Option<String>,
    draft: String,
}

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn fails(browser: &mut Client, status: StatusCode) -> StatusCode {
    let reply = browser
        .visit(async move |mut attempts: Session<Attempts>| {
            attempts.failed += 1;
            attempts.reason = Some("no such user".to_owned());
            attempts.draft.push('x');
            status
        })
        .await;
    reply.status
}

async fn attempts(browser: &mut Client) -> (u32, bool, usize) {
    browser
        .with(|it: &mut Session<Attempts>| (it.failed, it.reason.is_some(), it.draft.len()))
        .await
}

#[tokio::test]
async fn a_5xx_keeps_what_is_always_committed_and_drops_the_rest() {
    for status in [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ] {
        let mut browser = Client::guest();
        for _ in 0..3 {
            assert_eq!(fails(&mut browser, status).await, status);
        }
        assert_eq!(attempts(&mut browser).await, (3, true, 0));
    }
}

#[tokio::test]
async fn anything_below_is_an_answer_like_any_other() {
    for status in [
        StatusCode::UNAUTHORIZED,
        StatusCode::NOT_FOUND,
        StatusCode::SEE_OTHER,
    ] {
        let mut browser = Client::guest();
        fails(&mut browser, status).await;
        assert_eq!(attempts(&mut browser).await, (1, true, 1), "{status}");
    }
}

/// No field of an ended session begins the next one, not even a field that is always committed.
#[tokio::test]
async fn a_logout_drops_what_would_be_committed_always() {
    let mut browser = Client::guest();
    fails(&mut browser, StatusCode::OK).await;
    browser
        .visit(
            async |mut attempts: Session<Attempts>, session: CurrentSession| {
                attempts.failed += 1;
                attempts.flush()?;
                session.destroy()
            },
        )
        .await;
    assert_eq!(attempts(&mut browser).await, (0, false, 0));
}

#[tokio::test]
async fn a_panic_keeps_what_is_always_committed() {
    let mut browser = Client::guest();
    browser
        .with(|attempts: &mut Session<Attempts>| attempts.draft.push('a'))
        .await;
    let mut tab = browser.clone();
    let request = tokio::spawn(async move {
        tab.visit(async |mut attempts: Session<Attempts>| {
            attempts.failed += 1;
            attempts.draft.push('b');
            assert_eq!(attempts.failed, 7, "a deliberate panic");
        })
        .await
    });
    assert!(request.await.is_err());
    assert_eq!(attempts(&mut browser).await, (1, false, 1));
}

/// Counts the attempt before the route runs; the route rejects the visitor.
async fn count(mut attempts: Session<Attempts>, request: Request, next: Next) -> Response {
    attempts.failed += 1;
    attempts.draft.push('x');
    drop(attempts);
    next.run(request).await
}

#[tokio::test]
async fn an_extractor_that_turns_a_request_away_keeps_it_too() {
    let mut browser = Client::guest();
    let app = Router::new()
        .route("/", any(async |_: Session<Login>| {}))
        .layer(from_fn(count));
    let reply = browser.go(app).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(attempts(&mut browser).await, (1, false, 0));
}

#[tokio::test]
async fn the_layer_can_keep_everything_on_a_5xx() {
    let test = TestSessions::with(|layer| layer.on_server_error(OnServerError::Commit));
    let mut browser = Client::behind(test.layer());
    fails(&mut browser, StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!(attempts(&mut browser).await, (1, true, 1));
    let discard = async |mut attempts: Session<Attempts>, session: CurrentSession| {
        attempts.failed += 1;
        attempts.draft.push('x');
        session.discard().unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    browser.visit(discard).await;
    assert_eq!(
        attempts(&mut browser).await,
        (2, true, 1),
        "what the handler does not want is not kept"
    );
}

#[tokio::test]
async fn a_5xx_after_a_commit_keeps_what_was_committed() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut attempts: Session<Attempts>| {
            attempts.draft.push('a');
            attempts.commit().await?;
            attempts.draft.push('b');
            attempts.failed += 1;
            Ok::<_, SessionError>(StatusCode::BAD_GATEWAY)
        })
        .await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert_eq!(attempts(&mut browser).await, (1, false, 1));
}

/// A change that is dropped anyway causes no error that would replace the handler's own.
#[tokio::test]
async fn a_5xx_stays_where_a_change_could_not_have_been_stored() {
    let reply = Client::guest()
        .visit(async |mut attempts: Session<Attempts>| {
            attempts.draft = "x".repeat(1 << 20);
            StatusCode::BAD_GATEWAY
        })
        .await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_5xx_keeps_a_logout() {
    let mut browser = Client::guest();
    browser.insert(Login { user: 7 }).await;
    let copy = browser.clone();
    let reply = browser
        .visit(async |session: CurrentSession| {
            session.destroy().unwrap();
            StatusCode::INTERNAL_SERVER_ERROR
        })
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    for mut browser in [browser, copy] {
        let reply = browser.visit(async |_: Session<Login>| {}).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_5xx_drops_a_sign_in() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |session: CurrentSession| {
            session.insert(Login { user: 7 }).unwrap();
            StatusCode::INTERNAL_SERVER_ERROR
        })
        .await;
    assert!(!reply.sets_cookie());
    let reply = browser.visit(async |_: Session<Login>| {}).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_indexed_field_is_stored_like_any_other() {
    let mut browser = Client::guest();
    browser.insert(Login { user: 7 }).await;
    browser
        .with(|login: &mut Session<Login>| login.user += 1)
        .await;
    assert_eq!(
        browser.with(|login: &mut Session<Login>| login.user).await,
        8
    );
}

/// An attacker who guesses passwords must not escape the count by a name that is too long to be stored.
#[tokio::test]
async fn a_value_that_cannot_be_stored_does_not_stop_the_count() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut attempts: Session<Attempts>| {
            attempts.failed += 1;
            attempts.draft = "x".repeat(1024 * 1024);
        })
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(attempts(&mut browser).await, (1, false, 0));

    let reply = browser
        .visit(async |mut attempts: Session<Attempts>| {
            attempts.failed += 1;
            attempts.draft = "x".repeat(1024 * 1024);
            attempts.commit().await
        })
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(attempts(&mut browser).await, (2, false, 0));
}

/// A value that refuses to be serialized while it is incomplete.
#[derive(Default, serde::Deserialize)]
struct Torn(bool);

impl serde::Serialize for Torn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!self.0, "half written");
        serializer.serialize_bool(self.0)
    }
}

#[derive(Session)]
struct Ledger {
    #[session(commit = always)]
    entries: u32,
    torn: Torn,
}

#[tokio::test]
async fn a_panic_that_a_value_makes_worse_is_one_panic() {
    let mut tab = Client::guest();
    let request = tokio::spawn(async move {
        tab.visit(async |mut ledger: Session<Ledger>| {
            ledger.entries += 1;
            ledger.torn.0 = true;
            assert_eq!(ledger.entries, 7, "a deliberate panic");
        })
        .await
    });
    let panic = request.await.unwrap_err().into_panic();
    let message: &String = panic.downcast_ref().unwrap();
    assert!(message.contains("a deliberate panic"), "{message}");
}

#[tokio::test]
async fn a_4xx_keeps_what_its_handler_has_changed_unless_it_says_otherwise() {
    let mut browser = Client::guest();
    let bad = StatusCode::BAD_REQUEST;
    assert_eq!(fails(&mut browser, bad).await, bad);
    assert_eq!(attempts(&mut browser).await, (1, true, 1));
    for says_first in [true, false] {
        let reply = browser
            .visit(
                async move |mut attempts: Session<Attempts>, session: CurrentSession| {
                    if says_first {
                        session.discard().unwrap();
                    }
                    attempts.failed += 1;
                    attempts.draft.push('x');
                    drop(attempts);
                    if !says_first {
                        session.discard().unwrap();
                    }
                },
            )
            .await;
        assert_eq!(reply.status, StatusCode::OK);
    }
    assert_eq!(attempts(&mut browser).await, (3, true, 1));
}

#[tokio::test]
async fn a_logout_and_a_new_id_are_not_discarded() {
    let mut browser = Client::guest();
    browser.insert(Login { user: 7 }).await;
    let before = browser.cookies();
    let rotate = async |session: CurrentSession| {
        session.discard()?;
        session.rotate()
    };
    browser.visit(rotate).await;
    assert_ne!(browser.cookies(), before);
    let log_out = async |session: CurrentSession| {
        session.discard()?;
        session.destroy()
    };
    browser.visit(log_out).await;
    assert_eq!(browser.cookies(), None);
}
