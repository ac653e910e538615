//! Guarantees for every source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use futures_util::FutureExt;
use http::{Method, StatusCode};
use starsessions::config::AtLimit;
use starsessions::events::{self, EventKind};
use starsessions::python::{CookieStore, Sessions};
use starsessions::store::{Store, StoreError};
use starsessions::takeover::{FormerSession, JsonObject, Source, TakeOver};
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{
    CurrentSession, KeyRing, Lifetime, MemoryStore, Session, SessionError, SessionLayer,
    SessionRejection,
};
use starsessions_tests::client::Client;
use starsessions_tests::device::Device;
use starsessions_tests::logs::Logs;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Spy, places};

#[derive(Session)]
pub(crate) struct Login {
    #[session(required, rotate, index, rename = "user_id")]
    pub(crate) user: u64,
}

#[derive(Session)]
pub(crate) struct Cart {
    #[session(merge = sum)]
    pub(crate) cart: u64,
    pub(crate) note: Option<String>,
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/cart", post(add).get(cart))
        .route("/fail", post(fail))
        .route("/logout", post(logout))
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

async fn fail(mut cart: Session<Cart>) -> StatusCode {
    cart.cart += 100;
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

pub(crate) fn take_both(source: impl Source) -> TakeOver {
    TakeOver::new(source, |former, taken| {
        taken.insert_if(former.view::<Login>())?;
        taken.insert_if(former.view::<Cart>())
    })
}

const SECRET: &str = "a secret that Python has as well";
const HOUR: u64 = 3_600;

/// A layer that takes over Python's signed cookies.
struct Stage {
    test: TestSessions,
}

impl Stage {
    fn new(set: impl Fn(TakeOver) -> TakeOver) -> Self {
        let source = Sessions::new(CookieStore::new(SECRET)).lifetime(Duration::from_secs(HOUR));
        let takeover = set(take_both(source));
        let test = TestSessions::with(|layer| {
            let day = Duration::from_secs(24 * HOUR);
            layer.lifetime(Lifetime::new(day, day)).take_over(takeover)
        });
        Self { test }
    }

    /// A browser whose Python session has these values.
    fn browser(&self, values: &str) -> Client {
        let app = routes().layer(self.test.layer());
        Client::new(&app).showing(format!("session={}", self.signed(values)))
    }

    fn signed(&self, values: &str) -> String {
        let now = starsessions::config::Clock::now(self.test.clock());
        CookieStore::new(SECRET).sign(values.as_bytes(), now)
    }
}

/// The same, on a store that a test can stop, and a browser with a session of user 7.
fn awaited() -> (Site, Client) {
    awaited_by(MemoryStore::new())
}

fn awaited_by(store: MemoryStore) -> (Site, Client) {
    let site = Site::over(Spy::new(store), Kept::OnServer, |layer| {
        layer.take_over(take_both(Sessions::new(CookieStore::new(SECRET))))
    });
    let now = starsessions::config::Clock::now(site.clock());
    let cookie = CookieStore::new(SECRET).sign(br#"{"user_id": 7, "cart": 0}"#, now);
    let client = site.serve(routes()).showing(format!("session={cookie}"));
    (site, client)
}

/// The browser with the cookie of this reply.
fn later(client: &Client, reply: &starsessions_tests::client::Reply) -> Client {
    let line = reply.set_cookies()[0];
    client.showing(line.split(';').next().unwrap())
}

#[tokio::test]
async fn a_struct_of_another_realm_is_not_put_into_a_session_where_no_handler_reads_it() {
    #[derive(Session)]
    #[session(realm = "admin")]
    struct Operator {
        name: Option<String>,
    }

    async fn operator(operator: Result<Session<Operator>, SessionRejection>) -> String {
        operator.map_or_else(|rejection| rejection.to_string(), |_| "found".to_owned())
    }

    let stage = Stage::new(|takeover| takeover);
    let cookie = stage.signed(r#"{"user_id": 7, "cart": 0}"#);
    let admin = TestSessions::with(|layer| {
        let source = Sessions::new(CookieStore::new(SECRET));
        layer.realm("admin").take_over(take_both(source))
    });
    let app = Router::new().route("/", get(operator)).layer(admin.layer());
    let reply = Client::new(&app)
        .showing(format!("session={cookie}"))
        .get("/")
        .await;
    assert!(reply.body.contains("`Login`"), "{}", reply.body);
    assert!(reply.set_cookies().is_empty(), "{:?}", reply.set_cookies());
}

#[tokio::test]
async fn the_first_request_sees_the_session_and_gets_a_cookie_of_ours() {
    let stage = Stage::new(|takeover| takeover);
    let client = stage.browser(r#"{"user_id": 7, "cart": 3, "note": null, "other": [1]}"#);
    let reply = client.ask(Method::GET, "/me").await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "7"));
    assert_eq!(reply.set_cookies().len(), 1, "{reply:?}");
    let client = later(&client, &reply);
    assert_eq!(client.ask(Method::GET, "/cart").await.body, "3");
    assert!(!client.ask(Method::GET, "/me").await.sets_cookie());
    assert_eq!(client.ask(Method::POST, "/cart").await.body, "4");
}

#[tokio::test]
async fn an_explanation_says_that_a_session_was_taken_over() {
    let takeover = take_both(Sessions::new(CookieStore::new(SECRET)));
    let stage = Stage {
        test: TestSessions::with(|layer| layer.explain(true).take_over(takeover)),
    };
    let client = stage.browser(r#"{"user_id": 7}"#);
    // The second request is sent before the first response arrives.
    for _ in 0..2 {
        let reply = client.ask(Method::GET, "/me").await;
        let said = reply.all("x-session-explain").concat();
        assert!(
            said.starts_with("taken over from another library; loaded; "),
            "{said}"
        );
        assert!(!said.contains("renewal"), "{said}");
    }
}

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
async fn many_requests_at_once_make_one_session_of_it() {
    let stage = Stage::new(|takeover| takeover);
    let client = stage.browser(r#"{"user_id": 7, "cart": 0}"#);
    let requests: Vec<_> = (0..20)
        .map(|_| tokio::spawn(client.ask(Method::POST, "/cart")))
        .collect();
    let mut last = None;
    for request in requests {
        let reply = request.await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        last = Some(reply);
    }
    let client = later(&client, &last.unwrap());
    assert_eq!(client.ask(Method::GET, "/cart").await.body, "20");
    let listed = stage.test.layer().list::<Login>(&7).await.unwrap();
    assert_eq!(listed.len(), 1);
}

/// The first request has read the session; the second stops at each place; then the first continues.
#[tokio::test]
async fn two_requests_see_the_session_wherever_they_meet() {
    let mut met = 0;
    for read in 0..4 {
        for place in places(&Operation::ALL) {
            let (site, client) = awaited();
            let add = || client.ask(Method::POST, "/cart");
            let read = (Operation::Load, Moment::After, read);
            let Some((go_on, first)) = site.store.stop_at(read, add()).await else {
                break;
            };
            let Some((gate, second)) = site.store.stop_at(place, add()).await else {
                continue;
            };
            met += 1;
            go_on.open();
            let first = first.await.unwrap();
            gate.open();
            for reply in [first, second.await.unwrap()] {
                assert_eq!(reply.status, StatusCode::OK, "{read:?} {place:?}");
                assert_eq!(reply.set_cookies().len(), 1, "{read:?} {place:?}");
                let browser = later(&client, &reply);
                let cart = browser.ask(Method::GET, "/cart").await.body;
                assert_eq!(cart, "2", "{read:?} {place:?}");
                assert_eq!(browser.ask(Method::GET, "/me").await.body, "7");
            }
            assert_eq!(site.reserved(), 0, "{read:?} {place:?}");
        }
    }
    assert!(met >= 24, "{met}");
}

/// A request that takes the session over continues after another one has done so and the user has signed out.
#[tokio::test]
async fn a_logout_is_final_for_requests_that_are_on_their_way() {
    let mut met = 0;
    for place in places(&Operation::ALL) {
        let (site, client) = awaited();
        let slow = client.ask(Method::GET, "/me");
        let Some((gate, slow)) = site.store.stop_at(place, slow).await else {
            continue;
        };
        met += 1;
        let reply = client.ask(Method::GET, "/me").await;
        assert_eq!(reply.body, "7", "{place:?}");
        let user = later(&client, &reply);
        assert_eq!(
            user.ask(Method::POST, "/logout").await.status,
            StatusCode::OK
        );
        gate.open();
        slow.await.unwrap();
        assert_eq!(
            client.ask(Method::GET, "/me").await.body,
            "guest",
            "{place:?}"
        );
        assert_eq!((site.rows(), site.reserved()), (0, 0), "{place:?}");
    }
    assert!(met >= 10, "{met}");
}

/// The store has room for one row, but a session that is taken over needs two at first.
#[tokio::test]
async fn what_finds_no_place_takes_none() {
    let store = MemoryStore::builder().identified_limit(1).build();
    let (site, client) = awaited_by(store);
    let reply = client.ask(Method::GET, "/me").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let sign_in = async |session: CurrentSession| session.insert(Login { user: 8 });
    let other = site.serve(Router::new().route("/sign-in", post(sign_in)));
    let reply = other.ask(Method::POST, "/sign-in").await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_copy_of_the_cookie_is_refused_when_the_grace_is_over() {
    let (site, thief) = awaited();
    let reply = thief.ask(Method::GET, "/me").await;
    let user = later(&thief, &reply);
    site.wait_seconds(299);
    assert_eq!(
        thief.ask(Method::GET, "/me").await.body,
        "7",
        "a lost reply"
    );
    site.wait_seconds(1);
    for _ in 0..2 {
        // The sweep removes expired rows.
        let now = starsessions::config::Clock::now(site.clock());
        let looked_at = site.store.store().sweep(1_000, now).await.unwrap();
        assert!(looked_at < 1_000, "it has looked at each row");
        let reply = thief.ask(Method::GET, "/me").await;
        assert_eq!(reply.body, "guest");
        assert!(!reply.sets_cookie());
        site.wait_seconds(1_000);
    }
    assert_eq!(user.ask(Method::GET, "/me").await.body, "7");
}

#[tokio::test]
async fn a_logout_is_final_for_copies_of_the_former_cookie_too() {
    let stage = Stage::new(|takeover| takeover);
    let client = stage.browser(r#"{"user_id": 7}"#);
    let reply = client.ask(Method::POST, "/logout").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(client.ask(Method::GET, "/me").await.body, "guest");
    stage.test.clock().advance(Duration::from_secs(600));
    assert_eq!(client.ask(Method::GET, "/me").await.body, "guest");
}

#[tokio::test]
async fn a_logout_is_final_for_copies_of_the_former_cookie_behind_another_key() {
    let store = MemoryStore::new();
    let layer = |keys: &str| {
        let source = Sessions::new(CookieStore::new(SECRET)).lifetime(Duration::from_secs(HOUR));
        let layer = SessionLayer::builder(store.clone(), KeyRing::parse(keys).unwrap());
        let layer = layer
            .clock(TestClock::at(1_800_000_000))
            .local_development();
        routes().layer(layer.take_over(take_both(source)).build().unwrap())
    };
    let old = "RiBYIs2r/vx4gBy1iky2iKE4GD/P8kEuAeZPjmVSNKU=";
    let new = "tzaqo93EmwdPfFaLBwGu7pBtJxWjqtOqMmdKAGCku30=";
    let now = starsessions::Timestamp::from_unix_seconds(1_800_000_000);
    let cookie = CookieStore::new(SECRET).sign(br#"{"user_id": 7}"#, now);
    let before = Client::new(&layer(old)).showing(format!("session={cookie}"));
    before.ask(Method::POST, "/logout").await;
    let seen = async |keys: &str, cookie: &str| {
        let client = Client::new(&layer(keys)).showing(format!("session={cookie}"));
        client.ask(Method::GET, "/me").await.body
    };
    let ended = format!("{new},{old}@1700000000");
    for keys in [&format!("{new},{old}"), &ended] {
        assert_eq!(seen(keys, &cookie).await, "guest", "{keys}");
    }
    // The documented exceptions.
    let earlier = starsessions::Timestamp::from_unix_seconds(1_799_999_999);
    let other = CookieStore::new(SECRET).sign(br#"{"user_id": 7}"#, earlier);
    assert_eq!(seen(&ended, &other).await, "7", "another cookie");
    assert_eq!(seen(new, &cookie).await, "7", "without the key");
}

#[tokio::test]
async fn a_request_that_fails_has_taken_the_session_over_and_nothing_else() {
    let stage = Stage::new(|takeover| takeover);
    let client = stage.browser(r#"{"user_id": 7, "cart": 3}"#);
    let reply = client.ask(Method::POST, "/fail").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.ask(Method::GET, "/cart").await.body, "3");
    assert_eq!(stage.test.layer().list::<Login>(&7).await.unwrap().len(), 1);
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

#[tokio::test]
async fn the_absolute_timeout_counts_from_when_the_former_session_began() {
    let source = Sessions::new(CookieStore::new(SECRET))
        .lifetime(Duration::from_secs(1_000 * HOUR))
        .rolling(true);
    let test = TestSessions::with(|layer| {
        let lifetime = Lifetime::new(Duration::from_secs(2 * HOUR), Duration::from_secs(2 * HOUR));
        layer.lifetime(lifetime).take_over(take_both(source))
    });
    let stage = Stage { test };
    let created = |seconds: u64| {
        let values = format!(r#"{{"user_id": 7, "__metadata__": {{"created": {seconds}}}}}"#);
        stage.browser(&values)
    };
    let client = created(1_800_000_000 - HOUR);
    let reply = client.ask(Method::GET, "/me").await;
    assert_eq!(reply.body, "7");
    let client = later(&client, &reply);
    let old = created(1_800_000_000 - 2 * HOUR);
    assert_eq!(old.ask(Method::GET, "/me").await.body, "guest");
    stage.test.clock().advance(Duration::from_secs(HOUR - 1));
    assert_eq!(client.ask(Method::GET, "/me").await.body, "7");
    stage.test.clock().advance(Duration::from_secs(1));
    assert_eq!(client.ask(Method::GET, "/me").await.body, "guest");
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
    assert_eq!(reply.status, StatusCode::CONFLICT);
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

#[test]
fn a_layer_of_cookies_says_that_it_cannot_take_over() {
    let source = Sessions::new(CookieStore::new(SECRET));
    let clock = TestClock::at(0);
    let layer = SessionLayer::builder(
        starsessions::CookieStore::sealed(),
        KeyRing::generate().unwrap(),
    );
    let error = layer.clock(clock).take_over(take_both(source)).build();
    assert!(error.unwrap_err().to_string().contains("server-side store"));
}

/// Every response that gives a session its id invites the device to register.
#[tokio::test]
async fn a_session_that_is_taken_over_is_bound_to_a_device() {
    let site = Site::with(|layer| {
        let former = take_both(Sessions::new(CookieStore::new(SECRET)));
        layer.take_over(former).device_bound(|device| device)
    });
    let now = starsessions::config::Clock::now(site.clock());
    let former = CookieStore::new(SECRET).sign(br#"{"user_id": 7}"#, now);
    let mut client = site.serve(routes());
    let with_former = client.showing(format!("session={former}"));
    let invited = with_former.ask(Method::GET, "/me").await;
    client.keep(&invited);
    let mut bound = client.bind(&Device::new(1), &invited).await;
    site.wait_seconds(60);
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_take_over_is_no_sign_in() {
    let (sender, mut events) = events::channel(10);
    let site = Site::with(|layer| {
        let former = take_both(Sessions::new(CookieStore::new(SECRET)));
        let layer = layer.take_over(former).on_event(sender);
        layer.sessions_per_user(1, AtLimit::EndOldest)
    });
    let now = starsessions::config::Clock::now(site.clock());
    let mut browsers = Vec::new();
    for cart in [1, 2] {
        let values = format!(r#"{{"user_id": 7, "cart": {cart}}}"#);
        let former = CookieStore::new(SECRET).sign(values.as_bytes(), now);
        let mut browser = site.serve(routes());
        let with_former = browser.showing(format!("session={former}"));
        browser.keep(&with_former.ask(Method::GET, "/me").await);
        browsers.push(browser);
    }
    for browser in &mut browsers {
        assert_eq!(browser.get("/me").await.body, "7");
    }
    let told = std::iter::from_fn(|| events.recv().now_or_never().flatten());
    let told: Vec<_> = told.map(|event| event.kind).collect();
    assert_eq!(told, [EventKind::Begun, EventKind::Begun]);
}
