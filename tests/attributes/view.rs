//! Several views in one request, and what `flush`, `reload`, `commit` and `rollback` do.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use http::StatusCode;
use http::header::SET_COOKIE;
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{
    CookieStore, KeyRing, Lifetime, MemoryStore, Session, SessionError, SessionLayer,
    SessionRejection, Sessions,
};
use starsessions_tests::caller::{Caller, Once};
use starsessions_tests::ledger::{Entry, Ledger};
use tokio::sync::oneshot;

#[derive(Session)]
struct Shop {
    #[session(merge = sum)]
    views: u32,
    #[session(merge = append)]
    cart: Vec<String>,
    note: String,
    coupon: Option<u32>,
}

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

fn guest() -> Caller {
    Caller::new(TestSessions::new().layer())
}

fn observed() -> (Caller, Ledger) {
    let ledger = Ledger::new();
    let layer = SessionLayer::dev(ledger.clone(), KeyRing::generate().unwrap());
    (Caller::new(layer), ledger)
}

async fn begun() -> Caller {
    let mut browser = guest();
    browser
        .with(|shop: &mut Session<Shop>| {
            shop.cart.push("tea".to_owned());
            shop.views = 10;
        })
        .await;
    browser
}

async fn shop(browser: &mut Caller) -> (u32, Vec<String>, String) {
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
    let (mut browser, ledger) = observed();
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    assert_eq!(ledger.writes().len(), 1);
    let handler = async |sessions: Sessions,
                         mut first: Session<Shop>,
                         mut second: Session<Shop>,
                         login: Option<Session<Login>>| {
        assert!(login.is_none());
        sessions.info().await.unwrap();
        first.views += 1;
        second.note.push('x');
    };
    let load_once = browser.clone().visit(handler).await;
    assert_eq!(load_once.status, StatusCode::OK);
    assert_eq!(ledger.loads(), 1);

    browser.visit(handler).await;
    let writes = ledger.writes();
    let [Entry::Commit(commit)] = &writes[..] else {
        panic!("one commit: {writes:?}");
    };
    let names: Vec<_> = commit.set.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names.len(), 2);
    assert!(
        names.contains(&"shop.note") && names.contains(&"shop.views"),
        "{names:?}"
    );
    assert!(commit.remove.is_empty());
}

/// Counts before and after the handler, in a view that it holds all the while.
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
        .visit(async |mut shop: Session<Shop>, sessions: Sessions| {
            let seen = async || sessions.get::<Shop>().await.unwrap().unwrap().views;
            shop.views += 1;
            assert_eq!(seen().await, 10);
            shop.flush().unwrap();
            assert_eq!(seen().await, 11);
            shop.views += 1;
            shop.flush().unwrap();
            assert_eq!(seen().await, 12);
            let mut later = sessions.view::<Shop>().await.unwrap();
            later.views += 10;
            shop.views += 100;
        })
        .await;
    assert_eq!(shop(&mut browser).await.0, 122);
}

#[tokio::test]
async fn a_flush_that_fails_takes_nothing_and_can_be_repeated() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut shop: Session<Shop>, sessions: Sessions| {
            shop.views += 1;
            shop.note = "x".repeat(20_000);
            let error = shop.flush().unwrap_err();
            assert!(matches!(error, SessionError::TooLarge(_)), "{error}");
            let seen = sessions.get::<Shop>().await.unwrap().unwrap();
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
    let mut browser = guest();
    browser.insert(Login { user: 7 }).await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut login: Session<Login>| {
            other
                .visit(async |sessions: Sessions| sessions.destroy())
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
    let mut browser = Caller::new(layer);
    browser.insert(Login { user: 7 }).await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut login: Session<Login>| {
            other
                .visit(async |sessions: Sessions| sessions.destroy())
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
    let mut browser = Caller::new(test.layer());
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    test.clock().advance(hour);
    let mut late = browser.clone();
    browser.visit(async |_: Session<Shop>| {}).await;
    assert_ne!(browser.cookie(), late.cookie(), "renewed");
    let reply = late
        .visit(async |mut shop: Session<Shop>| shop.reload().await)
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(late.cookie(), browser.cookie());
}

#[tokio::test]
async fn a_rollback_drops_everything_so_far_and_later_views_write_again() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |mut early: Session<Shop>, sessions: Sessions| {
            early.views += 1;
            early.flush().unwrap();
            sessions.insert(Login { user: 7 }).unwrap();
            sessions.rotate().unwrap();
            sessions.rollback();
            assert_eq!(sessions.get::<Shop>().await.unwrap().unwrap().views, 10);
            assert!(sessions.get::<Login>().await.unwrap().is_none());
            early.cart.push("from before".to_owned());
            let mut late = sessions.view::<Shop>().await.unwrap();
            late.note.push_str("after");
        })
        .await;
    assert_eq!(reply.cookie(), None, "neither signed in nor rotated");
    let (views, cart, note) = shop(&mut browser).await;
    assert_eq!((views, cart.len(), note.as_str()), (10, 1, "after"));
}

