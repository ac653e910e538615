//! G14: idle, absolute and renewal, enforced by the server.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use http::Method;
use starsessions::config::{Clock, CookieBuilder};
use starsessions::keys::Key;
use starsessions::{
    CurrentSession, KeyRing, Lifetime, MemoryStore, PassiveLayer, Session, SessionError,
    SessionLayerBuilder,
};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Spy};

use starsessions_tests::shop::{self, Login, Shop};

const IDLE: u64 = 600;
const ABSOLUTE: u64 = 3_600;
const RENEWAL: u64 = 900;
const GRACE: u64 = 30;

fn lifetime() -> Lifetime {
    Lifetime::new(Duration::from_secs(IDLE), Duration::from_secs(ABSOLUTE))
}

/// A user who has just signed in.
async fn signed_in(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> (Site, Client) {
    let site = Site::with(|layer| set(layer.lifetime(lifetime())));
    let poll = get(async |_: Session<Login>| ()).layer(PassiveLayer);
    let reload = get(async |mut shop: Session<Shop>| shop.reload().await);
    let routes = shop::with_logout()
        .route("/poll", poll)
        .route("/reload", reload)
        .route(
            "/keep",
            get(async |session: CurrentSession| session.remember(true)),
        )
        .route("/remember/{user}", post(remember));
    let mut client = site.serve(routes);
    client.post("/login/7").await;
    (site, client)
}

async fn remember(session: CurrentSession, Path(user): Path<u64>) -> Result<(), SessionError> {
    session.remember(true)?;
    session.insert(Login { user })
}

/// Uses the session often enough that it never idles.
async fn keep_busy(site: &Site, client: &mut Client, seconds: u64) {
    let mut left = seconds;
    while left > 0 {
        let step = left.min(IDLE / 2);
        client.get("/me").await;
        site.wait_seconds(step);
        left -= step;
    }
}

#[tokio::test]
async fn g14_the_idle_timeout_ends_the_session_at_its_second() {
    for (waited, user) in [(IDLE - 1, "7"), (IDLE, "guest"), (IDLE + 1, "guest")] {
        let (site, mut client) = signed_in(|layer| layer).await;
        site.wait_seconds(waited);
        assert_eq!(client.get("/me").await.body, user, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_the_library_checks_the_timeouts_whatever_the_store_returns() {
    for (waited, user) in [(IDLE - 1, "7"), (IDLE, "guest"), (IDLE + 1, "guest")] {
        let (site, mut client) = signed_in(|layer| layer).await;
        site.store.forget_time();
        site.wait_seconds(waited);
        assert_eq!(client.get("/me").await.body, user, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_shorter_timeouts_bind_the_sessions_that_are_already_there() {
    let short =
        |idle, absolute| Lifetime::new(Duration::from_secs(idle), Duration::from_secs(absolute));
    for kept in Kept::ANYWHERE {
        for lifetime in [short(100, ABSOLUTE), short(100, 100)] {
            for (waited, user) in [(99, "7"), (100, "guest")] {
                let store = Spy::new(MemoryStore::new());
                let site = Site::over(store, kept, |layer| layer);
                let mut client = site.serve(shop::routes());
                client.post("/login/7").await;
                let site = site.restarted(|layer| layer.lifetime(lifetime));
                let mut client = client.at(&site.serve(shop::routes()));
                site.wait_seconds(waited);
                assert_eq!(
                    client.get("/me").await.body,
                    user,
                    "{kept:?} after {waited} s"
                );
            }
        }
    }
}

#[tokio::test]
async fn g14_a_use_moves_the_idle_timeout() {
    for (waited, user) in [(IDLE - 1, "7"), (IDLE, "guest")] {
        let (site, mut client) = signed_in(|layer| layer).await;
        site.wait_seconds(IDLE - 1);
        client.get("/me").await;
        site.wait_seconds(waited);
        assert_eq!(client.get("/me").await.body, user, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_the_absolute_timeout_ends_a_busy_session_at_its_second() {
    for (waited, user) in [
        (ABSOLUTE - 1, "7"),
        (ABSOLUTE, "guest"),
        (ABSOLUTE + 1, "guest"),
    ] {
        let (site, mut client) = signed_in(|layer| layer).await;
        keep_busy(&site, &mut client, waited).await;
        assert_eq!(client.get("/me").await.body, user, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_no_new_id_moves_the_absolute_timeout() {
    let (site, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(RENEWAL))).await;
    keep_busy(&site, &mut client, ABSOLUTE / 2).await;
    client.post("/login/8").await;
    keep_busy(&site, &mut client, ABSOLUTE / 2 - 1).await;
    assert_eq!(client.get("/me").await.body, "8");
    site.wait_seconds(1);
    assert_eq!(client.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g14_a_clock_that_jumps_back_ends_nothing_and_lengthens_nothing() {
    let (site, mut client) = signed_in(|layer| layer).await;
    let started = site.clock().now().as_unix_seconds();
    site.clock().set(started - 10_000);
    assert_eq!(client.get("/me").await.body, "7");
    site.clock().set(started + IDLE);
    assert_eq!(client.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g14_a_passive_request_uses_the_session_and_does_not_keep_it() {
    let (site, mut client) = signed_in(|layer| layer).await;
    for _ in 0..9 {
        site.wait_seconds(IDLE / 10);
        assert_eq!(client.get("/poll").await.status, 200);
    }
    site.wait_seconds(IDLE / 10);
    assert_eq!(client.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g14_a_passive_request_renews_no_id() {
    let (site, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(60))).await;
    site.wait_seconds(120);
    assert!(!client.get("/poll").await.sets_cookie());
    assert!(client.get("/me").await.sets_cookie());
}

#[tokio::test]
async fn g14_the_id_is_renewed_at_its_second() {
    for (waited, is_renewed) in [(RENEWAL - 1, false), (RENEWAL, true), (RENEWAL + 1, true)] {
        let renewal = Duration::from_secs(RENEWAL);
        let (site, mut client) = signed_in(|layer| layer.renewal(renewal)).await;
        let old = client.cookies();
        keep_busy(&site, &mut client, waited).await;
        assert_eq!(client.get("/me").await.body, "7");
        assert_eq!(client.cookies() != old, is_renewed, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_what_falls_due_while_the_handler_runs_is_left_to_the_next_request() {
    let (site, user) = signed_in(|layer| layer.renewal(Duration::from_secs(300))).await;
    let clock = site.clone();
    let slow = get(async move |_: Session<Login>| clock.wait_seconds(2));
    let mut client = user.at(&site.serve(shop::routes().route("/slow", slow)));
    site.wait_seconds(59);
    let _ = site.store.take_calls();
    client.get("/slow").await;
    assert_eq!(site.store.take_calls().writes(), 0);
    client.get("/me").await;
    assert_eq!(site.store.take_calls().touches, 1);
    site.wait_seconds(300 - 62);
    assert!(!client.get("/slow").await.sets_cookie());
    assert!(client.get("/me").await.sets_cookie(), "a new id");
}

/// A user whose id has just been renewed, and a tab that still has the former id.
async fn renewed() -> (Site, Client, Client) {
    let (site, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(60))).await;
    site.wait_seconds(60);
    let old = client.clone();
    client.get("/me").await;
    assert_ne!(client.cookies(), old.cookies());
    (site, client, old)
}

#[tokio::test]
async fn g14_the_old_id_leads_to_its_one_successor_for_the_grace_and_no_longer() {
    for (waited, user) in [
        (0, "7"),
        (GRACE - 1, "7"),
        (GRACE, "guest"),
        (GRACE + 1, "guest"),
    ] {
        let (site, client, mut old) = renewed().await;
        site.wait_seconds(waited);
        assert_eq!(old.get("/me").await.body, user, "after {waited} s");
        assert_eq!(
            old.cookies() == client.cookies(),
            user == "7",
            "after {waited} s"
        );
    }
}

#[tokio::test]
async fn g14_a_reload_within_the_grace_still_tells_the_browser_its_new_id() {
    let (_, client, mut old) = renewed().await;
    old.get("/reload").await;
    assert_eq!(old.cookies(), client.cookies());
}

#[tokio::test]
async fn g14_old_and_new_id_in_one_request_are_one_session() {
    let (_, client, old) = renewed().await;
    let [old, new] = [old, client.clone()].map(|it| it.cookies().unwrap());
    for both in [format!("{old}; {new}"), format!("{new}; {old}")] {
        let reply = client.showing(both).get("/me").await;
        assert_eq!((reply.body.as_str(), reply.sets_cookie()), ("7", false));
    }
}

/// Two requests find the same id too old: the later one completes its remaining work under the new id.
#[tokio::test]
async fn g14_an_id_is_renewed_once() {
    for (path, remembers) in [("/me", false), ("/keep", true)] {
        let (site, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(60))).await;
        site.wait_seconds(60);
        let mut late = client.clone();
        let gate = site.store.hold(Operation::Rotate, Moment::Before);
        let slow = tokio::spawn(late.ask(Method::GET, path));
        gate.reached().await;
        site.store.release();
        client.get("/me").await;
        let _ = site.store.take_calls();
        gate.open();
        let reply = slow.await.unwrap();
        late.keep(&reply);
        assert_eq!(late.cookies(), client.cookies(), "{path}");
        assert_eq!(reply.max_age().is_some(), remembers, "{path}");
        let replaces = u32::from(remembers);
        assert_eq!(site.store.take_calls().replaces, replaces, "{path}");
    }
}

#[tokio::test]
async fn g14_a_logout_with_the_old_id_ends_the_successor() {
    let (_, mut client, mut old) = renewed().await;
    let mut third = old.clone();
    old.post("/logout").await;
    for tab in [&mut client, &mut old, &mut third] {
        assert_eq!(tab.get("/me").await.body, "guest");
    }
}

#[tokio::test]
async fn g14_a_login_leaves_no_grace() {
    let (_, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(60))).await;
    let mut old = client.clone();
    client.post("/login/8").await;
    assert_eq!(old.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g14_a_login_when_a_renewal_is_due_leaves_no_grace() {
    let (site, mut client) = signed_in(|layer| layer.renewal(Duration::from_secs(60))).await;
    site.wait_seconds(60);
    let mut old = client.clone();
    client.post("/login/8").await;
    assert_eq!(old.get("/me").await.body, "guest");
    assert_eq!(client.get("/me").await.body, "8");
}

#[tokio::test]
async fn g14_a_login_ends_the_grace_of_a_renewal_before_it() {
    let (_, mut client, mut old) = renewed().await;
    client.post("/login/8").await;
    assert_eq!(old.get("/me").await.body, "guest");
}

const LONG: u64 = 5 * ABSOLUTE;

fn long(layer: SessionLayerBuilder) -> SessionLayerBuilder {
    layer.remembered_lifetime(Lifetime::new(
        Duration::from_secs(LONG),
        Duration::from_secs(LONG),
    ))
}

#[tokio::test]
async fn g14_who_is_remembered_has_the_long_timeouts_to_the_second() {
    for (waited, user) in [(LONG - 1, "8"), (LONG, "guest")] {
        let (site, mut client) = signed_in(long).await;
        client.post("/remember/8").await;
        site.wait_seconds(waited);
        assert_eq!(client.get("/me").await.body, user, "after {waited} s");
    }
}

#[tokio::test]
async fn g14_who_is_remembered_keeps_the_cookie_when_the_browser_is_closed() {
    let (_, mut client) = signed_in(long).await;
    let reply = client.post("/remember/8").await;
    assert_eq!(reply.max_age(), Some(LONG));
    client.jar_mut().close();
    assert_eq!(client.get("/me").await.body, "8");
}

#[tokio::test]
async fn g14_who_is_not_remembered_loses_the_cookie_when_the_browser_is_closed() {
    let (_, mut client) = signed_in(long).await;
    client.jar_mut().close();
    assert_eq!(client.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g14_a_persistent_cookie_ends_with_its_session() {
    let (site, mut client) =
        signed_in(|layer| layer.cookie(|_| CookieBuilder::default().persistent(true))).await;
    site.wait_seconds(IDLE / 2);
    assert_eq!(
        client.get("/me").await.max_age(),
        Some(IDLE),
        "moved with the idle timeout"
    );
    assert!(!client.post("/views").await.sets_cookie(), "not since");
    keep_busy(&site, &mut client, ABSOLUTE - IDLE / 2 - 700).await;
    site.wait_seconds(300);
    let told = client.get("/me").await.max_age();
    assert_eq!(told, Some(400), "not beyond the absolute timeout");
}

#[tokio::test]
async fn g14_a_shorter_idle_timeout_logs_nobody_out_who_is_busy() {
    for kept in [Kept::OnServer, Kept::InCookies] {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let before = Lifetime::new(hours(8), hours(24));
        let site = Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
            layer.lifetime(before)
        });
        let mut client = site.serve(shop::routes());
        client.post("/login/7").await;

        let after = Lifetime::new(hours(1), hours(24));
        let site = site.restarted(|layer| layer.lifetime(after));
        let mut client = client.at(&site.serve(shop::routes()));
        for _ in 0..3 {
            site.wait_seconds(1_800);
            assert_eq!(client.get("/me").await.body, "7", "{kept:?}");
        }
        site.wait(hours(1));
        assert_eq!(client.get("/me").await.body, "guest", "{kept:?}");
    }
}

#[derive(Session)]
struct Badge {
    #[session(index, expires = "10m")]
    owner: Option<u64>,
}

#[tokio::test]
async fn g14_who_is_no_longer_signed_in_sees_and_ends_no_sessions_of_the_user() {
    let site = Site::new();
    let sign_in = post(async |session: CurrentSession| session.insert(Badge { owner: Some(7) }));
    let count = get(async |session: CurrentSession| {
        let listed = session.list::<Badge>().await?.len();
        let ended = session.revoke_others::<Badge>().await?;
        Ok::<_, SessionError>(format!("{listed} {ended}"))
    });
    let routes = Router::new().route("/in", sign_in).route("/count", count);
    let mut phone = site.serve(routes);
    let mut laptop = phone.clone();
    phone.post("/in").await;
    site.wait_seconds(300);
    laptop.post("/in").await;
    site.wait_seconds(300);
    assert_eq!(phone.get("/count").await.body, "0 0");
    assert_eq!(laptop.get("/count").await.body, "1 0");
}

/// Each new id is unknown to requests that are already on their way, so there must not be many.
#[tokio::test]
async fn g14_nodes_that_do_not_agree_on_a_key_pass_no_session_to_and_fro() {
    let bytes = |step: usize| std::array::from_fn(|i| (i * i * step) as u8);
    let [one, two] = [7, 11].map(|step| move || Key::from_bytes(bytes(step)).unwrap());
    let ring = |active: Key, accepted: Key| KeyRing::new(active).accept(accepted, None).unwrap();
    let site = Site::new();
    let behind = site.under(ring(one(), two()));
    let ahead = site.under(ring(two(), one()));
    let nodes = [behind.serve(shop::routes()), ahead.serve(shop::routes())];
    let mut client = nodes[0].clone();
    client.post("/login/7").await;
    for _ in 0..2 {
        behind.wait_seconds(60);
        ahead.wait_seconds(60);
        let late = client.clone();
        let mut issued = 0;
        for visit in 1..=20 {
            client = client.at(&nodes[visit % 2]);
            let reply = client.get("/me").await;
            assert_eq!(reply.body, "7");
            issued += usize::from(reply.sets_cookie());
        }
        assert_eq!(issued, 1, "new ids within a second");
        for node in &nodes {
            assert_eq!(late.at(node).get("/me").await.body, "7");
        }
    }
}

#[derive(Debug, Session)]
struct Draft {
    #[session(expires = "60s")]
    text: Option<String>,
    #[session(idle = "10m")]
    title: Option<String>,
    views: u64,
}

fn drafts() -> Router {
    Router::new()
        .route(
            "/draft",
            get(async |draft: Session<Draft>| format!("{:?}", draft.text)).post(
                async |mut draft: Session<Draft>| {
                    draft.text = Some("text".to_owned());
                    draft.title = Some("title".to_owned());
                },
            ),
        )
        .route(
            "/view",
            post(async |mut draft: Session<Draft>| draft.views += 1),
        )
}

/// A passive poll writes, but does not count as a use.
#[tokio::test]
async fn g14_a_use_counts_beside_a_write_that_is_none() {
    let site = Site::with(|layer| layer.lifetime(lifetime()));
    let poll = post(async |mut shop: Session<Shop>| shop.views += 1).layer(PassiveLayer);
    let mut client = site.serve(shop::routes().route("/poll", poll));
    client.post("/cart/tea").await;
    site.wait_seconds(IDLE - 1);
    let touch = (Operation::Touch, Moment::Before, 0);
    let used = site.store.stop_at(touch, client.ask(Method::GET, "/cart"));
    let (gate, used) = used.await.unwrap();
    client.post("/poll").await;
    gate.open();
    used.await.unwrap();
    site.wait_seconds(IDLE - 1);
    assert_eq!(client.get("/cart").await.body, "tea");
}

#[tokio::test]
async fn g14_a_use_of_a_field_counts_beside_a_renewal_that_does_not_use_it() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(IDLE / 2)));
    let title = get(async |draft: Session<Draft>| draft.title.clone().unwrap_or_default());
    let mut client = site.serve(drafts().merge(shop::routes()).route("/title", title));
    client.post("/draft").await;
    site.wait_seconds(IDLE - 1);
    let renewal = (Operation::Rotate, Moment::Before, 0);
    let used = site
        .store
        .stop_at(renewal, client.ask(Method::GET, "/title"));
    let (gate, used) = used.await.unwrap();
    client.get("/cart").await;
    gate.open();
    used.await.unwrap();
    site.wait_seconds(1);
    assert_eq!(client.get("/title").await.body, "title");
}

/// A read on the node whose clock is ahead must not remove what the other node still accepts.
#[tokio::test]
async fn g14_a_clock_that_is_ahead_takes_nothing_from_the_others() {
    for kept in Kept::ANYWHERE {
        let site = Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
            layer.lifetime(lifetime())
        });
        let ahead = site.restarted(|layer| layer.lifetime(lifetime()));
        let mut here = site.serve(drafts());
        here.post("/draft").await;
        ahead.wait_seconds(59);
        let mut there = here.at(&ahead.serve(drafts()));
        there.get("/draft").await;
        ahead.wait_seconds(60);
        // The write moves the deadline of the title and of the session.
        assert_eq!(there.get("/draft").await.body, "None", "{kept:?}");
        there.post("/view").await;
        assert_eq!(here.get("/draft").await.body, r#"Some("text")"#, "{kept:?}");
    }
}

/// The issuer's clock is further ahead than the tolerance for nodes, or the cookie is forged.
#[tokio::test]
async fn g14_a_cookie_from_the_future_holds_no_session() {
    for (ahead, cart) in [(60, "tea"), (61, "")] {
        let here = Site::kept(Kept::InCookies);
        let there = here.restarted(|layer| layer);
        there.wait_seconds(ahead);
        let mut client = there.serve(shop::routes());
        client.post("/cart/tea").await;
        let mut client = client.at(&here.serve(shop::routes()));
        assert_eq!(client.get("/cart").await.body, cart, "{ahead} seconds");
    }
}

/// The cookie is written anyway, so the use is stored before it would be due.
#[tokio::test]
async fn g14_a_new_cookie_moves_the_idle_timeout_unless_it_is_set_by_a_passive_request() {
    for (path, lives) in [("/views", true), ("/passive", false)] {
        let store = Spy::new(MemoryStore::new());
        let site = Site::over(store, Kept::InCookies, |layer| layer.lifetime(lifetime()));
        let view = post(async |mut shop: Session<Shop>| shop.views += 1);
        let routes = shop::routes().route("/passive", view.layer(PassiveLayer));
        let mut client = site.serve(routes);
        client.post("/cart/tea").await;
        site.wait_seconds(30);
        client.post(path).await;
        site.wait_seconds(IDLE - 1);
        assert_eq!(client.get("/cart").await.body == "tea", lives, "{path}");
    }
}

/// A leftover cookie of a former domain can hold an older state of the session.
#[tokio::test]
async fn g14_of_two_states_of_a_session_that_is_its_cookie_the_later_one_counts() {
    let site = Site::kept(Kept::InCookies);
    let mut client = site.serve(shop::routes());
    client.post("/cart/tea").await;
    let early = client.cookies().unwrap();
    site.wait_seconds(1);
    client.post("/cart/milk").await;
    let late = client.cookies().unwrap();
    for both in [format!("{early}; {late}"), format!("{late}; {early}")] {
        assert_eq!(client.showing(both).get("/cart").await.body, "tea,milk");
    }
}

/// If the clock goes back, an expired session lives again until its unchanged deadline.
#[tokio::test]
async fn g14_a_clock_that_goes_back_moves_no_deadline() {
    for kept in Kept::ANYWHERE {
        let site = Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
            layer.lifetime(lifetime())
        });
        let begin = site.clock().now().as_unix_seconds();
        let mut client = site.serve(shop::routes());
        client.post("/login/7").await;
        for (second, who) in [
            (IDLE, "guest"),
            (IDLE - 1, "7"),
            (ABSOLUTE, "guest"),
            (2 * IDLE - 1, "guest"),
        ] {
            site.clock().set(begin + second);
            // A copy, so that the response to a guest cannot remove the cookie.
            let mut client = client.clone();
            assert_eq!(client.get("/me").await.body, who, "{kept:?} {second}");
        }
    }
}
