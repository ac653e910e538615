//! Several views in one request, and the effects of `flush`, `reload`, `commit` and `rollback`.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::StatusCode;
use starsessions::testing::TestSessions;
use starsessions::{
    CookieStore, CurrentSession, KeyRing, Lifetime, MemoryStore, Session, SessionError,
    SessionLayer,
};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::any;
use starsessions_tests::spy::{Spy, Write};

#[derive(Session)]
pub(super) struct Shop {
    #[session(merge = sum)]
    pub(super) views: u32,
    #[session(merge = append)]
    pub(super) cart: Vec<String>,
    pub(super) note: String,
    pub(super) coupon: Option<u32>,
}

#[derive(Session)]
pub(super) struct Login {
    #[session(required, rotate)]
    pub(super) user: u64,
}

pub(super) fn observed() -> (Client, Spy) {
    let spy = Spy::new(MemoryStore::new());
    let layer = SessionLayer::dev(spy.clone(), KeyRing::generate().unwrap());
    (Client::behind(layer), spy)
}

pub(super) async fn begun() -> Client {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| {
            shop.cart.push("tea".to_owned());
            shop.views = 10;
        })
        .await;
    browser
}

pub(super) async fn shop(browser: &mut Client) -> (u32, Vec<String>, String) {
    browser
        .with(|shop: &mut Session<Shop>| (shop.views, shop.cart.clone(), shop.note.clone()))
        .await
}

#[tokio::test]
async fn two_views_of_one_type_merge_like_two_requests() {
    let mut browser = begun().await;
    browser
        .visit(
            async |mut first: Session<Shop>, mut second: Session<Shop>| {
                first.views += 1;
                second.views += 2;
                first.cart.push("milk".to_owned());
                second.cart.push("salt".to_owned());
                first.coupon = Some(1);
                second.note.push('2');
                drop(first);
                drop(second);
            },
        )
        .await;
    let (views, cart, note) = shop(&mut browser).await;
    assert_eq!((views, note.as_str()), (13, "2"));
    assert_eq!(cart, ["tea", "milk", "salt"]);
    assert_eq!(
        browser.with(|shop: &mut Session<Shop>| shop.coupon).await,
        Some(1)
    );
}

#[tokio::test]
async fn of_two_views_the_one_that_is_dropped_last_wins_by_default() {
    for second_is_last in [true, false] {
        let mut browser = begun().await;
        browser
            .visit(
                async move |mut first: Session<Shop>, mut second: Session<Shop>| {
                    first.note.push('1');
                    second.note.push('2');
                    if second_is_last {
                        drop(first);
                    } else {
                        drop(second);
                    }
                },
            )
            .await;
        let note = if second_is_last { "2" } else { "1" };
        assert_eq!(shop(&mut browser).await.2, note);
    }
}

#[tokio::test]
async fn all_views_of_a_request_load_once_and_are_written_in_one_operation() {
    let (mut browser, spy) = observed();
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    assert_eq!(spy.take_writes().len(), 1);
    let handler = async |session: CurrentSession,
                         mut first: Session<Shop>,
                         mut second: Session<Shop>,
                         login: Option<Session<Login>>| {
        assert!(login.is_none());
        session.info().await.unwrap();
        first.views += 1;
        second.note.push('x');
    };
    let load_once = browser.clone().visit(handler).await;
    assert_eq!(load_once.status, StatusCode::OK);
    assert_eq!(spy.take_calls().loads, 1);
    let _ = spy.take_writes();

    browser.visit(handler).await;
    let writes = spy.take_writes();
    let [write @ Write::Replace { .. }] = &writes[..] else {
        panic!("one write: {writes:?}");
    };
    let difference = write.difference();
    assert_eq!(difference.set, ["shop.note", "shop.views"]);
    assert!(difference.removed.is_empty());
}

