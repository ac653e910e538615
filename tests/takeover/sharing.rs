//! A store shared with Python: the guarantees of this library, whatever Python does.

use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::Path;
use axum::{Extension, Router};
use futures_util::FutureExt;
use http::{Method, StatusCode};
use serde_json::Value;
use starsessions::events::{self, EventKind};
use starsessions::python::{CookieStore, RedisStore, Sessions};
use starsessions::testing::TestClock;
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::{get, post};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

const NOW: u64 = 1_800_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Session)]
#[session(namespace = "python")]
struct Login {
    #[session(codec = json, required, rotate, index, rename = "user_id")]
    user: u64,
}

#[derive(Session)]
#[session(namespace = "python", validate = is_allowed)]
struct Cart {
    #[session(codec = json, merge = sum)]
    cart: u64,
    #[session(codec = json, expires = "10m")]
    coupon: Option<String>,
}

/// Allows no coupon for a full cart.
fn is_allowed(cart: &Cart) -> Result<(), &'static str> {
    match cart.cart > 9 && cart.coupon.is_some() {
        true => Err("a coupon for a full cart"),
        false => Ok(()),
    }
}

/// Fields that Python does not need.
#[derive(Session)]
struct Ours {
    #[session(merge = append)]
    seen: Vec<String>,
}

/// Lacks `codec = json`, which is a mistake.
#[derive(Session)]
#[session(namespace = "python")]
struct Binary {
    binary: u64,
}

fn routes() -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/cart", get(cart).post(add))
        .route("/slow", post(slow))
        .route("/seen/{page}", post(see))
        .route("/seen", get(seen))
        .route("/slow/seen/{page}", post(slow_see))
        .route("/coupon", get(coupon).post(take_coupon))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/binary", post(binary))
}

async fn me(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| login.user.to_string())
}

async fn cart(cart: Session<Cart>) -> String {
    cart.cart.to_string()
}

async fn add(mut cart: Session<Cart>) -> String {
    cart.cart += 1;
    cart.cart.to_string()
}

/// Waits at the gate while other requests write.
async fn slow(mut cart: Session<Cart>, Extension(gate): Extension<Gate>) -> String {
    cart.cart += 1;
    gate.pass().await;
    cart.cart.to_string()
}

async fn see(mut ours: Session<Ours>, Path(page): Path<String>) {
    ours.seen.push(page);
}

async fn seen(ours: Session<Ours>) -> String {
    ours.seen.join(",")
}

async fn slow_see(
    mut ours: Session<Ours>,
    Path(page): Path<String>,
    Extension(gate): Extension<Gate>,
) {
    ours.seen.push(page);
    gate.pass().await;
}

async fn coupon(cart: Session<Cart>) -> String {
    cart.coupon.clone().unwrap_or_default()
}

async fn take_coupon(mut cart: Session<Cart>) {
    cart.coupon = Some("ten percent".to_owned());
}

async fn login(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

async fn binary(mut binary: Session<Binary>) {
    binary.binary += 1;
}

async fn stage(set: impl FnOnce(Sessions) -> Sessions) -> (Client, TestClock) {
    let (client, clock, _) = stage_with_gate(set).await;
    (client, clock)
}

async fn stage_with_gate(set: impl FnOnce(Sessions) -> Sessions) -> (Client, TestClock, Gate) {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    let sessions = set(Sessions::new(RedisStore::connect(client).await.unwrap()));
    let clock = TestClock::at(NOW);
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap())
        .clock(clock.clone())
        .build()
        .unwrap();
    let gate = Gate::new();
    let routes = routes().layer(Extension(gate.clone()));
    (Client::new(&routes.layer(layer)), clock, gate)
}

/// Writes as Python does, without reading the stored session.
async fn write(id: &str, text: &str) {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::cmd("SET");
    command
        .arg(format!("starsessions.{id}"))
        .arg(text)
        .arg("EX")
        .arg(1_000);
    command.exec_async(&mut connection).await.unwrap();
}

fn read(id: &str) -> String {
    ask(&REDIS, &["GET", &format!("starsessions.{id}")])
        .trim()
        .to_owned()
}

fn ttl(id: &str) -> u64 {
    ask(&REDIS, &["TTL", &format!("starsessions.{id}")])
        .trim()
        .parse()
        .unwrap()
}

