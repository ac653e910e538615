//! Guarantees for every source.

mod at_once;
mod logout;
mod refused;
mod several;

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use futures_util::FutureExt;
use http::{Method, StatusCode};
use starsessions::config::AtLimit;
use starsessions::events::{self, EventKind};
use starsessions::python::{CookieStore, Sessions};
use starsessions::takeover::{Source, TakeOver};
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{
    CurrentSession, KeyRing, Lifetime, MemoryStore, Session, SessionError, SessionLayer,
    SessionRejection,
};
use starsessions_tests::client::Client;
use starsessions_tests::device::Device;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

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
        .route("/sign-in/{user}", post(sign_in))
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

async fn sign_in(session: CurrentSession, Path(user): Path<u64>) -> Result<(), SessionError> {
    session.insert(Login { user })
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

#[tokio::test]
async fn an_explanation_does_not_say_that_an_id_behind_a_sign_in_was_taken_over() {
    let takeover = take_both(Sessions::new(CookieStore::new(SECRET)));
    let stage = Stage {
        test: TestSessions::with(|layer| layer.explain(true).take_over(takeover)),
    };
    let client = stage.browser(r#"{"user_id": 7}"#);
    let user = later(&client, &client.ask(Method::GET, "/me").await);
    user.ask(Method::POST, "/sign-in/8").await;
    let reply = client.ask(Method::GET, "/me").await;
    let said = reply.all("x-session-explain").concat();
    assert!(said.starts_with("not loaded: a sign-in"), "{said}");
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
