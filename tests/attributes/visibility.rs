//! `secret` and `skip`.

use starsessions::{CurrentSession, Session};
use starsessions_tests::client::Client;

struct NoDebug(u8);

#[derive(Session)]
struct Account {
    name: String,
    #[session(secret)]
    token: Option<String>,
    #[session(secret, rename = "pin")]
    code: u32,
    #[session(skip)]
    cache: Vec<u32>,
    #[session(skip, default = 9)]
    level: u8,
    #[session(skip, secret, default = NoDebug(3))]
    hidden: NoDebug,
}

#[tokio::test]
async fn debug_shows_everything_but_secrets() {
    let mut browser = Client::guest();
    let shown = browser
        .with(|account: &mut Session<Account>| {
            account.name = "Ada".to_owned();
            account.token = Some("hunter2".to_owned());
            account.code = 4711;
            format!("{account:?}\n{account:#?}")
        })
        .await;
    assert!(
        !shown.contains("hunter2") && !shown.contains("4711"),
        "{shown}"
    );
    let line = shown.lines().next().unwrap();
    assert_eq!(
        line,
        "Account { name: \"Ada\", token: <secret>, code: <secret>, cache: [], level: 9, hidden: <secret> }"
    );
}

#[tokio::test]
async fn debug_of_the_whole_session_shows_nothing() {
    let mut browser = Client::guest();
    browser
        .with(|account: &mut Session<Account>| account.token = Some("hunter2".to_owned()))
        .await;
    let reply = browser
        .visit(async |session: CurrentSession, _: Session<Account>| format!("{session:?}"))
        .await;
    assert_eq!(reply.body, "CurrentSession(..)");
}

#[tokio::test]
async fn a_secret_is_stored_like_any_other_field() {
    let mut browser = Client::guest();
    browser
        .with(|account: &mut Session<Account>| account.token = Some("hunter2".to_owned()))
        .await;
    let token = browser
        .with(|account: &mut Session<Account>| account.token.clone())
        .await;
    assert_eq!(token.as_deref(), Some("hunter2"));
}

#[tokio::test]
async fn the_reasons_of_refused_secrets_do_not_show_them() {
    #[derive(Session)]
    struct Large {
        #[session(secret)]
        token: String,
    }
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut large: Session<Large>| {
            large.token = "hunter2".repeat(10_000);
            let error = large.commit().await.unwrap_err();
            format!("{error} {error:?}")
        })
        .await;
    assert!(reply.body.contains("large.token") && !reply.body.contains("hunter2"));
}

#[tokio::test]
async fn a_skipped_field_is_never_stored_and_its_change_is_no_change() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut account: Session<Account>| {
            account.cache.push(1);
            account.level = 1;
        })
        .await;
    assert!(!reply.sets_cookie());

    browser
        .with(|account: &mut Session<Account>| {
            account.name = "Ada".to_owned();
            account.cache.push(1);
            account.level = 1;
            account.hidden.0 = 1;
        })
        .await;
    let read =
        |account: &mut Session<Account>| (account.cache.len(), account.level, account.hidden.0);
    assert_eq!(
        browser.with(read).await,
        (0, 9, 3),
        "what it is without a value, each time"
    );
}
