//! G8: a request can be dropped at any await point.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use starsessions::config::AtLimit;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::post;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Moment, Operation};
use tower_http::catch_panic::CatchPanicLayer;

use starsessions_tests::shop::{self, Shop};

/// Changes two fields; either both changes are visible or neither is.
async fn both(mut shop: Session<Shop>) {
    shop.cart.push("tea".to_owned());
    shop.views += 1;
}

/// Ends a session that it has read.
async fn leave(shop: Session<Shop>) -> Result<(), SessionError> {
    shop.current().destroy()
}

/// The same, committed within the handler.
async fn leave_now(shop: Session<Shop>) -> Result<(), SessionError> {
    shop.current().destroy()?;
    shop.current().commit().await
}

async fn rotate_now(shop: Session<Shop>) -> Result<(), SessionError> {
    shop.current().rotate()?;
    shop.current().commit().await
}

/// A signed-in user of a site whose store answers no call at once.
async fn slow_site() -> (Site, Client) {
    let site = Site::with(|layer| layer.renewal(RENEWAL));
    let routes = shop::with_logout().route("/both", post(both));
    let routes = routes.route("/leave", post(leave));
    let routes = routes.route("/leave-now", post(leave_now));
    let mut client = site.serve(routes.route("/rotate-now", post(rotate_now)));
    client.post("/login/7").await;
    let _ = site.store.take_calls();
    site.store.slow_down();
    (site, client)
}

const RENEWAL: Duration = Duration::from_secs(600);

/// Polls a request this many times and drops it, as a server does when the client disconnects. `None` if the request
/// was not answered by then.
async fn abandon(request: impl Future<Output = Reply>, polls: usize) -> Option<Reply> {
    let mut reply = None;
    {
        let mut request = pin!(request);
        for _ in 0..polls {
            let polled = std::future::poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx))).await;
            // Lets the tasks that the request has spawned make progress.
            tokio::task::yield_now().await;
            if let Poll::Ready(done) = polled {
                reply = Some(done);
                break;
            }
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    reply
}

/// Abandons a request of a new user after every possible number of polls; passes the outcome of each to `look`, with
/// the store calls.
async fn at_every_poll(path: &'static str, mut look: impl AsyncFnMut(Site, Client, Calls)) {
    for polls in 0.. {
        let (site, client) = slow_site().await;
        let reply = abandon(client.ask(Method::POST, path), polls).await;
        let calls = site.store.take_calls();
        look(site, client, calls).await;
        if let Some(reply) = reply {
            assert!(polls > 3, "{path} has waited for nothing: {reply:?}");
            return;
        }
    }
}

#[tokio::test]
async fn g08_a_change_that_is_abandoned_is_there_as_a_whole_or_not_at_all() {
    let mut outcomes = Vec::new();
    at_every_poll("/both", async |_, mut client, _| {
        let seen = (
            client.get("/cart").await.body,
            client.get("/views").await.body,
        );
        outcomes.push(format!("{} {}", seen.0, seen.1));
    })
    .await;
    outcomes.dedup();
    assert_eq!(outcomes, [" 0", "tea 1"]);
}

#[tokio::test]
async fn g08_a_logout_that_has_begun_is_finished() {
    let mut outcomes = Vec::new();
    at_every_poll("/logout", async |site, mut client, calls| {
        let has_begun = calls != Calls::NONE;
        assert_eq!(site.rows(), usize::from(!has_begun), "{calls:?}");
        let user = if has_begun { "guest" } else { "7" };
        assert_eq!(client.get("/me").await.body, user, "{calls:?}");
        outcomes.push(has_begun);
    })
    .await;
    outcomes.dedup();
    assert_eq!(outcomes, [false, true]);
}

