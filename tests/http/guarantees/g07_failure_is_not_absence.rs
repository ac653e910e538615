//! G7: a store error is its own outcome.

use std::time::Duration;

use axum::Router;
use http::StatusCode;
use starsessions::config::FailurePolicy;
use starsessions::{CurrentSession, Session, SessionError, SessionRejection};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{MethodRouter, any};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Moment, Operation};

use starsessions_tests::shop::{self, Login, Shop};

/// A site whose user is signed in, and whose store then fails.
async fn outage(policy: FailurePolicy, routes: Router) -> (Site, Client) {
    let site = Site::with(|layer| layer.on_store_failure(policy));
    let mut client = site.serve(shop::with_logout().merge(routes));
    client.post("/login/7").await;
    client.post("/language/en").await;
    site.store.fail_all();
    let _ = site.store.take_calls();
    (site, client)
}

async fn assert_is_still_signed_in(site: &Site, client: &mut Client) {
    site.store.recover();
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(client.get("/language").await.body, "en");
}

/// Every way to ask for the session.
fn readers() -> Vec<(&'static str, MethodRouter)> {
    vec![
        ("a view", any(async |_: Session<Shop>| ())),
        ("a required view", any(async |_: Session<Login>| ())),
        (
            "an optional view",
            any(async |_: Option<Session<Login>>| ()),
        ),
        (
            "get",
            any(async |all: CurrentSession| all.get::<Login>().await.map(|_| ())),
        ),
        (
            "info",
            any(async |all: CurrentSession| all.info().await.map(|_| ())),
        ),
        (
            "two views",
            any(async |_: Option<Session<Shop>>, _: Session<Login>| ()),
        ),
        (
            "a write",
            any(async |all: CurrentSession| all.insert(Login { user: 8 })),
        ),
        ("a logout", any(async |all: CurrentSession| all.destroy())),
        ("a rotation", any(async |all: CurrentSession| all.rotate())),
    ]
}

#[tokio::test]
async fn g07_who_uses_the_session_gets_503_and_is_asked_for_once() {
    for (what, reader) in readers() {
        let routes = Router::new().route("/use", reader);
        let (site, mut client) = outage(FailurePolicy::Unavailable, routes).await;
        let reply = client.get("/use").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert!(!reply.sets_cookie(), "{what}: no cookie is cleared");
        assert_eq!(
            site.store.take_calls(),
            Calls {
                loads: 1,
                ..Calls::NONE
            },
            "{what}"
        );
        assert_is_still_signed_in(&site, &mut client).await;
    }
}

#[tokio::test]
async fn g07_who_does_not_use_the_session_notices_nothing() {
    let (_, mut client) = outage(FailurePolicy::Unavailable, Router::new()).await;
    assert_eq!(client.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn g07_the_log_has_one_line_with_the_original_error() {
    let (_, mut client) = outage(FailurePolicy::Unavailable, Router::new()).await;
    let logs = Logs::capture();
    client.get("/cart").await;
    let lines = logs.with(&["ERROR", "connection refused by the test"]);
    assert_eq!(lines.len(), 1, "{}", logs.text());
}

#[tokio::test]
async fn g07_a_failed_read_is_not_followed_by_a_write_even_when_the_store_is_back() {
    let site = Site::new();
    let store = site.store.clone();
    let stubborn = any(
        move |all: CurrentSession, shop: Result<Session<Shop>, SessionRejection>| async move {
            assert!(matches!(shop, Err(SessionRejection::Failed(_))));
            store.recover();
            all.insert(Login { user: 8 }).unwrap();
            "stubborn"
        },
    );
    let mut client = site.serve(shop::routes().route("/stubborn", stubborn));
    client.post("/login/7").await;
    client.post("/language/en").await;
    site.store.fail(Operation::Load, Moment::Before);
    let _ = site.store.take_calls();

    let reply = client.get("/stubborn").await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        site.store.take_calls(),
        Calls {
            loads: 1,
            ..Calls::NONE
        }
    );
    assert_is_still_signed_in(&site, &mut client).await;
}

#[tokio::test]
async fn g07_a_failed_reload_is_not_followed_by_a_write() {
    let site = Site::new();
    let store = site.store.clone();
    let stubborn = any(move |mut shop: Session<Shop>| async move {
        store.fail(Operation::Load, Moment::Before);
        assert!(shop.reload().await.is_err());
        store.recover();
        shop.language = Some("xx".to_owned());
    });
    let mut client = site.serve(shop::routes().route("/stubborn", stubborn));
    client.post("/login/7").await;
    client.post("/language/en").await;
    let _ = site.store.take_calls();

    let reply = client.get("/stubborn").await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.store.take_calls().writes(), 0);
    assert_is_still_signed_in(&site, &mut client).await;
}

