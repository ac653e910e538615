//! Several cookies: two former sessions, or a session of ours as well.

use http::{Method, StatusCode};
use starsessions::python::{CookieStore, Sessions};
use starsessions::testing::TestSessions;
use starsessions_tests::logs::Logs;

use super::{Login, SECRET, Stage, take_both};

/// A sibling host has planted the attacker's cookie, with a path that puts it first.
#[tokio::test]
async fn of_two_former_sessions_none_is_used_and_a_logout_ends_both() {
    let takeover = take_both(Sessions::new(CookieStore::new(SECRET)));
    let stage = Stage {
        test: TestSessions::with(|layer| layer.explain(true).take_over(takeover)),
    };
    let [victims, planted] = [7, 8].map(|user| stage.signed(&format!(r#"{{"user_id": {user}}}"#)));
    for [first, second] in [[&planted, &victims], [&victims, &planted]] {
        let both = format!("session={first}; session={second}");
        let client = stage.browser("{}").showing(both);
        for _ in 0..2 {
            let reply = client.ask(Method::GET, "/me").await;
            assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
            assert!(!reply.sets_cookie());
            let said = reply.all("x-session-explain").concat();
            assert!(said.contains("two cookies `session` lead to two"), "{said}");
        }
    }
    let both = format!("session={planted}; session={victims}");
    let client = stage.browser("{}").showing(both);
    client.ask(Method::POST, "/logout").await;
    for user in [7, 8] {
        let listed = stage.test.layer().list::<Login>(&user).await.unwrap();
        assert_eq!(listed.len(), 0, "{user}");
    }
    // A cookie that is not a session of the other library changes nothing.
    let own = stage.signed(r#"{"user_id": 9}"#);
    let client = client.showing(format!("session=planted; session={own}; session={own}"));
    assert_eq!(client.ask(Method::GET, "/me").await.body, "9");
}

/// The same limit applies to this library's own cookies.
#[tokio::test]
async fn of_more_former_cookies_than_are_tried_none_is_used() {
    let logs = Logs::capture();
    let stage = Stage::new(|takeover| takeover);
    let own = stage.signed(r#"{"user_id": 7}"#);
    let crowd = format!("session=a; session=b; session=c; session=d; session={own}");
    let client = stage.browser("{}").showing(crowd);
    assert_eq!(client.ask(Method::GET, "/me").await.body, "guest");
    let told = logs.with(&["WARN", "more cookies of the session's name", "session"]);
    assert_eq!(told.len(), 1, "{}", logs.text());
    // The session is still alive, so the response must not say that it has ended.
    let reply = client.ask(Method::POST, "/logout").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_session_of_ours_comes_first() {
    let stage = Stage::new(|takeover| takeover);
    let ours = stage.test.cookie_with(Login { user: 1 }).await.unwrap();
    let both = format!(
        "{}; session={}",
        ours.to_str().unwrap(),
        stage.signed(r#"{"user_id": 7}"#)
    );
    let client = stage.browser("{}").showing(both);
    assert_eq!(client.ask(Method::GET, "/me").await.body, "1");
}