/// Counts before and after the handler, in a view that it holds across the handler.
async fn count(mut shop: Session<Shop>, request: Request, next: Next) -> Response {
    shop.views += 1;
    let response = next.run(request).await;
    shop.views += 1;
    shop.cart.push("middleware".to_owned());
    response
}

#[tokio::test]
async fn a_middleware_and_its_handler_both_count() {
    let mut browser = begun().await;
    let handler = async |mut shop: Session<Shop>| {
        assert_eq!(
            shop.views, 10,
            "what the middleware has not handed over is not seen"
        );
        shop.views += 5;
        shop.cart.push("handler".to_owned());
    };
    let app = Router::new().route("/", any(handler)).layer(from_fn(count));
    assert_eq!(browser.go(app).await.status, StatusCode::OK);
    let (views, cart, _) = shop(&mut browser).await;
    assert_eq!(views, 17);
    assert_eq!(cart, ["tea", "handler", "middleware"]);
}

#[tokio::test]
async fn flushed_changes_are_seen_by_later_views_and_counted_once() {
    let mut browser = begun().await;
    browser
        .visit(async |mut shop: Session<Shop>, session: CurrentSession| {
            let seen = async || session.get::<Shop>().await.unwrap().unwrap().views;
            shop.views += 1;
            assert_eq!(seen().await, 10);
            shop.flush().unwrap();
            assert_eq!(seen().await, 11);
            shop.views += 1;
            shop.flush().unwrap();
            assert_eq!(seen().await, 12);
            let mut later = session.view::<Shop>().await.unwrap();
            later.views += 10;
            shop.views += 100;
        })
        .await;
    assert_eq!(shop(&mut browser).await.0, 122);
}

#[tokio::test]
async fn a_change_that_is_taken_back_is_not_written() {
    let (mut browser, spy) = observed();
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 10)
        .await;
    let _ = spy.take_calls();
    browser
        .with(|shop: &mut Session<Shop>| {
            for views in [11, 10] {
                shop.views = views;
                shop.flush().unwrap();
            }
        })
        .await;
    assert_eq!(spy.take_calls().writes(), 0);
}

#[tokio::test]
async fn a_flush_that_fails_takes_nothing_and_can_be_repeated() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut shop: Session<Shop>, session: CurrentSession| {
            shop.views += 1;
            shop.note = "x".repeat(20_000);
            let error = shop.flush().unwrap_err();
            assert!(matches!(error, SessionError::TooLarge(_)), "{error}");
            let seen = session.get::<Shop>().await.unwrap().unwrap();
            assert_eq!((seen.views, seen.note.len()), (10, 0));
            shop.note = "short".to_owned();
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let (views, _, note) = shop(&mut browser).await;
    assert_eq!((views, note.as_str()), (11, "short"));
}

#[tokio::test]
async fn what_a_flush_refused_is_answered_with_an_error_if_it_stays() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut shop: Session<Shop>| {
            shop.note = "x".repeat(20_000);
            shop.flush().is_err().to_string()
        })
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn after_a_commit_that_fails_nothing_is_tried_again() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut shop: Session<Shop>, mut other: Session<Shop>| {
            other.coupon = Some(1);
            other.flush().unwrap();
            shop.views += 1;
            shop.note = "x".repeat(20_000);
            shop.commit().await.is_err().to_string()
        })
        .await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::OK, "true")
    );
    assert_eq!(shop(&mut browser).await.0, 10);
    let coupon = browser.with(|shop: &mut Session<Shop>| shop.coupon).await;
    assert_eq!(
        coupon, None,
        "one unit: the other view's change went with it"
    );
}

#[tokio::test]
async fn a_commit_tells_of_a_view_that_could_not_be_stored_when_it_was_dropped() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut shop: Session<Shop>, mut other: Session<Shop>| {
            shop.note = "x".repeat(20_000);
            drop(shop);
            other.views += 1;
            let error = other.commit().await.unwrap_err();
            matches!(error, SessionError::TooLarge(_)).to_string()
        })
        .await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::OK, "true")
    );
    assert_eq!(shop(&mut browser).await.0, 10, "one unit");
}

