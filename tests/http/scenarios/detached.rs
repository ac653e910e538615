//! 22. A session outside of requests: the operations of a detached handle, and the events that end it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use futures_util::{FutureExt, StreamExt};
use starsessions::config::AtLimit;
use starsessions::error::DetachError;
use starsessions::{CurrentSession, Detached, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::routing::post;
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Moment, Operation};

#[derive(Debug, Session)]
struct Ticket {
    #[session(exclusive)]
    token: Option<String>,
}

#[derive(Debug, Session)]
struct Draft {
    #[session(idle = "10m")]
    text: Option<String>,
}

type Held<T> = Arc<Mutex<Option<Detached<T>>>>;

/// Routes; `/detach` passes a handle to the test.
fn routes() -> (Router, Held<Shop>) {
    let held = Held::<Shop>::default();
    let keep = Arc::clone(&held);
    let detach = |shop: Session<Shop>| async move {
        *keep.lock().unwrap() = Some(shop.detach()?);
        Ok::<_, SessionError>(())
    };
    (shop::with_logout().route("/detach", post(detach)), held)
}

async fn detached(site: &Site) -> (Client, Detached<Shop>) {
    let (routes, held) = routes();
    let mut client = site.serve(routes);
    client.post("/cart/tea").await;
    (client.clone(), detach(&mut client, &held).await)
}

async fn detach(client: &mut Client, held: &Held<Shop>) -> Detached<Shop> {
    assert!(client.post("/detach").await.status.is_success());
    held.lock().unwrap().take().expect("a handle")
}

/// Polls a future this many times, and drops it.
async fn abandon<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = pin!(work);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

fn is_gone<T>(result: &Result<T, SessionError>) -> bool {
    matches!(result, Err(SessionError::Gone))
}

/// A handle can move into a spawned task; several tabs of a browser can have one each.
#[test]
fn a_handle_goes_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send + 'static>(_: T) {}
    anywhere::<Detached<Shop>>();
    let _ = |shop: Detached<Shop>| {
        sent(async move { shop.update(|shop| shop.views += 1).await });
    };
    let _ = |shop: Detached<Shop>| sent(async move { shop.watch().next().await.is_some() });
}

#[tokio::test]
async fn scenario_22_a_change_is_one_commit_of_what_differs() {
    let site = Site::new();
    let (mut client, shop) = detached(&site).await;
    let _ = (site.store.take_calls(), site.store.take_writes());
    let size = shop.update(|shop| {
        shop.cart.push("milk".to_owned());
        shop.cart.len()
    });
    assert_eq!(size.await.unwrap(), 2);
    let calls = site.store.take_calls();
    assert_eq!((calls.loads, calls.replaces, calls.writes()), (1, 1, 1));
    assert_eq!(site.store.take_writes()[0].difference().set, ["shop.cart"]);
    assert_eq!(client.get("/cart").await.body, "tea,milk");

    let _ = site.store.take_calls();
    assert_eq!(shop.update(|shop| shop.views).await.unwrap(), 0);
    assert_eq!(site.store.take_calls().writes(), 0, "nothing differs");
}

#[tokio::test]
async fn scenario_22_changes_at_the_same_time_are_merged() {
    let site = Site::new();
    let (mut client, shop) = detached(&site).await;
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let mut runs = 0;
    let task = tokio::spawn(async move {
        let changed = shop.update(|shop| {
            runs += 1;
            shop.views += 10;
            shop.language = Some("en".to_owned());
        });
        changed.await.map(|()| runs)
    });
    gate.reached().await;
    site.store.release();
    client.post("/views").await;
    client.post("/cart/milk").await;
    gate.open();
    assert_eq!(task.await.unwrap().unwrap(), 1, "the closure runs once");
    assert_eq!(client.get("/views").await.body, "11");
    assert_eq!(client.get("/cart").await.body, "tea,milk");
    assert_eq!(client.get("/language").await.body, "en");
}

#[tokio::test]
async fn scenario_22_a_token_is_used_once() {
    let site = Site::new();
    let held = Held::<Ticket>::default();
    let keep = Arc::clone(&held);
    let detach = |mut ticket: Session<Ticket>| async move {
        ticket.token = Some("once".to_owned());
        ticket.commit().await?;
        *keep.lock().unwrap() = Some(ticket.detach()?);
        Ok::<_, SessionError>(())
    };
    let routes = Router::new().route("/detach", post(detach));
    site.serve(routes).post("/detach").await;
    let ticket = held.lock().unwrap().take().unwrap();
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let other = ticket.clone();
    let first = tokio::spawn(async move { other.update(|it| it.token.take()).await });
    gate.reached().await;
    site.store.release();
    let second = ticket.update(|it| it.token.take()).await;
    gate.open();
    assert_eq!(second.unwrap().as_deref(), Some("once"));
    let first = first.await.unwrap();
    assert!(
        matches!(
            first,
            Err(SessionError::Conflict {
                field: "ticket.token"
            })
        ),
        "{first:?}"
    );
}

