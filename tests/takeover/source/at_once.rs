//! Requests that take the same session over at the same time.

use axum::Router;
use http::{Method, StatusCode};
use starsessions::{CurrentSession, MemoryStore};
use starsessions_tests::routing::post;
use starsessions_tests::spy::{Moment, Operation, places};

use super::{Login, Stage, awaited, awaited_by, later};

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
