//! A logout is final: the former cookie brings nothing back.

use std::time::Duration;

use http::{Method, StatusCode};
use starsessions::python::{CookieStore, Sessions};
use starsessions::store::{Store, StoreError};
use starsessions::takeover::{FormerSession, JsonObject, Source};
use starsessions::testing::TestClock;
use starsessions::{KeyRing, MemoryStore, SessionLayer, Timestamp};
use starsessions_tests::client::Client;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Operation, Spy, places};

use super::{HOUR, SECRET, Stage, awaited, later, routes, take_both};

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

/// A source that prolongs its session with each look, and does not remove it.
struct Rolling;

impl Source for Rolling {
    fn cookie_name(&self) -> &str {
        "former"
    }

    async fn find(&self, _: &str, now: Timestamp) -> Result<Option<FormerSession>, StoreError> {
        let values = JsonObject::parse(br#"{"user_id": 7}"#).unwrap();
        let end = now + Duration::from_secs(HOUR);
        Ok(Some(FormerSession::new(values, end)))
    }

    async fn remove(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The way to the new session is remembered up to its deadline, also if a store keeps expired rows for a while.
#[tokio::test]
async fn a_former_session_that_outlives_the_way_is_taken_over_again_on_every_store() {
    for is_swept in [false, true] {
        let site = Site::over(Spy::new(MemoryStore::new()), Kept::OnServer, |layer| {
            layer.take_over(take_both(Rolling))
        });
        let client = site.serve(routes()).showing("former=1");
        client.ask(Method::POST, "/logout").await;
        for (seconds, me) in [(HOUR - 1, "guest"), (1, "7")] {
            site.wait_seconds(seconds);
            if is_swept {
                let now = starsessions::config::Clock::now(site.clock());
                site.store.store().sweep(1_000, now).await.unwrap();
            }
            assert_eq!(client.ask(Method::GET, "/me").await.body, me, "{is_swept}");
        }
    }
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
    let now = Timestamp::from_unix_seconds(1_800_000_000);
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
    let earlier = Timestamp::from_unix_seconds(1_799_999_999);
    let other = CookieStore::new(SECRET).sign(br#"{"user_id": 7}"#, earlier);
    assert_eq!(seen(&ended, &other).await, "7", "another cookie");
    assert_eq!(seen(new, &cookie).await, "7", "without the key");
}