#[tokio::test]
async fn a_reload_drops_what_was_not_flushed_and_sees_the_other_requests() {
    let mut browser = begun().await;
    let mut other = browser.clone();
    browser
        .visit(async move |mut shop: Session<Shop>| {
            shop.views += 1;
            shop.flush().unwrap();
            shop.note.push_str("dropped");
            other
                .with(|shop: &mut Session<Shop>| {
                    shop.cart.push("milk".to_owned());
                    shop.note.push_str("theirs");
                })
                .await;
            assert_eq!(shop.cart, ["tea"]);
            shop.reload().await.unwrap();
            assert_eq!(shop.cart, ["tea", "milk"]);
            assert_eq!((shop.views, shop.note.as_str()), (11, "theirs"));
            shop.note.push_str(" and mine");
        })
        .await;
    let (views, cart, note) = shop(&mut browser).await;
    assert_eq!((views, note.as_str()), (11, "theirs and mine"));
    assert_eq!(cart, ["tea", "milk"]);
}

#[tokio::test]
async fn a_reload_after_a_logout_elsewhere_is_turned_away() {
    let mut browser = Client::guest();
    browser.insert(Login { user: 7 }).await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut login: Session<Login>| {
            other
                .visit(async |session: CurrentSession| session.destroy())
                .await;
            login.reload().await
        })
        .await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_reload_of_a_sealed_session_sees_that_it_was_ended_too() {
    let store = CookieStore::sealed().revoked_in(MemoryStore::new());
    let layer = SessionLayer::dev(store, KeyRing::generate().unwrap());
    let mut browser = Client::behind(layer);
    browser.insert(Login { user: 7 }).await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut login: Session<Login>| {
            other
                .visit(async |session: CurrentSession| session.destroy())
                .await;
            login.reload().await
        })
        .await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_reload_does_not_keep_a_renewed_id_from_the_browser() {
    let hour = Duration::from_secs(3_600);
    let test = TestSessions::with(|layer| {
        layer
            .lifetime(Lifetime::new(2 * hour, 10 * hour))
            .renewal(hour)
    });
    let mut browser = Client::behind(test.layer());
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    test.clock().advance(hour);
    let [mut other, mut late] = [browser.clone(), browser.clone()];
    browser
        .visit(async move |mut shop: Session<Shop>| {
            other.visit(async |_: Session<Shop>| {}).await;
            shop.reload().await
        })
        .await;
    assert_ne!(browser.cookies(), late.cookies(), "renewed");
    let reply = late
        .visit(async |mut shop: Session<Shop>| shop.reload().await)
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(late.cookies(), browser.cookies());
}

#[tokio::test]
async fn a_rollback_drops_everything_so_far_and_later_views_write_again() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut early: Session<Shop>, session: CurrentSession| {
            early.views += 1;
            early.flush().unwrap();
            session.insert(Login { user: 7 }).unwrap();
            session.rotate().unwrap();
            session.rollback();
            assert_eq!(session.get::<Shop>().await.unwrap().unwrap().views, 10);
            assert!(session.get::<Login>().await.unwrap().is_none());
            early.cart.push("from before".to_owned());
            let mut late = session.view::<Shop>().await.unwrap();
            late.note.push_str("after");
        })
        .await;
    assert!(!reply.sets_cookie(), "neither signed in nor rotated");
    let (views, cart, note) = shop(&mut browser).await;
    assert_eq!((views, cart.len(), note.as_str()), (10, 1, "after"));
}

#[tokio::test]
async fn a_rollback_takes_back_a_destroy() {
    let mut browser = begun().await;
    browser
        .visit(async |session: CurrentSession| {
            session.destroy().unwrap();
            session.rollback();
        })
        .await;
    assert_eq!(shop(&mut browser).await.0, 10);
}

