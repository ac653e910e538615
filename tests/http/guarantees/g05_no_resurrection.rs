//! G5: only `create` inserts; an ended session stays ended.

use std::time::Duration;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::config::Clock;
use starsessions::store::Store;
use starsessions::{
    CurrentSession, Lifetime, MemoryStore, Session, SessionError, SessionLayerBuilder,
};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::post;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Spy};

use starsessions_tests::shop::{self, Login, Shop};

/// The ways in which a session can end while a request is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Logout,
    Login,
    Expiry,
}

impl Ending {
    const ALL: [Self; 3] = [Self::Logout, Self::Login, Self::Expiry];

    async fn happen(self, site: &Site, tab: &mut Client) {
        match self {
            Self::Logout => drop(tab.post("/logout").await),
            Self::Login => drop(tab.post("/login/8").await),
            Self::Expiry => site.wait(Lifetime::aal2().absolute),
        }
    }

    /// The number of rows that are left: a login leaves the new session.
    fn rows(self) -> usize {
        usize::from(self == Self::Login)
    }
}

/// Requests that write, each with a different store operation.
const WRITERS: [(&str, Operation); 3] = [
    ("/views", Operation::Replace),
    ("/cart", Operation::Touch),
    ("/rotate", Operation::Rotate),
];

fn routes() -> Router {
    let rotate = post(async |session: CurrentSession| session.rotate());
    shop::with_logout().route("/rotate", rotate)
}

/// Stops a request at this point, ends its session meanwhile, and lets the request continue.
async fn stopped(at: (Operation, Moment), path: &str, ending: Ending) -> (Site, Client, Reply) {
    let site = Site::new();
    let mut tab_a = site.serve(routes());
    tab_a.post("/login/7").await;
    let mut tab_b = tab_a.clone();
    site.wait_seconds(600);

    let method = if path == "/cart" {
        Method::GET
    } else {
        Method::POST
    };
    let gate = site.store.hold(at.0, at.1);
    let slow = tokio::spawn(tab_b.ask(method, path));
    gate.reached().await;
    site.store.release();
    ending.happen(&site, &mut tab_a).await;
    gate.open();
    let reply = slow.await.unwrap();
    tab_b.keep(&reply);
    (site, tab_b, reply)
}