#[tokio::test]
async fn scenario_22_an_end_is_gone() {
    for path in ["/logout", "/login/8"] {
        let site = Site::new();
        let (mut client, shop) = detached(&site).await;
        let mut watch = shop.watch();
        assert_eq!(watch.next().await.unwrap().cart, ["tea"]);
        client.post(path).await;
        assert!(watch.next().await.is_none(), "{path}");
        watch.ended().await;
        assert!(is_gone(&shop.load().await), "{path}");
        assert!(
            is_gone(&shop.update(|shop| shop.cart.clear()).await),
            "{path}"
        );
        assert!(is_gone(&shop.touch().await), "{path}");
        assert_eq!(
            client.get("/me").await.body,
            if path == "/logout" { "guest" } else { "8" }
        );
    }
}

#[tokio::test]
async fn scenario_22_a_logout_while_it_writes_brings_nothing_back() {
    let site = Site::new();
    let (mut client, shop) = detached(&site).await;
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let late = tokio::spawn(async move { shop.update(|shop| shop.views += 1).await });
    gate.reached().await;
    client.post("/logout").await;
    gate.open();
    assert!(is_gone(&late.await.unwrap()));
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn scenario_22_a_required_field_that_goes_ends_its_view_alone() {
    let site = Site::new();
    let held = Held::<Login>::default();
    let keep = Arc::clone(&held);
    let detach = |login: Session<Login>| async move {
        *keep.lock().unwrap() = Some(login.detach()?);
        Ok::<_, SessionError>(())
    };
    let leave = |session: CurrentSession| async move { session.remove::<Login>() };
    let (routes, _) = routes();
    let routes = routes
        .route("/hold", post(detach))
        .route("/leave", post(leave));
    let mut client = site.serve(routes);
    client.post("/cart/tea").await;
    client.post("/login/7").await;
    client.post("/hold").await;
    let login = held.lock().unwrap().take().unwrap();
    assert_eq!(login.load().await.unwrap().user, 7);
    client.post("/leave").await;
    login.watch().ended().await;
    assert!(is_gone(&login.load().await));
    assert_eq!(
        client.get("/cart").await.body,
        "tea",
        "the session is there"
    );
}

#[tokio::test]
async fn scenario_22_what_cannot_be_detached_says_so() {
    let refused = |answer: Result<(), SessionError>| match answer {
        Err(SessionError::Detach(error)) => error,
        other => panic!("{other:?}"),
    };
    let errors = Arc::new(Mutex::new(Vec::new()));
    let note = move |answer: Result<Detached<Shop>, SessionError>, errors: &Mutex<Vec<_>>| {
        errors.lock().unwrap().push(refused(answer.map(|_| ())));
    };
    let (one, two, three) = (
        Arc::clone(&errors),
        Arc::clone(&errors),
        Arc::clone(&errors),
    );
    let guest = move |mut shop: Session<Shop>| async move {
        shop.views += 1;
        note(shop.detach(), &one);
    };
    let moving = move |shop: Session<Shop>, session: CurrentSession| async move {
        session.insert(Login { user: 7 })?;
        note(shop.detach(), &two);
        Ok::<_, SessionError>(())
    };
    let ending = move |shop: Session<Shop>, session: CurrentSession| async move {
        session.forget()?;
        note(session.detach().await, &three);
        drop(shop);
        Ok::<_, SessionError>(())
    };
    let routes = Router::new()
        .route("/guest", post(guest))
        .route("/moving", post(moving))
        .route("/ending", post(ending));
    for (kept, expected) in [
        (
            Kept::OnServer,
            [
                DetachError::NothingStored,
                DetachError::IdPending,
                DetachError::IdPending,
            ],
        ),
        (Kept::InCookies, [DetachError::InCookie; 3]),
    ] {
        let site = Site::kept(kept);
        let mut client = site.serve(routes.clone());
        for path in ["/guest", "/moving", "/ending"] {
            let reply = client.post(path).await;
            assert!(reply.status.is_success(), "{path}");
        }
        assert_eq!(std::mem::take(&mut *errors.lock().unwrap()), expected);
    }
}

#[tokio::test]
async fn scenario_22_a_new_id_takes_a_request() {
    let site = Site::new();
    let held = Held::<Login>::default();
    let keep = Arc::clone(&held);
    let detach = |login: Session<Login>| async move {
        *keep.lock().unwrap() = Some(login.detach()?);
        Ok::<_, SessionError>(())
    };
    let mut client = site.serve(shop::routes().route("/hold", post(detach)));
    client.post("/login/7").await;
    client.post("/hold").await;
    let login = held.lock().unwrap().take().unwrap();
    let changed = login.update(|login| login.user = 8).await;
    assert!(matches!(
        changed,
        Err(SessionError::Detach(DetachError::NewId))
    ));
    assert_eq!(client.get("/me").await.body, "7");
}

#[derive(Debug, Session)]
struct Badge {
    #[session(index)]
    owner: Option<u64>,
}

/// The limit holds if the update was abandoned as well.
#[tokio::test]
async fn scenario_22_a_session_that_becomes_a_users_is_counted_among_his() {
    for polls in 0..20 {
        let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
        let held = Held::<Badge>::default();
        let keep = Arc::clone(&held);
        let detach = |badge: Session<Badge>| async move {
            *keep.lock().unwrap() = Some(badge.detach()?);
            Ok::<_, SessionError>(())
        };
        let take = async |mut badge: Session<Badge>| badge.owner = Some(7);
        let routes = shop::routes()
            .route("/hold", post(detach))
            .route("/take", post(take));
        let first = site.serve(routes);
        let mut second = first.clone();
        second.post("/cart/tea").await;
        second.post("/hold").await;
        let badge = held.lock().unwrap().take().unwrap();
        first.ask(http::Method::POST, "/take").await;
        site.store.slow_down();
        abandon(badge.update(|badge| badge.owner = Some(7)), polls).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let listed = site.sessions.layer().list::<Badge>(&7).await.unwrap();
        assert_eq!(listed.len(), 1, "after {polls} polls");
    }
}

#[tokio::test]
async fn scenario_22_a_renewal_in_this_process_is_followed_by_a_handle_that_sleeps() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
    let (mut client, shop) = detached(&site).await;
    for _ in 0..3 {
        site.wait_seconds(600);
        assert!(client.get("/views").await.sets_cookie(), "a renewal");
    }
    // Long after the grace of the last renewal.
    site.wait_seconds(500);
    shop.update(|shop| shop.views += 1).await.unwrap();
    assert_eq!(client.get("/views").await.body, "1");
    client.post("/logout").await;
    assert!(is_gone(&shop.load().await));
}

