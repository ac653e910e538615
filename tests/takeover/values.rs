//! Python's values as Rust types, and the fate of values that have no counterpart.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use starsessions::python::{RedisStore, Sessions};
use starsessions::{KeyRing, Session, SessionLayer};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{get, post};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

/// The part of Python's user that this side needs.
#[derive(Clone, Default, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

#[derive(Session)]
#[session(namespace = "python")]
struct Page {
    #[session(codec = json)]
    user: User,
    #[session(codec = json)]
    scores: BTreeMap<String, f64>,
    #[session(codec = json, merge = sum)]
    cart: u64,
    #[session(codec = json)]
    theme: Option<String>,
    #[session(codec = json, default = None)]
    motto: Option<String>,
}

async fn name(page: Session<Page>) -> String {
    format!("{} {:?}", page.user.name, page.scores.get("a"))
}

async fn rename(mut page: Session<Page>) {
    page.user.name = "bob".to_owned();
}

async fn forget(mut page: Session<Page>) -> String {
    format!("{:?} {:?}", page.theme.take(), page.motto.take())
}

async fn add(mut page: Session<Page>) -> String {
    page.cart += 1;
    page.cart.to_string()
}

/// A browser whose Python session has this content.
async fn browser(id: char, text: &str) -> (Client, String) {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    let key = format!("starsessions.{}", id.to_string().repeat(32));
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::cmd("SET");
    command.arg(&key).arg(text).arg("EX").arg(1_000);
    command.exec_async(&mut connection).await.unwrap();
    let sessions = Sessions::new(RedisStore::connect(client).await.unwrap());
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap());
    let routes = Router::new()
        .route("/name", get(name).post(rename))
        .route("/cart", post(add))
        .route("/forget", post(forget))
        .layer(layer.build().unwrap());
    let cookie = format!("session={}", id.to_string().repeat(32));
    (Client::new(&routes).showing(cookie), key)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_struct_does_not_name_stays_until_its_field_changes() {
    let user = r#"{"name": "ann",   "admin": true, "id": 7}"#;
    let scores = r#"{"b": 2.50, "a": 1}"#;
    let text = format!(r#"{{"user": {user}, "scores": {scores}}}"#);
    let (browser, key) = browser('a', &text).await;
    assert_eq!(
        browser.ask(Method::GET, "/name").await.body,
        "ann Some(1.0)"
    );
    assert_eq!(ask(&REDIS, &["GET", &key]).trim(), text);
    browser.ask(Method::POST, "/cart").await;
    let stored = ask(&REDIS, &["GET", &key]);
    assert!(stored.contains(user) && stored.contains(scores), "{stored}");
    browser.ask(Method::POST, "/name").await;
    let stored = ask(&REDIS, &["GET", &key]);
    assert!(
        stored.contains(r#""user": {"id":7,"name":"bob"}"#),
        "{stored}"
    );
    assert!(stored.contains(scores), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_as_large_and_as_deep_as_python_has_made_them() {
    let large = format!("\"{}\"", "x".repeat(300_000));
    let deep = format!("{}1{}", "[".repeat(900), "]".repeat(900));
    let many = (0..3_000).map(|place| format!(r#""name_{place}": {place}"#));
    let many = many.collect::<Vec<_>>().join(", ");
    let text = format!(r#"{{"large": {large}, "deep": {deep}, {many}}}"#);
    let (browser, key) = browser('b', &text).await;
    for expected in ["1", "2"] {
        let reply = browser.ask(Method::POST, "/cart").await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, expected));
    }
    let stored = ask(&REDIS, &["GET", &key]);
    for part in [&large, &deep, &many] {
        assert!(stored.contains(part.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_no_value_of_its_field_stays_until_the_field_changes() {
    let (browser, key) = browser('c', r#"{"user": "ann", "scores": {"a": 1}}"#).await;
    assert_eq!(browser.ask(Method::GET, "/name").await.body, " Some(1.0)");
    browser.ask(Method::POST, "/cart").await;
    let stored = ask(&REDIS, &["GET", &key]);
    assert!(stored.contains(r#""user": "ann""#), "{stored}");
    browser.ask(Method::POST, "/name").await;
    let stored = ask(&REDIS, &["GET", &key]);
    assert!(
        stored.contains(r#""user": {"id":0,"name":"bob"}"#),
        "{stored}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn none_removes_a_key_or_is_null_where_the_default_says_so() {
    for (id, text) in [('d', r#""dark""#), ('e', "null")] {
        let (browser, key) = browser(id, &format!(r#"{{"theme": {text}, "motto": {text}}}"#)).await;
        let known = if id == 'd' {
            r#"Some("dark") Some("dark")"#
        } else {
            "None None"
        };
        assert_eq!(browser.ask(Method::POST, "/forget").await.body, known);
        let stored = ask(&REDIS, &["GET", &key]);
        assert!(stored.contains(r#""motto": null"#), "{stored}");
        assert_eq!(stored.contains("theme"), id == 'e', "{stored}");
    }
}