/// The server counts from the moment of the write; on a slow machine, that is some seconds later.
fn is_left(id: &str, expected: u64) {
    let left = ttl(id);
    assert!((expected - 60..=expected).contains(&left), "{left}");
}

fn id(digit: char) -> String {
    digit.to_string().repeat(32)
}

fn at(client: &Client, id: &str) -> Client {
    client.showing(format!("session={id}"))
}

/// The id in a reply's cookie.
fn new_id(reply: &Reply) -> String {
    let line = reply.set_cookies()[0];
    line.split([';', '=']).nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_in_redis_as_long_as_pythons_settings_say() {
    for (lifetime, rolling, gc_ttl, expected) in [
        (0, false, None, 30 * 24 * 3_600),
        (0, false, Some(500), 500),
        (3_600, false, None, 3_600),
        (3_600, true, None, 3_600),
    ] {
        let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
        let mut store = RedisStore::connect(client).await.unwrap();
        if let Some(gc_ttl) = gc_ttl {
            store = store.gc_ttl(Duration::from_secs(gc_ttl));
        }
        let sessions = Sessions::new(store)
            .lifetime(Duration::from_secs(lifetime))
            .rolling(rolling);
        let clock = TestClock::at(NOW);
        let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap());
        let layer = layer.clock(clock.clone()).build().unwrap();
        let client = Client::new(&routes().layer(layer));
        let reply = client.ask(Method::POST, "/cart").await;
        assert_eq!(reply.max_age(), (lifetime > 0).then_some(lifetime));
        let id = new_id(&reply);
        is_left(&id, expected);
        let session: Value = serde_json::from_str(&read(&id)).unwrap();
        let metadata = &session["__metadata__"];
        // A float, as in Python; its fraction distinguishes sessions that began in one second.
        let created = metadata["created"].as_f64().unwrap();
        assert!(
            created > NOW as f64 && created < (NOW + 1) as f64,
            "{created}"
        );
        assert_eq!(metadata["last_access"].to_string(), format!("{NOW}.0"));
        assert_eq!(metadata["lifetime"], lifetime);

        clock.advance(Duration::from_secs(400));
        at(&client, &id).ask(Method::POST, "/cart").await;
        let expected = match (lifetime, rolling) {
            (3_600, false) => expected - 400,
            _ => expected,
        };
        is_left(&id, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_session_has_is_not_adopted() {
    let (client, _) = stage(|sessions| sessions).await;
    for planted in [&id('1'), "x", "../../a", &id('A'), &"a".repeat(33)] {
        let reply = at(&client, planted).ask(Method::POST, "/cart").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_ne!(new_id(&reply), *planted);
        assert_eq!(new_id(&reply).len(), 32);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_ended_is_not_brought_back_by_a_request_under_way() {
    let (client, _, gate) = stage_with_gate(|sessions| sessions).await;
    write(&id('2'), r#"{"cart": 1}"#).await;
    let client = at(&client, &id('2'));
    let slow = tokio::spawn(client.ask(Method::POST, "/slow"));
    gate.reached().await;
    assert_eq!(
        client.ask(Method::POST, "/logout").await.status,
        StatusCode::OK
    );
    gate.open();
    let reply = slow.await.unwrap();
    assert!(!reply.sets_cookie(), "{reply:?}");
    assert_eq!(read(&id('2')), "");
}

/// With Python's sessions, a former id does not lead to the new one, so the session may continue without the change.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_a_sign_in_has_overtaken_is_not_answered_as_done() {
    let (client, _, gate) = stage_with_gate(|sessions| sessions).await;
    write(&id('b'), r#"{"cart": 1}"#).await;
    let client = at(&client, &id('b'));
    let slow = tokio::spawn(client.ask(Method::POST, "/slow"));
    gate.reached().await;
    let signed_in = client.ask(Method::POST, "/login").await;
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::CONFLICT);
    let client = at(&client, &new_id(&signed_in));
    assert_eq!(client.ask(Method::GET, "/cart").await.body, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_has_written_meanwhile_is_merged_into() {
    let (client, _, gate) = stage_with_gate(|sessions| sessions).await;
    write(&id('3'), r#"{"cart": 1, "theme": "dark"}"#).await;
    let slow = tokio::spawn(at(&client, &id('3')).ask(Method::POST, "/slow"));
    gate.reached().await;
    write(&id('3'), r#"{"cart": 5, "theme": "light", "new": [1]}"#).await;
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    let session: Value = serde_json::from_str(&read(&id('3'))).unwrap();
    assert_eq!(session["cart"], 6, "both additions count");
    assert_eq!(session["theme"], "light");
    assert_eq!(session["new"], serde_json::json!([1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_the_struct_does_not_allow_is_a_conflict() {
    let (client, _, gate) = stage_with_gate(|sessions| sessions).await;
    write(&id('a'), r#"{"cart": 8}"#).await;
    let client = at(&client, &id('a'));
    let slow = tokio::spawn(client.ask(Method::POST, "/slow"));
    gate.reached().await;
    let written = r#"{"cart": 9, "coupon": "half"}"#;
    write(&id('a'), written).await;
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::CONFLICT);
    assert_eq!(read(&id('a')), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_does_not_know_is_merged_as_well() {
    let (client, _, gate) = stage_with_gate(|sessions| sessions).await;
    let begun = client.ask(Method::POST, "/seen/a").await;
    let client = at(&client, &new_id(&begun));
    client.ask(Method::POST, "/seen/b").await;
    let slow = tokio::spawn(client.ask(Method::POST, "/slow/seen/c"));
    gate.reached().await;
    client.ask(Method::POST, "/seen/d").await;
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    assert_eq!(client.ask(Method::GET, "/seen").await.body, "a,b,d,c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_not_served_and_one_of_the_future_is_clamped() {
    let (client, clock) = stage(|sessions| sessions.lifetime(HOUR)).await;
    let session = |created: u64| {
        format!(
            r#"{{"user_id": 7, "__metadata__": {{"lifetime": 99999, "created": {created}.5, "last_access": {NOW}}}}}"#
        )
    };
    write(&id('4'), &session(NOW - 3_600)).await;
    write(&id('5'), &session(NOW - 3_599)).await;
    write(&id('6'), &session(NOW + 999_999)).await;
    let me = async |digit| at(&client, &id(digit)).ask(Method::GET, "/me").await.body;
    assert_eq!(me('4').await, "guest");
    assert_eq!(me('5').await, "7");
    assert_eq!(me('6').await, "7");
    at(&client, &id('6')).ask(Method::POST, "/cart").await;
    let stored: Value = serde_json::from_str(&read(&id('6'))).unwrap();
    assert_eq!(
        stored["__metadata__"]["created"].to_string(),
        format!("{NOW}.0")
    );
    clock.advance(HOUR);
    assert_eq!(me('6').await, "guest", "it has no endless life");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_guest_and_is_not_overwritten() {
    let (client, _) = stage(|sessions| sessions).await;
    for text in [
        r#"{"cart": NaN}"#,
        "[1, 2]",
        "null",
        r#"{"__metadata__": []}"#,
        "{",
    ] {
        write(&id('7'), text).await;
        let client = at(&client, &id('7'));
        let reply = client.ask(Method::POST, "/cart").await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "1"),
            "{text}"
        );
        assert_ne!(new_id(&reply), id('7'));
        assert_eq!(read(&id('7')), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_moves_the_session_to_a_new_id_and_keeps_its_beginning() {
    let (client, _) = stage(|sessions| sessions.lifetime(HOUR)).await;
    write(
        &id('8'),
        r#"{"cart": 3, "other": 1.50, "__metadata__": {"created": 1799999000.125, "mine": "x"}}"#,
    )
    .await;
    let reply = at(&client, &id('8')).ask(Method::POST, "/login").await;
    assert_eq!(read(&id('8')), "");
    let stored = read(&new_id(&reply));
    let session: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (&session["cart"], &session["user_id"]),
        (&3.into(), &7.into())
    );
    assert!(stored.contains("\"created\": 1799999000.125"), "{stored}");
    assert!(
        stored.contains("\"mine\": \"x\"") && stored.contains("\"other\": 1.50"),
        "{stored}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_has_a_deadline_although_python_knows_none() {
    let (client, clock) = stage(|sessions| sessions.lifetime(HOUR)).await;
    let reply = client.ask(Method::POST, "/coupon").await;
    let id = new_id(&reply);
    // Python reads the session and writes it back.
    let stored = read(&id);
    assert!(stored.contains(r#""coupon": "ten percent""#), "{stored}");
    write(
        &id,
        &stored.replace("\"coupon\"", "\"theme\": \"dark\", \"coupon\""),
    )
    .await;
    let client = at(&client, &id);
    clock.advance(Duration::from_secs(599));
    assert_eq!(client.ask(Method::GET, "/coupon").await.body, "ten percent");
    clock.advance(Duration::from_secs(1));
    assert_eq!(client.ask(Method::GET, "/coupon").await.body, "");
    // Python does not know the deadline, whatever it writes.
    write(&id, &stored.replace("ten percent", "half")).await;
    assert_eq!(client.ask(Method::GET, "/coupon").await.body, "");
    client.ask(Method::POST, "/coupon").await;
    assert_eq!(client.ask(Method::GET, "/coupon").await.body, "ten percent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_python_could_not_read_is_refused() {
    let (client, _) = stage(|sessions| sessions).await;
    let reply = client.ask(Method::POST, "/binary").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.sets_cookie());
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_writes_nothing_and_a_session_that_is_too_large_for_its_cookie_is_refused() {
    let (client, _) = stage(|sessions| sessions.lifetime(HOUR)).await;
    let text = r#"{"user_id":7,"spaced":   [1,2]}"#;
    write(&id('9'), text).await;
    let reply = at(&client, &id('9')).ask(Method::GET, "/me").await;
    assert_eq!((reply.body.as_str(), reply.sets_cookie()), ("7", false));
    assert_eq!(read(&id('9')), text);

    let secret = "a secret that Python has as well";
    for (size, max_size, status) in [
        (100, None, StatusCode::OK),
        (1_400, None, StatusCode::OK),
        (3_100, None, StatusCode::INTERNAL_SERVER_ERROR),
        (3_100, Some(10_000), StatusCode::INTERNAL_SERVER_ERROR),
        (100, Some(2_000), StatusCode::OK),
        (1_400, Some(2_000), StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let mut store = CookieStore::new(secret);
        if let Some(bytes) = max_size {
            store = store.max_size(bytes);
        }
        let keys = KeyRing::generate().unwrap();
        let layer = SessionLayer::shared_with_python(Sessions::new(store), keys);
        let layer = layer.clock(TestClock::at(NOW)).build().unwrap();
        let client = Client::new(&Router::new().route("/cart", post(add)).layer(layer));
        let text = format!(r#"{{"text": "{}"}}"#, "a".repeat(size));
        let now = starsessions::Timestamp::from_unix_seconds(NOW);
        let cookie = CookieStore::new(secret).sign(text.as_bytes(), now);
        let reply = at(&client, &cookie).ask(Method::POST, "/cart").await;
        assert_eq!(reply.status, status, "{size} {max_size:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_told_wherever_the_session_is() {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    let secret = "a secret that Python has as well";
    for sessions in [
        Sessions::new(RedisStore::connect(client).await.unwrap()),
        Sessions::new(CookieStore::new(secret)),
    ] {
        let (sender, mut events) = events::channel(100);
        let keys = KeyRing::generate().unwrap();
        let layer = SessionLayer::shared_with_python(sessions, keys).on_event(sender);
        let layer = layer.clock(TestClock::at(NOW)).build().unwrap();
        let mut client = Client::new(&routes().layer(layer));
        client.post("/cart").await;
        client.post("/login").await;
        let told = std::iter::from_fn(|| events.recv().now_or_never().flatten());
        let told: Vec<_> = told.collect();
        let user = told.last().and_then(|event| event.user::<Login>());
        assert_eq!(user, Some(7), "{told:?}");
        let told: Vec<_> = told.into_iter().map(|event| event.kind).collect();
        let expected = matches!(
            told[..],
            [
                EventKind::Begun,
                EventKind::Renewed { .. },
                EventKind::SignedIn
            ]
        );
        assert!(expected, "{told:?}");
    }
}

#[test]
fn settings_that_python_has_no_place_for_are_refused() {
    let builder = || {
        let sessions = Sessions::new(CookieStore::new("a secret that Python has as well"));
        SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap())
    };
    assert!(builder().build().is_ok());
    assert!(builder().renewal(Duration::from_secs(600)).build().is_err());
    let limit = starsessions::config::AtLimit::Refuse;
    assert!(builder().sessions_per_user(3, limit).build().is_err());
}
