//! 14. Where sessions are cookies, there is no list of them.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use starsessions::{Session, SessionError, Sessions};
use starsessions_tests::site::{Kept, Site};

#[derive(Session)]
struct Account {
    #[session(required, index)]
    user: u64,
}

#[tokio::test]
async fn scenario_14_sessions_that_are_cookies_say_that_they_cannot_be_listed() {
    let site = Site::kept(Kept::InCookies);
    let sign_in = get(async |sessions: Sessions| sessions.insert(Account { user: 7 }));
    let list = get(async |sessions: Sessions| sessions.list::<Account>().await.map(|_| ()));
    let mut client = site.serve(Router::new().route("/in", sign_in).route("/list", list));
    client.get("/in").await;
    let reply = client.get("/list").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    let revoked = site.sessions.layer().revoke_all::<Account>(&7).await;
    assert!(matches!(revoked, Err(SessionError::Unlisted)));
}

/// In the memory that also holds the keys, nothing is sealed.
#[tokio::test]
async fn scenario_14_a_label_is_shown_where_values_are_plain() {
    let site = Site::new();
    let sign_in = get(async |sessions: Sessions| {
        sessions.insert(Account { user: 7 })?;
        sessions.set_label("Firefox on Linux")
    });
    let mut client = site.serve(Router::new().route("/in", sign_in));
    client.get("/in").await;
    let list = site.sessions.layer().list::<Account>(&7).await.unwrap();
    let labels: Vec<_> = list.iter().map(|session| session.label()).collect();
    assert_eq!(labels, [Some("Firefox on Linux")]);
    assert!(!format!("{list:?}").contains("Firefox"));
}
