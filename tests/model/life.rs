//! The life of sessions: random requests of three browsers, some with old or stolen cookies, while time passes. A model
//! predicts what each request sees and which cookie its reply sets.

mod model;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::{Extension, Router};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use starsessions::testing::TestClock;
use starsessions::{
    CookieStore, CurrentSession, KeyRing, Lifetime, MemoryStore, Session, SessionLayer,
    SessionLayerBuilder,
};
use starsessions_tests::routing::get;
use tower::ServiceExt;

use self::model::{Kind, Model, Seen, Told};

#[derive(Session)]
struct Visit {
    #[session(merge = sum)]
    count: u32,
    note: Option<u8>,
    #[session(expires = "5m")]
    coupon: Option<u8>,
}

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u8,
}

/// The next event.
#[derive(Clone, Debug)]
enum Event {
    /// A browser sends a request.
    Request(usize, Op),
    /// A browser obtains a cookie that was set earlier, its own or another browser's.
    Adopt(usize, prop::sample::Index),
    /// A browser is closed for good.
    Forget(usize),
    /// This many seconds pass.
    Pass(u64),
}

/// The action of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Read,
    Count,
    Note(Option<u8>),
    Coupon(Option<u8>),
    SignIn(u8),
    ChangeUser(u8),
    RemoveLogin,
    Destroy,
    Restart(u8),
    Rotate,
    Remember(bool),
}

const STANDARD: Lifetime = Lifetime::new(Duration::from_secs(600), Duration::from_secs(3_000));
const REMEMBERED: Lifetime = Lifetime::new(Duration::from_secs(3_000), Duration::from_secs(9_000));
const START: u64 = 1_800_000_000;
const BROWSERS: usize = 3;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Read),
        4 => Just(Op::Count),
        2 => prop::option::of(0..3_u8).prop_map(Op::Note),
        2 => prop::option::of(0..3_u8).prop_map(Op::Coupon),
        3 => (0..3_u8).prop_map(Op::SignIn),
        1 => (0..3_u8).prop_map(Op::ChangeUser),
        1 => Just(Op::RemoveLogin),
        2 => Just(Op::Destroy),
        1 => (0..3_u8).prop_map(Op::Restart),
        1 => Just(Op::Rotate),
        2 => any::<bool>().prop_map(Op::Remember),
    ]
}

/// Durations: one second before, at and after each timer, and random ones in between.
fn seconds() -> impl Strategy<Value = u64> {
    let timers = [1, 60, 300, 600, 3_000, 9_000];
    prop_oneof![
        (0..timers.len(), 0..3_u64).prop_map(move |(timer, around)| timers[timer] + around - 1),
        0..700_u64,
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let browser = 0..BROWSERS;
    prop_oneof![
        12 => (browser.clone(), op()).prop_map(|(browser, op)| Event::Request(browser, op)),
        3 => (browser.clone(), any::<prop::sample::Index>())
            .prop_map(|(browser, cookie)| Event::Adopt(browser, cookie)),
        1 => browser.prop_map(Event::Forget),
        4 => seconds().prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_memory_store_lives_like_the_model(events in vec(event(), 1..40)) {
        run(Kind::Server, &events);
    }

    #[test]
    fn sealed_cookies_with_revocations_live_like_the_model(events in vec(event(), 1..40)) {
        run(Kind::Sealed, &events);
    }
}

/// The session was ended under the short profile; a copy of its cookie was made under the long one.
#[test]
fn an_ended_session_stays_ended_for_its_copies_under_the_longer_profile() {
    for kind in [Kind::Server, Kind::Sealed] {
        run(
            kind,
            &[
                Event::Request(0, Op::SignIn(1)),
                Event::Pass(500),
                Event::Request(0, Op::Remember(true)),
                Event::Request(0, Op::Remember(false)),
                Event::Request(0, Op::Destroy),
                // After the short profile's limit, before the long one's.
                Event::Pass(2_900),
            ],
        );
    }
}

/// Back from the long profile, at a time when the short one's absolute timeout is nearer than its idle timeout.
#[test]
fn the_idle_timeout_never_reaches_beyond_the_absolute_one() {
    for kind in [Kind::Server, Kind::Sealed] {
        run(
            kind,
            &[
                Event::Request(0, Op::Restart(0)),
                Event::Request(0, Op::Remember(true)),
                Event::Pass(2_401),
                Event::Request(0, Op::Remember(false)),
                Event::Request(0, Op::Read),
                Event::Pass(598),
                Event::Request(0, Op::Read),
                Event::Pass(1),
            ],
        );
    }
}

fn layer(kind: Kind, clock: TestClock) -> SessionLayer {
    let keys = KeyRing::generate().unwrap();
    let builder: SessionLayerBuilder = match kind {
        Kind::Server => SessionLayer::builder(MemoryStore::new(), keys),
        Kind::Sealed => {
            let store = CookieStore::sealed().revoked_in(MemoryStore::new());
            SessionLayer::builder(store, keys)
        }
    };
    builder
        .local_development()
        .lifetime(STANDARD)
        .remembered_lifetime(REMEMBERED)
        .clock(clock)
        .build()
        .unwrap()
}

fn run(kind: Kind, events: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(kind);
        for event in events {
            world.happens(event).await;
        }
        // In the end, every cookie that was ever set is sent once more.
        for cookie in 0..world.cookies.len() {
            world.browsers[0] = Some(cookie);
            world.request(0, Op::Read).await;
        }
    });
}