/// The changes of the view are dropped; debug builds report changes behind a shared reference only.
#[tokio::test]
async fn g07_what_a_failed_reload_drops_was_changed_openly() {
    let logs = Logs::capture();
    let site = Site::new();
    let store = site.store.clone();
    let stubborn = any(move |mut shop: Session<Shop>| async move {
        shop.language = Some("xx".to_owned());
        store.fail(Operation::Load, Moment::Before);
        assert!(shop.reload().await.is_err());
        store.recover();
    });
    let mut client = site.serve(shop::routes().route("/stubborn", stubborn));
    client.post("/language/en").await;
    client.get("/stubborn").await;
    let reported = logs.with(&["shared reference"]);
    assert!(reported.is_empty(), "{}", logs.text());
    assert_eq!(client.get("/language").await.body, "en");
}

#[tokio::test]
async fn g07_a_write_that_fails_is_503_and_the_old_state_is_kept() {
    for (path, operation) in [
        ("/language/xx", Operation::Replace),
        ("/login/8", Operation::Rotate),
        ("/logout", Operation::Remove),
    ] {
        let (site, mut client) = outage(FailurePolicy::Unavailable, Router::new()).await;
        site.store.recover();
        site.store.fail(operation, Moment::Before);
        let reply = client.post(path).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!reply.sets_cookie(), "{path}: not as if it had happened");
        assert_is_still_signed_in(&site, &mut client).await;
    }
}

#[tokio::test]
async fn g07_a_session_that_could_not_be_created_has_no_cookie() {
    let site = Site::new();
    site.store.fail(Operation::Insert, Moment::Before);
    let reply = site.serve(shop::routes()).post("/login/7").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn g07_a_touch_that_fails_is_logged_and_tried_again_and_the_page_is_shown() {
    for moment in [Moment::Before, Moment::After] {
        let (site, mut client) = outage(FailurePolicy::Unavailable, Router::new()).await;
        site.store.recover();
        site.store.fail(Operation::Touch, moment);
        site.wait_seconds(600);
        let logs = Logs::capture();
        let reply = client.get("/language").await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "en"));
        assert_eq!(logs.with(&["ERROR", "the session store failed"]).len(), 1);
        site.store.recover();
        site.wait_seconds(60);
        let _ = site.store.take_calls();
        client.get("/language").await;
        assert_eq!(site.store.take_calls().touches, 1);
    }
}

#[tokio::test]
async fn g07_a_read_only_guest_sees_pages_and_is_never_signed_in() {
    let (site, mut client) = outage(FailurePolicy::ReadOnlyGuest, Router::new()).await;
    for (path, body) in [("/me", "guest"), ("/cart", ""), ("/language", "")] {
        let reply = client.get(path).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, body),
            "{path}"
        );
        assert!(!reply.sets_cookie(), "{path}");
    }
    assert_eq!(site.store.take_calls().writes(), 0);
    assert_is_still_signed_in(&site, &mut client).await;
}

#[tokio::test]
async fn g07_a_read_only_guest_is_one_by_every_way_of_asking() {
    let ask = any(async |all: CurrentSession| {
        let login = all.get::<Login>().await?.map(|login| login.user);
        let shop = all.get::<Shop>().await?.map(|shop| shop.views);
        Ok::<_, SessionError>(format!("{login:?} {shop:?} {:?}", all.info().await?))
    });
    let routes = Router::new().route("/ask", ask);
    let (_, mut client) = outage(FailurePolicy::ReadOnlyGuest, routes).await;
    assert_eq!(client.get("/ask").await.body, "None Some(0) None");
}