/// The former id that a sign-in has just ended works for the logout as well.
#[tokio::test]
async fn g08_a_logout_that_has_begun_is_finished_where_the_session_was_read_before() {
    for (path, is_former) in [
        ("/leave", false),
        ("/leave", true),
        ("/leave-now", false),
        ("/leave-now", true),
    ] {
        let mut outcomes = Vec::new();
        for polls in 0..20 {
            let (site, mut client) = slow_site().await;
            let leaving = client.clone();
            if is_former {
                client.post("/login/8").await;
                let _ = site.store.take_calls();
            }
            abandon(leaving.ask(Method::POST, path), polls).await;
            let calls = site.store.take_calls();
            let has_begun = calls.removes > 0;
            assert_eq!(site.rows(), usize::from(!has_begun), "{path} {calls:?}");
            outcomes.push(has_begun);
        }
        outcomes.dedup();
        assert_eq!(outcomes, [false, true], "{path} {is_former}");
    }
}

#[tokio::test]
async fn g08_a_rotation_within_a_handler_that_has_begun_is_finished() {
    at_every_poll("/rotate-now", async |_, mut client, calls| {
        let user = if calls.rotates > 0 { "guest" } else { "7" };
        assert_eq!(client.get("/me").await.body, user, "{calls:?}");
    })
    .await;
}

#[tokio::test]
async fn g08_a_logout_of_a_sealed_session_that_has_begun_is_finished() {
    let mut outcomes = Vec::new();
    for polls in 0..10 {
        let site = Site::kept(Kept::InCookies);
        let mut client = site.serve(shop::with_logout());
        client.post("/login/7").await;
        let _ = site.store.take_calls();
        site.store.slow_down();
        abandon(client.ask(Method::POST, "/logout"), polls).await;
        let has_begun = site.store.take_calls() != Calls::NONE;
        let user = if has_begun { "guest" } else { "7" };
        assert_eq!(client.get("/me").await.body, user, "after {polls} polls");
        outcomes.push(has_begun);
    }
    outcomes.dedup();
    assert_eq!(outcomes, [false, true]);
}

#[tokio::test]
async fn g08_a_login_that_has_begun_is_finished_and_ends_the_old_id() {
    let mut outcomes = Vec::new();
    at_every_poll("/login/8", async |site, mut client, calls| {
        let has_begun = calls != Calls::NONE;
        assert_eq!(site.rows(), 1, "{calls:?}");
        let user = if has_begun { "guest" } else { "7" };
        assert_eq!(client.get("/me").await.body, user, "{calls:?}");
        outcomes.push(has_begun);
    })
    .await;
    outcomes.dedup();
    assert_eq!(outcomes, [false, true]);
}

#[tokio::test]
async fn g08_a_renewal_that_is_abandoned_logs_nobody_out() {
    for polls in 0..20 {
        let (site, mut client) = slow_site().await;
        site.wait(RENEWAL);
        abandon(client.ask(Method::POST, "/both"), polls).await;
        site.wait_seconds(29);
        assert_eq!(client.get("/me").await.body, "7", "after {polls} polls");
        site.wait_seconds(30);
        assert_eq!(
            client.get("/me").await.body,
            "7",
            "it has the new cookie by now"
        );
    }
}

#[tokio::test]
async fn g08_a_first_write_that_is_abandoned_leaves_at_most_one_row() {
    for polls in 0..10 {
        let site = Site::new();
        site.store.slow_down();
        let visitor = site.serve(shop::routes());
        abandon(visitor.ask(Method::POST, "/login/7"), polls).await;
        let created = site.store.take_calls().inserts;
        assert!(
            site.rows() <= created as usize && created <= 1,
            "after {polls} polls"
        );
    }
}

#[derive(Session)]
struct Member {
    #[session(required, rotate, index)]
    number: u64,
}