#[tokio::test]
async fn g05_a_session_that_ends_while_a_write_is_on_its_way_stays_ended() {
    for (path, operation) in WRITERS {
        let on_its_way = (operation, Moment::Before);
        let cases = Ending::ALL
            .map(|ending| ((Operation::Load, Moment::After), ending))
            .into_iter()
            // A write counts for the second in which it was sent.
            .chain([(on_its_way, Ending::Logout), (on_its_way, Ending::Login)]);
        for (at, ending) in cases {
            let (site, mut tab, reply) = stopped(at, path, ending).await;
            let case = format!("{path} at {at:?}, {ending:?}");
            assert_eq!(reply.status, StatusCode::OK, "{case}");
            assert!(!reply.sets_cookie(), "{case}: {:?}", reply.set_cookies());
            assert_eq!(tab.get("/me").await.body, "guest", "{case}");
            if ending != Ending::Expiry {
                assert_eq!(site.rows(), ending.rows(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn g05_a_session_that_ends_before_the_load_is_nobodys() {
    for (path, _) in WRITERS {
        for ending in [Ending::Logout, Ending::Login] {
            let at = (Operation::Load, Moment::Before);
            let (site, mut tab, reply) = stopped(at, path, ending).await;
            // A visitor's write begins a new session. If the response to a sign-in is on its way to the same browser,
            // the request is refused instead.
            let is_refused = path == "/views" && ending == Ending::Login;
            let status = if is_refused {
                StatusCode::CONFLICT
            } else {
                StatusCode::OK
            };
            assert_eq!(reply.status, status, "{path} {ending:?}");
            assert_eq!(tab.get("/me").await.body, "guest", "{path} {ending:?}");
            let begun = usize::from(path == "/views" && ending == Ending::Logout);
            assert_eq!(reply.sets_cookie(), begun == 1, "{path} {ending:?}");
            assert_eq!(site.rows(), ending.rows() + begun, "{path} {ending:?}");
        }
    }
}

/// Sends requests with the cookie from before a sign-in, after the sign-in.
async fn behind_a_login(path: &'static str) -> (Site, Client, Client, Reply) {
    let site = Site::new();
    let leave_for = post(async |session: CurrentSession| {
        session.destroy()?;
        session.insert(Login { user: 5 })
    });
    let told = post(async |mut shop: Session<Shop>| {
        shop.views += 1;
        match shop.commit().await {
            Err(SessionError::Gone) => "gone",
            _ => "not gone",
        }
    });
    let routes = routes().route("/leave_for", leave_for).route("/told", told);
    let mut tab = site.serve(routes);
    tab.post("/login/7").await;
    let mut behind = tab.clone();
    tab.post("/login/8").await;
    let reply = behind.post(path).await;
    (site, tab, behind, reply)
}

#[tokio::test]
async fn g05_a_write_behind_a_login_takes_nobodys_place() {
    let (site, mut tab, _, reply) = behind_a_login("/views").await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.sets_cookie());
    assert_eq!(site.rows(), 1);
    assert_eq!(tab.get("/me").await.body, "8");
    let (.., reply) = behind_a_login("/told").await;
    assert_eq!(reply.body, "gone");
}

/// The response to the sign-in was lost, so the browser keeps the old cookie.
#[tokio::test]
async fn g05_a_browser_that_never_hears_of_its_login_is_a_visitor_again() {
    for (seconds, begins) in [(59, false), (60, true)] {
        let (site, _, mut behind, _) = behind_a_login("/views").await;
        site.wait_seconds(seconds);
        let reply = behind.post("/views").await;
        assert_eq!(reply.sets_cookie(), begins, "{seconds} s");
        assert_eq!(
            behind.get("/views").await.body,
            u8::from(begins).to_string()
        );
    }
}

#[tokio::test]
async fn g05_a_login_behind_a_login_begins_a_session() {
    for path in ["/login/9", "/login/8"] {
        let (site, mut tab, mut behind, reply) = behind_a_login(path).await;
        assert!(reply.sets_cookie(), "{path}");
        assert_eq!(behind.get("/me").await.body, &path[7..]);
        assert_eq!(tab.get("/me").await.body, "8");
        assert_eq!(site.rows(), 2);
    }
}

#[tokio::test]
async fn g05_a_handler_that_destroys_what_is_behind_a_login_can_begin_anew() {
    let (site, mut tab, mut behind, _) = behind_a_login("/leave_for").await;
    assert_eq!(behind.get("/me").await.body, "5");
    assert_eq!(tab.get("/me").await.body, "guest");
    assert_eq!(site.rows(), 1);
}

#[tokio::test]
async fn g05_a_session_that_ends_right_after_a_write_stays_ended() {
    for (path, operation) in &WRITERS[..2] {
        for ending in Ending::ALL {
            let at = (*operation, Moment::After);
            let (site, mut tab, reply) = stopped(at, path, ending).await;
            assert_eq!(reply.status, StatusCode::OK, "{path} {ending:?}");
            assert_eq!(tab.get("/me").await.body, "guest", "{path} {ending:?}");
            if ending != Ending::Expiry {
                assert_eq!(site.rows(), ending.rows(), "{path} {ending:?}");
            }
        }
    }
}

#[tokio::test]
async fn g05_a_handler_that_commits_to_an_ended_session_is_told() {
    let site = Site::new();
    let gate = starsessions_tests::gate::Gate::new();
    let held = gate.clone();
    let slow = post(|mut shop: Session<Shop>| async move {
        held.pass().await;
        shop.views += 1;
        match shop.commit().await {
            Err(SessionError::Gone) => "gone",
            _ => "not gone",
        }
    });
    let mut tab = site.serve(shop::with_logout().route("/slow", slow));
    tab.post("/login/7").await;
    let slow = tokio::spawn(tab.ask(Method::POST, "/slow"));
    gate.reached().await;
    tab.post("/logout").await;
    gate.open();
    let reply = slow.await.unwrap();
    assert_eq!(reply.body, "gone");
    assert!(!reply.sets_cookie());
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn g05_a_view_from_before_a_logout_begins_no_new_session() {
    let site = Site::new();
    let leave = post(async |mut shop: Session<Shop>, session: CurrentSession| {
        shop.views += 1;
        session.destroy().unwrap();
        shop.views += 1;
    });
    let mut client = site.serve(shop::routes().route("/leave", leave));
    client.post("/login/7").await;
    client.post("/leave").await;
    assert_eq!(client.cookies(), None);
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn g05_a_handler_that_was_told_can_begin_anew() {
    let site = Site::new();
    let gate = starsessions_tests::gate::Gate::new();
    let held = gate.clone();
    let persistent = post(
        |mut shop: Session<Shop>, session: CurrentSession| async move {
            held.pass().await;
            shop.views += 1;
            assert!(matches!(shop.commit().await, Err(SessionError::Gone)));
            session.destroy()?;
            session.insert(Login { user: 8 })?;
            session.commit().await?;
            let mut shop = session.view::<Shop>().await.unwrap();
            shop.views = 5;
            shop.commit().await
        },
    );
    let mut tab = site.serve(shop::with_logout().route("/persistent", persistent));
    tab.post("/login/7").await;
    let slow = tokio::spawn(tab.ask(Method::POST, "/persistent"));
    gate.reached().await;
    tab.post("/logout").await;
    gate.open();
    let reply = slow.await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    tab.keep(&reply);
    assert_eq!(tab.get("/me").await.body, "8");
    assert_eq!(tab.get("/views").await.body, "5");
}

/// The list of ended sessions drops an entry when the session's cookies have expired, so no later setting may extend
/// their lifetime.
#[tokio::test]
async fn g05_a_longer_lifetime_brings_no_ended_cookie_back() {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let short = Lifetime::new(hours(8), hours(10));
    let long = Lifetime::new(hours(48), hours(48));
    let site = Site::over(Spy::new(MemoryStore::new()), Kept::InCookies, |layer| {
        layer.lifetime(short)
    });
    let mut client = site.serve(shop::with_logout());
    client.post("/login/7").await;
    site.wait(hours(5));
    client.get("/me").await;
    let stolen = client.clone();
    client.post("/logout").await;
    let restarted = site.restarted(|layer| layer.lifetime(long));
    let mut thief = stolen.at(&restarted.serve(shop::with_logout()));
    assert_eq!(thief.get("/me").await.body, "guest");
    for hour in 5..14 {
        restarted.wait(hours(1));
        assert_eq!(thief.get("/me").await.body, "guest", "at {hour} h");
    }
}

fn in_cookies(hours: u32, remembered: u32) -> Site {
    let store = Spy::new(MemoryStore::new());
    Site::over(store, Kept::InCookies, lasting(hours, remembered))
}

fn lasting(hours: u32, remembered: u32) -> impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder {
    let lifetime = |hours: u32| Lifetime::new(HOUR * hours, HOUR * hours);
    move |layer| {
        let layer = layer.lifetime(lifetime(hours));
        layer.remembered_lifetime(lifetime(remembered))
    }
}

fn remembering() -> Router {
    let remember = |yes| post(async move |session: CurrentSession| session.remember(yes));
    let anew = async |session: CurrentSession| {
        session.destroy()?;
        session.insert(Login { user: 7 })
    };
    shop::with_logout()
        .route("/remember", remember(true))
        .route("/remember-no-more", remember(false))
        .route("/anew", post(anew))
}

/// Sweeps as a server does whose clock is ahead by this many seconds.
async fn sweep(site: &Site, seconds: u64) {
    let now = site.clock().now() + Duration::from_secs(seconds);
    site.store.sweep(100, now).await.unwrap();
}

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn g05_a_logout_on_a_server_with_shorter_timeouts_ends_each_copy_of_a_cookie() {
    let site = in_cookies(4, 4);
    let shorter = site.restarted(lasting(1, 1));
    let mut copy = site.serve(remembering());
    copy.post("/login/7").await;
    let mut user = copy.at(&shorter.serve(remembering()));
    assert_eq!(user.get("/me").await.body, "7");
    user.post("/logout").await;
    site.wait(HOUR * 2);
    sweep(&site, 0).await;
    assert_eq!(copy.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g05_a_logout_ends_a_copy_from_when_the_session_was_remembered() {
    let site = in_cookies(1, 4);
    let mut user = site.serve(remembering());
    user.post("/login/7").await;
    user.post("/remember").await;
    let mut copy = user.clone();
    user.post("/remember-no-more").await;
    user.post("/logout").await;
    site.wait(HOUR * 2);
    sweep(&site, 0).await;
    assert_eq!(copy.get("/me").await.body, "guest");
}

/// The sweep runs on another server, whose clock says that the copy has expired.
#[tokio::test]
async fn g05_a_logout_is_remembered_for_a_server_whose_clock_is_behind() {
    let site = in_cookies(1, 1);
    let mut user = site.serve(remembering());
    user.post("/login/7").await;
    let mut copy = user.clone();
    user.post("/logout").await;
    site.wait(HOUR - Duration::from_secs(1));
    sweep(&site, 60).await;
    assert_eq!(copy.get("/me").await.body, "guest");
}

/// The session that replaced the former one lives longer than the former one would have.
#[tokio::test]
async fn g05_a_logout_by_a_former_cookie_ends_the_later_session_for_good() {
    let site = in_cookies(2, 2);
    let mut user = site.serve(remembering());
    user.post("/login/7").await;
    site.wait(HOUR);
    let mut former = user.clone();
    user.post("/anew").await;
    former.post("/logout").await;
    site.wait(HOUR + Duration::from_secs(120));
    sweep(&site, 0).await;
    assert_eq!(user.get("/me").await.body, "guest");
}