#[tokio::test]
async fn g07_a_read_only_guest_is_turned_away_where_a_user_is_required() {
    let private = any(async |_: Session<Login>| ());
    let routes = Router::new().route("/private", private);
    let (_, mut client) = outage(FailurePolicy::ReadOnlyGuest, routes).await;
    assert_eq!(client.get("/private").await.location(), Some("/login"));
}

#[tokio::test]
async fn g07_a_read_only_guest_cannot_write_even_when_the_store_is_back() {
    for path in ["/language/xx", "/login/8", "/logout", "/views"] {
        let (site, mut client) = outage(FailurePolicy::ReadOnlyGuest, Router::new()).await;
        let reply = client.post(path).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!reply.sets_cookie(), "{path}");
        assert_eq!(site.store.take_calls().writes(), 0, "{path}");
        assert_is_still_signed_in(&site, &mut client).await;
    }
}

/// A store that does not answer counts as failed after the layer's time-out.
#[tokio::test]
async fn g07_a_store_that_does_not_answer_is_503_and_holds_nobody() {
    let site = Site::with(|layer| layer.store_timeout(Duration::from_millis(1)));
    let mut client = site.serve(shop::with_logout());
    client.post("/login/7").await;
    let logs = Logs::capture();
    for (operation, path) in [
        (Operation::Load, "/cart/tea"),
        (Operation::Replace, "/cart/tea"),
        (Operation::Rotate, "/login/8"),
        (Operation::Remove, "/logout"),
    ] {
        // The test never opens this gate.
        let _gate = site.store.hold(operation, Moment::Before);
        let reply = client.post(path).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!reply.sets_cookie(), "{path}");
        site.store.release();
        assert_eq!(client.get("/me").await.body, "7", "{path}");
    }
    assert_eq!(logs.with(&["ERROR", "no answer within 1ms"]).len(), 1);
}

/// An outage writes one line in ten seconds, with the store's message, however many requests fail.
#[tokio::test]
async fn g07_an_outage_is_one_line_in_a_window() {
    let logs = Logs::capture();
    let site = Site::new();
    let mut client = site.serve(shop::with_logout());
    client.post("/cart/tea").await;
    site.store.fail_all();
    let lines = || logs.with(&["ERROR"]).len();
    for (second, expected) in [(0, 1), (9, 1), (10, 2), (19, 2)] {
        site.clock().set(OUTAGE + second);
        for path in ["/cart/tea", "/login/7", "/logout"] {
            let reply = client.post(path).await;
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
        assert_eq!(lines(), expected, "second {second}: {}", logs.text());
    }
    assert_eq!(logs.with(&["ERROR", "the session store failed"]).len(), 2);
}

const OUTAGE: u64 = 1_800_000_100;

/// The list of ended sessions fails between the two queries of one request.
#[tokio::test]
async fn g07_a_sealed_session_that_cannot_be_touched_is_read_all_the_same() {
    let site = Site::kept(Kept::InCookies);
    let store = site.store.clone();
    let read = any(move |shop: Session<Shop>| async move {
        store.fail(Operation::Load, Moment::Before);
        shop.language.clone().unwrap_or_default()
    });
    let mut client = site.serve(shop::routes().route("/read", read));
    client.post("/language/en").await;
    site.wait_seconds(600);
    let reply = client.get("/read").await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "en"));
    assert!(!reply.sets_cookie(), "it may have ended meanwhile");
}

#[tokio::test]
async fn g07_a_read_only_guest_is_one_from_a_failed_reload_on() {
    let site = Site::with(|layer| layer.on_store_failure(FailurePolicy::ReadOnlyGuest));
    let store = site.store.clone();
    let ask = any(
        move |mut shop: Session<Shop>, all: CurrentSession| async move {
            store.fail(Operation::Load, Moment::Before);
            assert!(shop.reload().await.is_err());
            let login = all.get::<Login>().await?.map(|login| login.user);
            Ok::<_, SessionError>(format!("{login:?} {:?}", all.info().await?))
        },
    );
    let mut client = site.serve(shop::routes().route("/ask", ask));
    client.post("/login/7").await;
    assert_eq!(client.get("/ask").await.body, "None None");
    site.store.recover();
    assert_eq!(client.get("/me").await.body, "7");
}