/// The handle is not notified of a renewal in another process, so it must load the session within the grace.
#[tokio::test]
async fn scenario_22_a_renewal_elsewhere_is_followed_within_its_grace() {
    for (waited, follows) in [(29, true), (31, false)] {
        let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
        let (client, shop) = detached(&site).await;
        let other = site.restarted(|layer| layer.renewal(Duration::from_secs(600)));
        let mut client = client.at(&other.serve(shop::with_logout()));
        for clock in [site.clock(), other.clock()] {
            clock.advance(Duration::from_secs(600));
        }
        assert!(client.get("/views").await.sets_cookie(), "a renewal");
        site.wait_seconds(waited);
        assert_eq!(shop.load().await.is_ok(), follows, "after {waited} s");
        if follows {
            site.wait_seconds(60);
            shop.update(|shop| shop.views += 1).await.unwrap();
            assert_eq!(client.get("/views").await.body, "1");
        }
    }
}

#[tokio::test]
async fn scenario_22_a_socket_that_is_open_is_no_activity_but_its_user_is() {
    for is_there in [false, true] {
        let site = Site::new();
        let (mut client, shop) = detached(&site).await;
        for _ in 0..3 {
            site.wait_seconds(1_500);
            if is_there {
                shop.touch().await.unwrap();
                let touched = site.store.take_calls().touches;
                shop.touch().await.unwrap();
                assert_eq!(
                    (touched, site.store.take_calls().touches),
                    (1, 0),
                    "throttled"
                );
            } else if shop.update(|shop| shop.views += 1).await.is_err() {
                break;
            }
        }
        assert_eq!(shop.load().await.is_ok(), is_there);
        assert_eq!(!client.get("/cart").await.body.is_empty(), is_there);
    }
}