/// The application and its model.
struct World {
    app: Router,
    clock: TestClock,
    model: Model,
    /// Every cookie that was ever set.
    cookies: Vec<Arc<str>>,
    /// The cookie that each browser has.
    browsers: [Option<usize>; BROWSERS],
    log: Vec<String>,
}

impl World {
    fn new(kind: Kind) -> Self {
        let clock = TestClock::at(START);
        Self {
            app: Router::new()
                .route("/", get(act))
                .layer(layer(kind, clock.clone())),
            clock,
            model: Model::new(kind),
            cookies: Vec::new(),
            browsers: [None; BROWSERS],
            log: Vec::new(),
        }
    }

    async fn happens(&mut self, event: &Event) {
        self.log.push(format!("{event:?}"));
        match *event {
            Event::Request(browser, op) => self.request(browser, op).await,
            Event::Adopt(browser, cookie) => {
                if !self.cookies.is_empty() {
                    self.browsers[browser] = Some(cookie.index(self.cookies.len()));
                }
            }
            Event::Forget(browser) => self.browsers[browser] = None,
            Event::Pass(seconds) => {
                self.clock.advance(Duration::from_secs(seconds));
                self.model.pass(seconds);
            }
        }
    }

    async fn request(&mut self, browser: usize, op: Op) {
        let cookie = self.browsers[browser];
        let (expected, told) = self.model.request(cookie, op);

        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(op);
        if let Some(cookie) = cookie {
            let value = self.cookies[cookie].parse().unwrap();
            request.headers_mut().insert(COOKIE, value);
        }
        let Ok(response) = self.app.clone().oneshot(request).await;
        let context = || format!("{op:?} with cookie {cookie:?} after {:#?}", self.log);
        let status = if told == Told::Refused {
            StatusCode::CONFLICT
        } else {
            StatusCode::OK
        };
        assert_eq!(response.status(), status, "{}", context());
        let set = response.headers().get(SET_COOKIE).map(|header| {
            let header = header.to_str().unwrap();
            header.split(';').next().unwrap().to_owned()
        });
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let seen = String::from_utf8(body.to_vec()).unwrap();
        if told != Told::Refused {
            assert_eq!(seen, format!("{expected:?}"), "{}", context());
        }

        let known = cookie.map(|cookie| &*self.cookies[cookie]);
        match (told, set) {
            (Told::Nothing | Told::Refused, None) => {}
            (Told::Again, None) => {}
            // The reply may set the same cookie with a later expiry.
            (Told::Again, Some(same)) if Some(&*same) == known => {}
            (Told::Removal, Some(removal)) if removal.ends_with('=') => {
                self.browsers[browser] = None;
            }
            (Told::New, Some(new)) if !new.ends_with('=') => {
                let is_new = self.cookies.iter().all(|old| **old != *new);
                assert!(is_new, "{}", context());
                self.browsers[browser] = Some(self.cookies.len());
                self.cookies.push(new.into());
            }
            (told, set) => panic!("{told:?} expected, {set:?} set: {}", context()),
        }
    }
}

/// Returns what the request sees, then performs the operation.
async fn act(
    session: CurrentSession,
    mut visit: Session<Visit>,
    login: Option<Session<Login>>,
    Extension(op): Extension<Op>,
) -> String {
    let info = session.info().await.unwrap();
    let seen = Seen {
        count: visit.count,
        note: visit.note,
        coupon: visit.coupon,
        user: login.as_ref().map(|login| login.user),
        timers: info.map(|info| {
            let since = |time: starsessions::Timestamp| time.as_unix_seconds() - START;
            (
                since(info.created_at),
                since(info.expires_at),
                info.remembered,
            )
        }),
    };
    match op {
        Op::Read => {}
        Op::Count => visit.count += 1,
        Op::Note(note) => visit.note = note,
        Op::Coupon(coupon) => visit.coupon = coupon,
        Op::SignIn(user) => session.insert(Login { user }).unwrap(),
        Op::ChangeUser(user) => {
            if let Some(mut login) = login {
                login.user = user;
            }
        }
        Op::RemoveLogin => session.remove::<Login>().unwrap(),
        Op::Destroy => session.destroy().unwrap(),
        Op::Restart(user) => {
            session.destroy().unwrap();
            session.insert(Login { user }).unwrap();
        }
        Op::Rotate => session.rotate().unwrap(),
        Op::Remember(remember) => session.remember(remember).unwrap(),
    }
    format!("{seen:?}")
}