#[tokio::test]
async fn a_rollback_takes_back_a_destroy() {
    let mut browser = begun().await;
    browser
        .visit(async |sessions: Sessions| {
            sessions.destroy().unwrap();
            sessions.rollback();
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

#[tokio::test]
async fn a_session_that_was_begun_by_a_commit_gets_its_cookie_with_the_response() {
    let mut browser = guest();
    let reply = browser
        .visit(async |mut shop: Session<Shop>| {
            shop.views += 1;
            shop.commit().await.unwrap();
            shop.views += 1;
            shop.commit().await.unwrap();
            shop.views += 1;
        })
        .await;
    assert_eq!(reply.headers.get_all(SET_COOKIE).iter().count(), 1);
    assert_eq!(shop(&mut browser).await.0, 3);
}

#[tokio::test]
async fn several_rotations_of_one_request_set_the_last_cookie() {
    let mut browser = begun().await;
    let copy = browser.clone();
    let reply = browser
        .visit(async |sessions: Sessions, mut shop: Session<Shop>| {
            for user in [1, 2] {
                sessions.insert(Login { user }).unwrap();
                sessions.commit().await.unwrap();
            }
            shop.views += 1;
        })
        .await;
    assert_eq!(reply.headers.get_all(SET_COOKIE).iter().count(), 1);
    assert_eq!(shop(&mut browser).await.0, 11);
    assert_eq!(
        browser.with(|login: &mut Session<Login>| login.user).await,
        2
    );
    assert_eq!(shop(&mut copy.clone()).await.0, 0);
}

#[tokio::test]
async fn a_commit_to_a_session_that_has_ended_is_gone_and_brings_nothing_back() {
    let mut browser = begun().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut shop: Session<Shop>| {
            other
                .visit(async |sessions: Sessions| sessions.destroy())
                .await;
            shop.views += 1;
            let first = shop.commit().await;
            shop.views += 1;
            let second = shop.commit().await;
            shop.views += 1;
            assert!(matches!(first, Err(SessionError::Gone)), "{first:?}");
            assert!(matches!(second, Err(SessionError::Gone)), "{second:?}");
        })
        .await;
    assert_eq!((reply.status, reply.cookie()), (StatusCode::OK, None));
    assert_eq!(shop(&mut browser).await.0, 0);
}

#[tokio::test]
async fn destroying_drops_earlier_changes_and_a_later_insert_begins_anew() {
    let mut browser = begun().await;
    let copy = browser.clone();
    let reply = browser
        .visit(async |mut early: Session<Shop>, sessions: Sessions| {
            early.views += 1;
            early.flush().unwrap();
            sessions.destroy().unwrap();
            assert_eq!(sessions.get::<Shop>().await.unwrap().unwrap().views, 0);
            sessions.insert(Login { user: 7 }).unwrap();
            early.cart.push("from before".to_owned());
        })
        .await;
    assert!(reply.cookie().is_some());
    assert_ne!(browser.cookie(), copy.cookie());
    assert_eq!(shop(&mut browser).await, (0, vec![], String::new()));
    assert_eq!(
        browser.with(|login: &mut Session<Login>| login.user).await,
        7
    );
    assert_eq!(
        shop(&mut copy.clone()).await.0,
        0,
        "the old session has ended"
    );
}

#[tokio::test]
async fn a_view_that_is_reloaded_after_a_destroy_writes_to_the_next_session() {
    let mut browser = begun().await;
    browser
        .visit(async |mut shop: Session<Shop>, sessions: Sessions| {
            sessions.destroy().unwrap();
            shop.reload().await.unwrap();
            assert_eq!(shop.views, 0);
            shop.note.push_str("bye");
        })
        .await;
    assert_eq!(shop(&mut browser).await, (0, vec![], "bye".to_owned()));
}

#[tokio::test]
async fn logging_out_without_a_session_stores_nothing() {
    let (mut browser, ledger) = observed();
    let reply = browser
        .visit(async |sessions: Sessions| sessions.destroy())
        .await;
    assert_eq!((reply.status, reply.cookie()), (StatusCode::OK, None));
    assert!(ledger.writes().is_empty());
}

#[tokio::test]
async fn an_insert_and_a_removal_are_seen_by_the_same_request() {
    let mut browser = guest();
    let reply = browser
        .visit(async |sessions: Sessions| {
            sessions.insert(Login { user: 7 }).unwrap();
            let user = sessions.get::<Login>().await.unwrap().map(|it| it.user);
            assert_eq!(user, Some(7));
            sessions.remove::<Login>().unwrap();
            assert!(sessions.get::<Login>().await.unwrap().is_none());
            let view = sessions.view::<Login>().await;
            assert!(matches!(view, Err(SessionRejection::Absent(_))));
        })
        .await;
    assert_eq!((reply.status, reply.cookie()), (StatusCode::OK, None));
}

#[tokio::test]
async fn a_change_after_the_response_is_an_error_and_is_not_written() {
    let mut browser = begun().await;
    let (send, receive) = oneshot::channel();
    let send = Once::new(send);
    let reply = browser
        .visit(async move |shop: Session<Shop>| {
            send.take().send(shop).unwrap();
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let mut late = receive.await.unwrap();
    late.views += 1;
    assert!(matches!(late.flush(), Err(SessionError::Closed)));
    late.views += 1;
    assert!(matches!(late.commit().await, Err(SessionError::Closed)));
    let sessions = late.sessions();
    assert!(matches!(
        sessions.insert(Login { user: 7 }),
        Err(SessionError::Closed)
    ));
    assert!(matches!(sessions.forget(), Err(SessionError::Closed)));
    assert!(matches!(sessions.rotate(), Err(SessionError::Closed)));
    assert!(matches!(sessions.remember(true), Err(SessionError::Closed)));
    late.views += 1;
    drop(late);
    assert_eq!(shop(&mut browser).await.0, 10);
}

#[tokio::test]
async fn info_and_remember_tell_and_change_the_timers() {
    let hour = Duration::from_secs(3_600);
    let test = TestSessions::with(|layer| {
        layer
            .lifetime(Lifetime::new(hour, 2 * hour))
            .remembered_lifetime(Lifetime::new(10 * hour, 20 * hour))
    });
    let clock: &TestClock = test.clock();
    let mut browser = Caller::new(test.layer());
    let info = async |browser: &mut Caller| {
        let reply = browser
            .visit(async |sessions: Sessions| {
                let info = sessions.info().await.unwrap();
                info.map_or("none".to_owned(), |info| {
                    let seconds = info.expires_at.since(info.last_seen_at).as_secs();
                    format!("{} {seconds}", info.remembered)
                })
            })
            .await;
        reply.body
    };
    assert_eq!(info(&mut browser).await, "none");
    let reply = browser
        .visit(async |sessions: Sessions| sessions.remember(true))
        .await;
    assert_eq!(reply.cookie(), None, "there is nothing to remember");

    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    assert_eq!(info(&mut browser).await, "false 3600");
    browser
        .visit(async |sessions: Sessions| sessions.remember(true))
        .await;
    assert_eq!(info(&mut browser).await, "true 36000");
    clock.advance(9 * hour);
    assert_eq!(shop(&mut browser).await.0, 1);
    browser
        .visit(async |sessions: Sessions| sessions.remember(false))
        .await;
    assert_eq!(
        shop(&mut browser).await.0,
        0,
        "older than the short profile allows"
    );
}

#[tokio::test]
async fn a_slow_request_does_not_forget_that_another_has_asked_to_be_remembered() {
    let hour = Duration::from_secs(3_600);
    let test = TestSessions::with(|layer| {
        layer
            .lifetime(Lifetime::new(hour, hour))
            .remembered_lifetime(Lifetime::new(10 * hour, 10 * hour))
    });
    let mut browser = Caller::new(test.layer());
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    let mut other = browser.clone();
    browser
        .held(|shop: &mut Session<Shop>| shop.views += 1, async {
            other
                .visit(async |sessions: Sessions| sessions.remember(true))
                .await;
        })
        .await;
    test.clock().advance(2 * hour);
    assert_eq!(shop(&mut browser).await.0, 2);
}
