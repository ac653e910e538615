//! Intended differences from Python; the other files of this folder test the rest of the list.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use http::Method;
use starsessions::python::{CookieStore, RedisStore, Sessions};
use starsessions::testing::TestClock;
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer, Timestamp};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::{get, post};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

const NOW: u64 = 1_800_000_000;
const HOUR: Duration = Duration::from_secs(3_600);
const SECRET: &str = "a secret that Python has as well";

#[derive(Session)]
#[session(namespace = "python")]
struct Cart {
    #[session(codec = json)]
    cart: u64,
}

fn routes() -> Router {
    async fn cart(cart: Session<Cart>) -> String {
        cart.cart.to_string()
    }

    async fn add(mut cart: Session<Cart>) {
        cart.cart += 1;
    }

    async fn rotate(session: CurrentSession) -> Result<(), SessionError> {
        session.rotate()
    }

    async fn rotate_twice(session: CurrentSession) -> Result<(), SessionError> {
        session.rotate()?;
        session.rotate()
    }

    async fn rotate_and_leave(session: CurrentSession) -> Result<(), SessionError> {
        session.rotate()?;
        session.destroy()
    }

    async fn leave_and_set(session: CurrentSession) -> Result<(), SessionError> {
        session.destroy()?;
        session.insert(Cart { cart: 7 })
    }

    Router::new()
        .route("/cart", get(cart).post(add))
        .route("/rotate", post(rotate))
        .route("/rotate-twice", post(rotate_twice))
        .route("/rotate-and-leave", post(rotate_and_leave))
        .route("/leave-and-set", post(leave_and_set))
}

async fn in_redis() -> Sessions {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    Sessions::new(RedisStore::connect(client).await.unwrap())
}

fn site(sessions: Sessions) -> (Client, TestClock) {
    let clock = TestClock::at(NOW);
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap());
    let layer = layer.clock(clock.clone()).build().unwrap();
    (Client::new(&routes().layer(layer)), clock)
}

fn cookie(reply: &Reply) -> String {
    let line = reply.set_cookies()[0];
    line.split(';').next().unwrap().to_owned()
}

fn is_stored(cookie: &str) -> bool {
    let key = cookie.replace("session=", "starsessions.");
    ask(&REDIS, &["EXISTS", &key]).trim() == "1"
}

/// A session with one article, and its cookie.
async fn begun(client: &Client) -> (Client, String) {
    let cookie = cookie(&client.ask(Method::POST, "/cart").await);
    (client.showing(&cookie), cookie)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_id_keeps_the_values_and_ends_the_old_id_however_it_is_asked_for() {
    for path in ["/rotate", "/rotate-twice"] {
        let (client, _) = site(in_redis().await);
        let (browser, before) = begun(&client).await;
        // The request does not read the session.
        let after = cookie(&browser.ask(Method::POST, path).await);
        assert_ne!(before, after, "{path}");
        assert!(!is_stored(&before) && is_stored(&after), "{path}");
        let reply = client.showing(&after).ask(Method::GET, "/cart").await;
        assert_eq!(reply.body, "1", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_session_that_was_given_a_new_id_before() {
    let (client, _) = site(in_redis().await);
    let (browser, before) = begun(&client).await;
    let reply = browser.ask(Method::POST, "/rotate-and-leave").await;
    assert!(!is_stored(&before));
    let line = reply.set_cookies()[0];
    assert!(line.starts_with("session=;"), "an empty value: {line}");
    assert!(
        line.contains("Max-Age=0") && line.contains("Path=/"),
        "{line}"
    );
    assert_eq!(ask(&REDIS, &["GET", "starsessions."]).trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_after_a_logout_is_another_session() {
    let (client, _) = site(in_redis().await);
    let (browser, before) = begun(&client).await;
    let after = cookie(&browser.ask(Method::POST, "/leave-and-set").await);
    assert_ne!(before, after);
    assert!(!is_stored(&before));
    let reply = client.showing(&after).ask(Method::GET, "/cart").await;
    assert_eq!(reply.body, "7");
}

#[tokio::test]
async fn a_fixed_lifetime_in_a_cookie_is_not_prolonged_by_its_responses() {
    let store = CookieStore::new(SECRET);
    let (client, clock) = site(Sessions::new(store).lifetime(HOUR));
    let reply = client.ask(Method::POST, "/cart").await;
    assert_eq!(reply.max_age(), Some(3_600), "not a second less");
    clock.advance(HOUR - Duration::from_secs(1));
    let reply = client
        .showing(cookie(&reply))
        .ask(Method::POST, "/cart")
        .await;
    assert_eq!(reply.max_age(), Some(1));
    let late = client.showing(cookie(&reply));
    assert_eq!(late.ask(Method::GET, "/cart").await.body, "2");
    clock.advance(Duration::from_secs(1));
    // The signature is one second old.
    assert_eq!(late.ask(Method::GET, "/cart").await.body, "0");
}

#[tokio::test]
async fn a_rolling_session_that_is_used_does_not_end() {
    let store = CookieStore::new(SECRET);
    let week = 7 * 24 * HOUR;
    let (client, clock) = site(Sessions::new(store).lifetime(week).rolling(true));
    let mut reply = client.ask(Method::POST, "/cart").await;
    for _ in 0..100 {
        clock.advance(6 * 24 * HOUR);
        reply = client
            .showing(cookie(&reply))
            .ask(Method::POST, "/cart")
            .await;
    }
    let reply = client
        .showing(cookie(&reply))
        .ask(Method::GET, "/cart")
        .await;
    assert_eq!(reply.body, "101");
}

#[test]
fn parts_of_a_second_are_no_lifetime() {
    let build = |lifetime| {
        let sessions = Sessions::new(CookieStore::new(SECRET)).lifetime(lifetime);
        SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap()).build()
    };
    assert!(build(Duration::from_secs(1)).is_ok());
    // Python takes these for 0, a session that ends with the browser.
    for millis in [500, 1_500] {
        let error = build(Duration::from_millis(millis))
            .unwrap_err()
            .to_string();
        assert!(error.contains("seconds"), "{error}");
    }
}

#[tokio::test]
async fn of_a_cookie_that_python_would_accept_only_its_own_forms_are_looked_for() {
    let (client, _) = site(Sessions::new(CookieStore::new(SECRET)));
    let signed =
        CookieStore::new(SECRET).sign(br#"{"cart": 4}"#, Timestamp::from_unix_seconds(NOW));
    let ask = async |value: &str| {
        let client = client.showing(format!("session={value}"));
        client.ask(Method::GET, "/cart").await.body
    };
    assert_eq!(ask(&signed).await, "4");
    for value in [
        "''",
        "",
        "x",
        &signed[1..],
        &format!("{signed}="),
        &"a.b.c".repeat(700),
    ] {
        assert_eq!(ask(value).await, "0", "{value:.40}");
    }
}
