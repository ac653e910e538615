//! The session as a whole: begun, rotated, ended, remembered, and after the response.

use std::time::Duration;

use http::StatusCode;
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{CurrentSession, Lifetime, Session, SessionError, SessionRejection};
use starsessions_tests::client::{Client, Once};
use tokio::sync::oneshot;

use super::view::{Login, Shop, begun, observed, shop};

#[tokio::test]
async fn a_session_that_was_begun_by_a_commit_gets_its_cookie_with_the_response() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut shop: Session<Shop>| {
            shop.views += 1;
            shop.commit().await.unwrap();
            shop.views += 1;
            shop.commit().await.unwrap();
            shop.views += 1;
        })
        .await;
    assert_eq!(reply.set_cookies().len(), 1);
    assert_eq!(shop(&mut browser).await.0, 3);
}

#[tokio::test]
async fn several_rotations_of_one_request_set_the_last_cookie() {
    let mut browser = begun().await;
    let copy = browser.clone();
    let reply = browser
        .visit(async |session: CurrentSession, mut shop: Session<Shop>| {
            for user in [1, 2] {
                session.insert(Login { user }).unwrap();
                session.commit().await.unwrap();
            }
            shop.views += 1;
        })
        .await;
    assert_eq!(reply.set_cookies().len(), 1);
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
                .visit(async |session: CurrentSession| session.destroy())
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
    // The view knew of the end before its last write.
    assert_eq!(
        (reply.status, reply.sets_cookie()),
        (StatusCode::CONFLICT, false)
    );
    assert_eq!(shop(&mut browser).await.0, 0);
}

#[tokio::test]
async fn destroying_drops_earlier_changes_and_a_later_insert_begins_anew() {
    let mut browser = begun().await;
    let copy = browser.clone();
    let reply = browser
        .visit(async |mut early: Session<Shop>, session: CurrentSession| {
            early.views += 1;
            early.flush().unwrap();
            session.destroy().unwrap();
            assert_eq!(session.get::<Shop>().await.unwrap().unwrap().views, 0);
            session.insert(Login { user: 7 }).unwrap();
            early.cart.push("from before".to_owned());
        })
        .await;
    assert!(reply.sets_cookie());
    assert_ne!(browser.cookies(), copy.cookies());
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
        .visit(async |mut shop: Session<Shop>, session: CurrentSession| {
            session.destroy().unwrap();
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
        .visit(async |session: CurrentSession| session.destroy())
        .await;
    assert_eq!((reply.status, reply.sets_cookie()), (StatusCode::OK, false));
    assert!(ledger.take_writes().is_empty());
}

#[tokio::test]
async fn what_is_removed_after_a_logout_begins_nothing() {
    let mut browser = begun().await;
    let reply = browser
        .visit(async |session: CurrentSession| {
            session.destroy()?;
            session.remove::<Shop>()
        })
        .await;
    assert_eq!((reply.status, reply.max_age()), (StatusCode::OK, Some(0)));
}

#[tokio::test]
async fn to_remember_as_before_writes_nothing() {
    let (mut browser, spy) = observed();
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    let _ = spy.take_calls();
    browser
        .visit(async |session: CurrentSession| session.remember(false))
        .await;
    assert_eq!(spy.take_calls().writes(), 0);
}

#[tokio::test]
async fn an_insert_and_a_removal_are_seen_by_the_same_request() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |session: CurrentSession| {
            session.insert(Login { user: 7 }).unwrap();
            let user = session.get::<Login>().await.unwrap().map(|it| it.user);
            assert_eq!(user, Some(7));
            session.remove::<Login>().unwrap();
            assert!(session.get::<Login>().await.unwrap().is_none());
            let view = session.view::<Login>().await;
            assert!(matches!(view, Err(SessionRejection::Absent(_))));
        })
        .await;
    assert_eq!((reply.status, reply.sets_cookie()), (StatusCode::OK, false));
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
    let session = late.current();
    assert!(matches!(
        session.insert(Login { user: 7 }),
        Err(SessionError::Closed)
    ));
    assert!(matches!(session.forget(), Err(SessionError::Closed)));
    assert!(matches!(session.rotate(), Err(SessionError::Closed)));
    assert!(matches!(session.remember(true), Err(SessionError::Closed)));
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
    let mut browser = Client::behind(test.layer());
    let info = async |browser: &mut Client| {
        let reply = browser
            .visit(async |session: CurrentSession| {
                let info = session.info().await.unwrap();
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
        .visit(async |session: CurrentSession| session.remember(true))
        .await;
    assert!(!reply.sets_cookie(), "there is nothing to remember");

    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    assert_eq!(info(&mut browser).await, "false 3600");
    browser
        .visit(async |session: CurrentSession| session.remember(true))
        .await;
    assert_eq!(info(&mut browser).await, "true 36000");
    clock.advance(9 * hour);
    assert_eq!(shop(&mut browser).await.0, 1);
    browser
        .visit(async |session: CurrentSession| session.remember(false))
        .await;
    assert_eq!(
        shop(&mut browser).await.0,
        0,
        "older than the short profile allows"
    );
}

/// The request counts as a use: the short profile starts now, and has not expired since the last use.
#[tokio::test]
async fn a_session_that_is_remembered_no_longer_lives_on_from_now() {
    let hour = Duration::from_secs(3_600);
    let test = TestSessions::with(|layer| {
        layer
            .lifetime(Lifetime::new(hour, 20 * hour))
            .remembered_lifetime(Lifetime::new(10 * hour, 20 * hour))
    });
    let mut browser = Client::behind(test.layer());
    browser
        .visit(async |session: CurrentSession, mut shop: Session<Shop>| {
            shop.views = 1;
            session.remember(true)
        })
        .await;
    test.clock().advance(2 * hour);
    let reply = browser
        .visit(async |session: CurrentSession| {
            session.remember(false)?;
            session.commit().await?;
            let info = session.info().await?.unwrap();
            let left = info.expires_at.since(info.last_seen_at);
            Ok::<_, SessionError>(left.as_secs().to_string())
        })
        .await;
    assert_eq!(reply.body, "3600");
    assert!(reply.sets_cookie(), "the browser is told");
    assert_eq!(reply.max_age(), None, "to forget it when it is closed");
}

#[tokio::test]
async fn a_slow_request_does_not_forget_that_another_has_asked_to_be_remembered() {
    let hour = Duration::from_secs(3_600);
    let test = TestSessions::with(|layer| {
        layer
            .lifetime(Lifetime::new(hour, hour))
            .remembered_lifetime(Lifetime::new(10 * hour, 10 * hour))
    });
    let mut browser = Client::behind(test.layer());
    browser
        .with(|shop: &mut Session<Shop>| shop.views = 1)
        .await;
    let mut other = browser.clone();
    browser
        .held(|shop: &mut Session<Shop>| shop.views += 1, async {
            other
                .visit(async |session: CurrentSession| session.remember(true))
                .await;
        })
        .await;
    test.clock().advance(2 * hour);
    assert_eq!(shop(&mut browser).await.0, 2);
}