/// The deadline of a field is part of the record, so a touch must write the record as an update does.
#[tokio::test(start_paused = true)]
async fn scenario_22_a_touch_that_others_overtake_each_time_says_so() {
    let site = Site::new();
    let held = Held::<Draft>::default();
    let keep = Arc::clone(&held);
    let detach = |mut draft: Session<Draft>| async move {
        draft.text = Some("mine".to_owned());
        draft.commit().await?;
        *keep.lock().unwrap() = Some(draft.detach()?);
        Ok::<_, SessionError>(())
    };
    let mut client = site.serve(shop::routes().route("/detach", post(detach)));
    client.post("/detach").await;
    let draft = held.lock().unwrap().take().unwrap();
    site.wait_seconds(60);
    let mut gate = site.store.hold(Operation::Replace, Moment::Before);
    let other = draft.clone();
    let mut touching = tokio::spawn(async move { other.touch().await });
    let touched = loop {
        tokio::select! {
            biased;
            touched = &mut touching => break touched.unwrap(),
            () = gate.reached() => {}
        }
        site.store.release();
        client.post("/views").await;
        let next = site.store.hold(Operation::Replace, Moment::Before);
        gate.open();
        gate = next;
    };
    assert!(
        matches!(touched, Err(SessionError::Unavailable(_))),
        "{touched:?}"
    );
    site.store.release();
    draft.touch().await.unwrap();
}

#[tokio::test]
async fn scenario_22_an_expiry_ends_a_watch() {
    let site = Site::with(|layer| layer.watch_interval(Duration::from_millis(20)));
    let (_, shop) = detached(&site).await;
    let mut watch = shop.watch();
    assert!(watch.next().await.is_some());
    site.wait_seconds(3_600);
    watch.ended().await;
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn scenario_22_a_store_that_fails_ends_nothing() {
    let site = Site::with(|layer| layer.watch_interval(Duration::from_millis(20)));
    let (mut client, shop) = detached(&site).await;
    let mut watch = shop.watch();
    assert!(watch.next().await.is_some());
    site.store.fail_all();
    assert!(matches!(
        shop.load().await,
        Err(SessionError::Unavailable(_))
    ));
    let changed = shop.update(|shop| shop.cart.clear()).await;
    assert!(matches!(changed, Err(SessionError::Unavailable(_))));
    let failing = tokio::spawn(async move {
        let shop = watch.next().await;
        (watch, shop.map(|shop| shop.cart.len()))
    });
    let _ = site.store.take_calls();
    while site.store.take_calls().loads == 0 {
        tokio::task::yield_now().await;
    }
    site.store.recover();
    client.post("/cart/milk").await;
    let (mut watch, seen) = failing.await.unwrap();
    assert_eq!(seen, Some(2));

    // The absolute timeout applies even if the store fails.
    site.store.fail_all();
    site.wait(Duration::from_secs(24 * 3_600));
    watch.ended().await;
}

#[tokio::test]
async fn scenario_22_nobody_looks_without_a_reason() {
    let site = Site::new();
    let (mut client, shop) = detached(&site).await;
    let mut watch = shop.watch();
    assert!(watch.next().await.is_some());
    let _ = site.store.take_calls();
    let mut waiting = Box::pin(watch.next());
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("nothing has changed"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(site.store.take_calls(), Calls::NONE);
    drop(waiting);
    // A change between two waits is not lost.
    client.post("/cart/milk").await;
    assert_eq!(watch.next().await.unwrap().cart.len(), 2);
    client.get("/cart").await;
    client.post("/login/7").await;
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn scenario_22_a_watch_is_a_stream_that_ends_once() {
    let site = Site::new();
    let (mut client, shop) = detached(&site).await;
    let mut carts = shop.watch().into_stream().map(|shop| shop.cart.join(","));
    assert_eq!(carts.next().await.as_deref(), Some("tea"));
    client.post("/cart/milk").await;
    assert_eq!(carts.next().await.as_deref(), Some("tea,milk"));
    client.post("/logout").await;
    assert_eq!(carts.next().now_or_never(), Some(None), "told at once");
    assert_eq!(carts.next().await, None, "and does not panic");
}

/// The update is dropped at every await point; the change is stored as a whole or not at all.
#[tokio::test]
async fn scenario_22_a_change_that_is_abandoned_is_whole_or_not_there() {
    let mut outcomes = Vec::new();
    for polls in 0.. {
        let site = Site::new();
        let (mut client, shop) = detached(&site).await;
        site.store.slow_down();
        let change = shop.update(|shop| {
            shop.cart.push("milk".to_owned());
            shop.views += 1;
        });
        let is_done = abandon(change, polls).await.is_some();
        let cart = client.get("/cart").await.body;
        outcomes.push(format!("{cart} {}", client.get("/views").await.body));
        assert!(shop.load().await.is_ok(), "no lock stays");
        if is_done {
            assert!(polls > 1);
            break;
        }
    }
    outcomes.dedup();
    assert_eq!(outcomes, ["tea 0", "tea,milk 1"]);
}