/// A sign-in whose response is lost also replaces another session instead of adding one.
#[tokio::test]
async fn g08_a_sign_in_that_is_abandoned_is_counted_to_its_end() {
    let join = async |all: CurrentSession| all.insert(Member { number: 7 });
    let read_and_join = async |member: Option<Session<Member>>, all: CurrentSession| {
        assert!(member.is_none());
        all.insert(Member { number: 7 })
    };
    let join_now = async |member: Option<Session<Member>>, all: CurrentSession| {
        assert!(member.is_none());
        all.insert(Member { number: 7 })?;
        all.commit().await
    };
    let routes = Router::new()
        .route("/join", post(join))
        .route("/read-and-join", post(read_and_join))
        .route("/join-now", post(join_now));
    for path in ["/join", "/read-and-join", "/join-now"] {
        let mut calls = Vec::new();
        for polls in 0..20 {
            let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
            let first = site.serve(routes.clone());
            let second = first.clone();
            let joined = first.ask(Method::POST, path).await;
            assert_eq!(joined.status, StatusCode::OK);
            site.wait_seconds(1);
            let _ = site.store.take_calls();
            site.store.slow_down();
            abandon(second.ask(Method::POST, path), polls).await;
            calls.push(site.store.take_calls());
            let listed = site.sessions.layer().list::<Member>(&7).await.unwrap();
            assert_eq!(listed.len(), 1, "{path} after {polls} polls: {calls:?}");
        }
        calls.dedup();
        assert_eq!(calls.len(), 2, "all of it, or nothing: {path} {calls:?}");
    }
}

/// Servers and layers enter a request's span while they poll the request, but not when they drop it.
#[tokio::test]
async fn g08_a_logout_that_goes_on_without_its_request_is_logged_in_the_span_of_it() {
    let (site, client) = slow_site().await;
    let logs = Logs::capture();
    let span = tracing::info_span!("abandoned");
    let mut request = Box::pin(client.ask(Method::POST, "/logout"));
    while site.store.take_calls().removes == 0 {
        let polled = std::future::poll_fn(|cx| {
            Poll::Ready(span.in_scope(|| request.as_mut().poll(cx).is_ready()))
        });
        assert!(!polled.await);
        tokio::task::yield_now().await;
    }
    drop(request);
    while logs.with(&["session ended"]).is_empty() {
        tokio::task::yield_now().await;
    }
    let ended = logs.with(&["abandoned", "session ended"]);
    assert_eq!(ended.len(), 1, "{}", logs.text());
}

/// A panic in a store is a bug in the store, like a panic in a handler: the client must not be told of success.
#[tokio::test]
async fn g08_a_logout_whose_store_panics_is_not_answered_as_done() {
    for slow in [false, true] {
        let site = Site::new();
        let app = shop::with_logout()
            .layer(site.sessions.layer())
            .layer(CatchPanicLayer::new());
        let mut client = Client::new(&app);
        client.post("/login/7").await;
        if slow {
            site.store.slow_down();
        }
        site.store.fail_with(Operation::Remove, Moment::Before, || {
            panic!("a flaw of the store")
        });
        let mut same = client.clone();
        let reply = client.post("/logout").await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{slow}");
        assert!(!reply.sets_cookie(), "{slow}");
        // Nothing stays locked, so the next attempt ends the session.
        site.store.recover();
        assert_eq!(same.get("/me").await.body, "7", "{slow}");
        same.post("/logout").await;
        assert_eq!(site.rows(), 0, "{slow}");
    }
}

#[tokio::test]
async fn g08_nothing_stays_locked() {
    for path in ["/both", "/logout", "/login/8"] {
        at_every_poll(path, async |site, mut client, _| {
            // If the response to a sign-in was lost, the browser is a visitor again after a minute.
            site.wait_seconds(60);
            assert_eq!(
                client.post("/both").await.status,
                StatusCode::OK,
                "after {path}"
            );
        })
        .await;
    }
}