#[tokio::test]
async fn a_commit_is_seen_by_other_requests_at_once_and_counts_once() {
    let mut browser = begun().await;
    let mut other = browser.clone();
    browser
        .visit(async move |mut mine: Session<Shop>| {
            mine.views += 1;
            mine.commit().await.unwrap();
            assert_eq!(shop(&mut other).await.0, 11);
            other
                .with(|shop: &mut Session<Shop>| shop.views += 100)
                .await;
            mine.views += 1;
            mine.commit().await.unwrap();
            mine.views += 1;
        })
        .await;
    assert_eq!(shop(&mut browser).await.0, 113);
}

#[derive(Clone, Session)]
struct Draft {
    text: String,
}

#[tokio::test]
async fn what_is_taken_out_of_a_view_is_a_copy_that_the_request_knows_nothing_of() {
    let mut browser = Client::guest();
    let copy = browser
        .visit(async |mut draft: Session<Draft>| {
            draft.text.push_str("saved");
            let mut copy = draft.into_inner();
            copy.text.push_str(", and not this");
            copy.text
        })
        .await;
    assert_eq!(copy.body, "saved, and not this");
    let text = browser.with(|draft: &mut Session<Draft>| draft.text.clone());
    assert_eq!(text.await, "saved");
}

#[derive(Session)]
struct Shared {
    locked: std::sync::Mutex<u32>,
    counted: std::sync::atomic::AtomicU64,
    plain: u32,
}

/// Only debug builds detect such a change.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_change_through_a_shared_reference_is_said() {
    use std::sync::atomic::Ordering;

    let layer = TestSessions::with(|layer| layer.explain(true)).layer();
    let mut browser = Client::behind(layer);
    let logs = Logs::capture();
    let reply = browser
        .visit(async |shared: Session<Shared>| *shared.locked.lock().unwrap() += 1)
        .await;
    let said = reply.all("x-session-explain").concat();
    assert!(
        said.contains("`shared.locked` was changed through a shared"),
        "{said}"
    );
    assert_eq!(logs.with(&["ERROR", "shared.locked", "get_mut"]).len(), 1);

    // The same before a mutable borrow; each field is logged once, however often it changes.
    for _ in 0..2 {
        let late = async |mut shared: Session<Shared>| {
            shared.counted.fetch_add(1, Ordering::Relaxed);
            shared.plain += 1;
        };
        browser.visit(late).await;
    }
    assert_eq!(logs.with(&["ERROR", "shared.counted"]).len(), 1);

    // A change through a mutable borrow is an ordinary change, even if it was flushed.
    let changed = async |mut shared: Session<Shared>| {
        *shared.locked.get_mut().unwrap() = 7;
        shared.flush().unwrap();
        shared.plain
    };
    let logs = Logs::capture();
    let reply = browser
        .visit(async move |shared: Session<Shared>| changed(shared).await.to_string())
        .await;
    assert_eq!(reply.body, "2");
    let said = reply.all("x-session-explain").concat();
    assert!(said.contains("written: 1 field"), "{said}");
    assert!(logs.with(&["shared reference"]).is_empty());
    let locked =
        browser.visit(async |shared: Session<Shared>| shared.locked.lock().unwrap().to_string());
    assert_eq!(locked.await.body, "7");
}

mod other {
    #[derive(starsessions::Session)]
    pub(super) struct Shared {
        pub(super) locked: String,
    }
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn one_message_about_a_field_silences_no_other_about_it() {
    let mut browser = Client::guest();
    browser
        .insert(other::Shared {
            locked: "no number".to_owned(),
        })
        .await;
    let logs = Logs::capture();
    browser
        .visit(async |shared: Session<Shared>| *shared.locked.lock().unwrap() += 1)
        .await;
    for words in [
        ["WARN", "shared.locked", "counts as absent"],
        ["ERROR", "shared.locked", "get_mut"],
    ] {
        assert_eq!(logs.with(&words).len(), 1, "{words:?}: {}", logs.text());
    }
}