/// A route may serve guests during an outage while the other routes refuse, and vice versa.
#[tokio::test]
async fn g07_a_route_has_a_policy_of_its_own() {
    use starsessions::FailurePolicyLayer;
    let greet = async |login: Option<Session<Login>>| match login {
        Some(_) => "user",
        None => "guest",
    };
    for (site_wide, own) in [
        (FailurePolicy::Unavailable, FailurePolicy::ReadOnlyGuest),
        (FailurePolicy::ReadOnlyGuest, FailurePolicy::Unavailable),
    ] {
        let other = FailurePolicyLayer::new(site_wide);
        let own_layer = FailurePolicyLayer::new(own);
        let routes = Router::new()
            .route("/own", any(greet))
            .layer(own_layer)
            .layer(other)
            .route("/other", any(greet));
        let (site, mut client) = outage(site_wide, routes).await;
        for (path, policy) in [("/own", own), ("/other", site_wide)] {
            let reply = client.get(path).await;
            let expected = match policy {
                FailurePolicy::ReadOnlyGuest => (StatusCode::OK, "guest"),
                FailurePolicy::Unavailable => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "This is not possible right now. Try again in a moment.",
                ),
            };
            assert_eq!((reply.status, reply.body.as_str()), expected, "{path}");
            assert!(!reply.sets_cookie(), "{path}");
        }
        assert_eq!(site.store.take_calls().writes(), 0);
        assert_is_still_signed_in(&site, &mut client).await;
        assert_eq!(client.get("/own").await.body, "user");
    }
}

/// The browser keeps what a second try needs.
#[tokio::test]
async fn g07_a_logout_that_fails_removes_no_cookie_also_not_that_of_a_former_id() {
    for kept in [Kept::OnServer, Kept::InCookies] {
        let site = Site::kept(kept);
        let mut client = site.serve(shop::with_logout());
        client.post("/language/en").await;
        let mut former = client.clone();
        client.post("/login/7").await;
        for operation in [Operation::Remove, Operation::Insert] {
            site.store.fail(operation, Moment::Before);
        }
        let reply = former.post("/logout").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{kept:?}");
        assert!(!reply.sets_cookie(), "{kept:?}");
        assert_is_still_signed_in(&site, &mut client).await;
        assert_eq!(former.post("/logout").await.max_age(), Some(0), "{kept:?}");
        assert_eq!(client.get("/me").await.body, "guest", "{kept:?}");
    }
}

/// The second try ends what the first one could not end: a session behind a former id, or two of two cookies.
#[tokio::test]
async fn g07_a_logout_that_fails_may_be_repeated_within_its_request() {
    for kept in Kept::REVOCABLY {
        for with_another in [false, true] {
            let site = Site::kept(kept);
            let store = site.store.clone();
            let insist = async move |session: CurrentSession| {
                store.fail(Operation::Remove, Moment::Before);
                store.fail(Operation::Insert, Moment::Before);
                session.destroy()?;
                let failed = session.commit().await.unwrap_err();
                assert!(matches!(failed, SessionError::Unavailable(_)));
                store.recover();
                session.destroy()?;
                session.commit().await
            };
            let mut user = site.serve(shop::routes().route("/insist", any(insist)));
            let mut another = user.clone();
            another.post("/login/8").await;
            user.post("/language/en").await;
            let former = user.cookies().unwrap();
            user.post("/login/7").await;
            let mut insisting = user.showing(former);
            if with_another {
                let cookies = [&user, &another].map(|client| client.cookies().unwrap());
                insisting = user.showing(cookies.join("; "));
            }
            let reply = insisting.post("/insist").await;
            assert_eq!((reply.status, reply.max_age()), (StatusCode::OK, Some(0)));
            assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
            let left = if with_another { "guest" } else { "8" };
            assert_eq!(another.get("/me").await.body, left, "{kept:?}");
        }
    }
}