/// Cancels the handler, as tower-http's `TimeoutLayer` does.
async fn lose_patience(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(Duration::ZERO, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

#[tokio::test]
async fn g08_a_handler_that_a_timeout_has_dropped_has_changed_nothing() {
    let half = post(async |mut shop: Session<Shop>| {
        shop.cart.push("tea".to_owned());
        std::future::pending::<()>().await;
        shop.views += 1;
    });
    let routes = Router::new()
        .route("/half", half)
        .layer(from_fn(lose_patience));
    let mut client = Site::new().serve(shop::routes().merge(routes));
    client.post("/login/7").await;
    let reply = client.post("/half").await;
    assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(client.get("/cart").await.body, "");
}

/// A handler that stops waiting for a session operation.
#[derive(Clone)]
struct Impatient {
    gives_up: Gate,
}

async fn order_and_leave(State(hurry): State<Impatient>, session: CurrentSession, end: bool) {
    if end {
        session.destroy().unwrap();
    } else {
        session.rotate().unwrap();
    }
    tokio::select! {
        biased;
        _ = session.commit() => panic!("the store is held"),
        () = hurry.gives_up.pass() => {}
    }
}

/// Holds the store in an operation until the handler has stopped waiting for it; returns the reply.
async fn given_up(site: &Site, client: &Client, path: &str, operation: Operation) -> Reply {
    let hurry = Impatient {
        gives_up: Gate::new(),
    };
    let routes = Router::new()
        .route(
            "/rotate",
            post(|state, all| order_and_leave(state, all, false)),
        )
        .route("/end", post(|state, all| order_and_leave(state, all, true)))
        .with_state(hurry.clone());
    let impatient = client.at(&site.serve(routes));
    let held = site.store.hold(operation, Moment::Before);
    let request = tokio::spawn(impatient.ask(Method::POST, path));
    held.reached().await;
    site.store.release();
    hurry.gives_up.reached().await;
    hurry.gives_up.open();
    tokio::task::yield_now().await;
    held.open();
    request.await.unwrap()
}

#[tokio::test]
async fn g08_a_rotation_that_its_handler_gave_up_waiting_for_still_reaches_the_browser() {
    let site = Site::new();
    let mut client = site.serve(shop::routes());
    client.post("/login/7").await;
    let reply = given_up(&site, &client, "/rotate", Operation::Rotate).await;
    assert_eq!(reply.set_cookies().len(), 1);
    client.keep(&reply);
    assert_eq!(client.get("/me").await.body, "7");
}

#[tokio::test]
async fn g08_a_logout_that_its_handler_gave_up_waiting_for_still_reaches_the_browser() {
    let site = Site::new();
    let mut client = site.serve(shop::routes());
    client.post("/login/7").await;
    let reply = given_up(&site, &client, "/end", Operation::Remove).await;
    client.keep(&reply);
    assert_eq!(client.cookies(), None);
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn g08_a_change_that_its_handler_gave_up_waiting_for_is_whole_or_not_there() {
    for moment in [Moment::Before, Moment::After] {
        let site = Site::new();
        let gives_up = Gate::new();
        let leaves = gives_up.clone();
        let hasty = post(|mut shop: Session<Shop>| async move {
            shop.cart.push("tea".to_owned());
            shop.views += 1;
            tokio::select! {
                biased;
                _ = shop.commit() => panic!("the store is held"),
                () = leaves.pass() => Ok::<_, SessionError>(()),
            }
        });
        let mut client = site.serve(shop::routes().route("/hasty", hasty));
        client.post("/login/7").await;
        let held = site.store.hold(Operation::Replace, moment);
        let request = tokio::spawn(client.ask(Method::POST, "/hasty"));
        held.reached().await;
        site.store.release();
        gives_up.open();
        assert_eq!(request.await.unwrap().status, StatusCode::OK);
        let seen = (
            client.get("/cart").await.body,
            client.get("/views").await.body,
        );
        let expected = if moment == Moment::Before {
            ("", "0")
        } else {
            ("tea", "1")
        };
        assert_eq!((seen.0.as_str(), seen.1.as_str()), expected);
    }
}
