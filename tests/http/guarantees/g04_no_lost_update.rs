//! G4: no lost update.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use http::{Method, StatusCode};
use starsessions::{CurrentSession, Lifetime, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop;
use starsessions_tests::site::Site;
use tokio::sync::Barrier;

const CROWD: usize = 50;

#[derive(Session)]
struct Stock {
    #[session(merge = sum)]
    sold: i64,
    #[session(merge = append)]
    log: Vec<usize>,
    last: usize,
    #[session(exclusive)]
    voucher: usize,
}

/// Every request has read the session before the first one writes.
type Crowd = State<Arc<Barrier>>;

/// Sends as many concurrent requests as the crowd has; returns their statuses.
async fn crowd(client: &Client, path: &str) -> Vec<StatusCode> {
    let requests: Vec<_> = (1..=CROWD)
        .map(|n| tokio::spawn(client.ask(Method::POST, &format!("{path}/{n}"))))
        .collect();
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(request.await.unwrap().status);
    }
    statuses
}

async fn begun() -> Client {
    let sell = post(
        async |State(crowd): Crowd, mut stock: Session<Stock>, Path(n): Path<usize>| {
            crowd.wait().await;
            stock.sold += 1;
            stock.log.push(n);
        },
    );
    let race = post(
        async |State(crowd): Crowd, mut stock: Session<Stock>, Path(n): Path<usize>| {
            crowd.wait().await;
            stock.last = n;
        },
    );
    let redeem = post(
        async |State(crowd): Crowd, mut stock: Session<Stock>, Path(n): Path<usize>| {
            crowd.wait().await;
            stock.voucher = n;
        },
    );
    let begin = post(async |mut stock: Session<Stock>| stock.sold = 100);
    let show = get(async |stock: Session<Stock>| {
        let mut log = stock.log.clone();
        log.sort_unstable();
        format!("{} {log:?} {} {}", stock.sold, stock.last, stock.voucher)
    });
    let routes = Router::new()
        .route("/begin", begin)
        .route("/show", show)
        .route("/sell/{n}", sell)
        .route("/race/{n}", race)
        .route("/redeem/{n}", redeem)
        .with_state(Arc::new(Barrier::new(CROWD)));
    let mut client = Site::new().serve(routes);
    client.post("/begin").await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g04_fifty_parallel_increments_and_appends_all_count() {
    let mut client = begun().await;
    assert_eq!(crowd(&client, "/sell").await, [StatusCode::OK; CROWD]);
    let everybody: Vec<usize> = (1..=CROWD).collect();
    let shown = client.get("/show").await.body;
    assert_eq!(shown, format!("150 {everybody:?} 0 0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g04_of_fifty_writes_to_one_plain_field_one_wins() {
    let mut client = begun().await;
    assert_eq!(crowd(&client, "/race").await, [StatusCode::OK; CROWD]);
    let shown = client.get("/show").await.body;
    let last: usize = shown.split(' ').nth(2).unwrap().parse().unwrap();
    assert!((1..=CROWD).contains(&last), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g04_of_fifty_who_redeem_one_voucher_one_succeeds_and_the_others_know() {
    let client = begun().await;
    let statuses = crowd(&client, "/redeem").await;
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!(
        (count(StatusCode::OK), count(StatusCode::CONFLICT)),
        (1, CROWD - 1)
    );
}

/// The lifetime profile is part of the session as well.
#[tokio::test]
async fn g04_a_writer_that_knew_the_short_profile_does_not_take_back_the_long_one() {
    let day = Duration::from_secs(24 * 3_600);
    let site = Site::with(|layer| layer.remembered_lifetime(Lifetime::new(30 * day, 30 * day)));
    let writing = Gate::new();
    let held = writing.clone();
    let slow = post(|mut stock: Session<Stock>| async move {
        held.pass().await;
        stock.last = 7;
    });
    let remember = post(async |session: CurrentSession| session.remember(true));
    let show = get(async |stock: Session<Stock>| stock.last.to_string());
    let begin = post(async |mut stock: Session<Stock>| stock.sold = 100);
    let routes = Router::new()
        .route("/begin", begin)
        .route("/slow", slow)
        .route("/remember", remember)
        .route("/show", show);
    let mut client = site.serve(routes);
    client.post("/begin").await;

    let slow = tokio::spawn(client.ask(Method::POST, "/slow"));
    writing.reached().await;
    client.post("/remember").await;
    writing.open();
    client.keep(&slow.await.unwrap());

    site.wait(20 * day);
    assert_eq!(client.get("/show").await.body, "7");
}

/// A new id takes the whole record along, so it must take the record as stored at that moment.
#[tokio::test]
async fn g04_a_new_id_after_a_commit_beside_another_takes_the_others_change_along() {
    let site = Site::new();
    let writing = Gate::new();
    let held = writing.clone();
    let slow = post(
        |mut stock: Session<Stock>, session: CurrentSession| async move {
            held.pass().await;
            stock.last = 7;
            stock.commit().await?;
            session.rotate()
        },
    );
    let sell = post(async |mut stock: Session<Stock>| stock.sold += 1);
    let show = get(async |stock: Session<Stock>| format!("{} {}", stock.sold, stock.last));
    let routes = Router::new()
        .route("/sell", sell)
        .route("/slow", slow)
        .route("/show", show);
    let mut client = site.serve(routes);
    client.post("/sell").await;

    let slow = tokio::spawn(client.ask(Method::POST, "/slow"));
    writing.reached().await;
    client.post("/sell").await;
    writing.open();
    let reply = slow.await.unwrap();
    assert!(reply.sets_cookie());
    client.keep(&reply);
    assert_eq!(client.get("/show").await.body, "2 7");
}

#[derive(Session)]
struct Ticket {
    #[session(exclusive, expires = "10m")]
    seat: Option<u32>,
}

/// A client can delay a request for as long as it likes, by its body.
#[tokio::test]
async fn g04_a_ticket_that_ran_out_in_the_hands_of_two_is_not_used_twice() {
    let site = Site::new();
    let using = Gate::new();
    let held = using.clone();
    let take = post(|mut ticket: Session<Ticket>| async move {
        held.pass().await;
        let seat = ticket.seat.take();
        ticket.commit().await?;
        Ok::<_, SessionError>(format!("{seat:?}"))
    });
    let issue = post(async |mut ticket: Session<Ticket>| ticket.seat = Some(7));
    let routes = Router::new().route("/issue", issue).route("/take", take);
    for waited in [0, 600] {
        let mut client = site.serve(routes.clone());
        client.post("/issue").await;
        let requests = [(); 2].map(|()| tokio::spawn(client.ask(Method::POST, "/take")));
        using.reached().await;
        using.reached().await;
        site.wait_seconds(waited);
        using.open();
        using.open();
        let mut taken = 0;
        for request in requests {
            taken += u32::from(request.await.unwrap().body == "Some(7)");
        }
        assert!(taken <= 1, "{taken} times, after {waited} s");
    }
}

/// Each of the two requests gives the session a new id as it writes.
#[tokio::test]
async fn g04_of_two_requests_that_renew_the_id_one_uses_the_ticket() {
    let using = Gate::new();
    let held = using.clone();
    let take = post(|mut ticket: Session<Ticket>| async move {
        held.pass().await;
        format!("{:?}", ticket.seat.take())
    });
    let issue = post(async |mut ticket: Session<Ticket>| ticket.seat = Some(7));
    let routes = Router::new().route("/issue", issue).route("/take", take);
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(300)));
    let mut client = site.serve(routes);
    client.post("/issue").await;
    site.wait_seconds(400);
    let requests = [(); 2].map(|()| tokio::spawn(client.ask(Method::POST, "/take")));
    using.reached().await;
    using.reached().await;
    using.open();
    using.open();
    let mut replies = Vec::new();
    for request in requests {
        let reply = request.await.unwrap();
        replies.push((reply.status, reply.body == "Some(7)"));
    }
    replies.sort_unstable();
    assert_eq!(
        replies,
        [(StatusCode::OK, true), (StatusCode::CONFLICT, false)]
    );
}

/// The login moves the ticket to its new id, where the ticket can still be used.
#[tokio::test]
async fn g04_a_ticket_that_a_login_took_along_was_not_used_by_a_request_before_it() {
    let using = Gate::new();
    let held = using.clone();
    let take = post(|mut ticket: Session<Ticket>| async move {
        let seat = ticket.seat.take();
        held.pass().await;
        format!("{seat:?}")
    });
    let issue = post(async |mut ticket: Session<Ticket>| ticket.seat = Some(7));
    let routes = shop::routes().route("/issue", issue).route("/take", take);
    let mut client = Site::new().serve(routes);
    client.post("/issue").await;
    let slow = tokio::spawn(client.ask(Method::POST, "/take"));
    using.reached().await;
    client.post("/login/7").await;
    using.open();
    let reply = slow.await.unwrap();
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.sets_cookie());

    using.open();
    assert_eq!(client.post("/take").await.body, "Some(7)");
    using.open();
    assert_eq!(client.post("/take").await.body, "None");
}

#[derive(Session)]
#[session(validate = Range::is_ordered)]
struct Range {
    from: u8,
    to: u8,
}

impl Range {
    fn is_ordered(&self) -> Result<(), &'static str> {
        if self.from <= self.to {
            Ok(())
        } else {
            Err("from is behind to")
        }
    }
}

/// Each change alone satisfies the rule; both changes together break it.
#[tokio::test]
async fn g04_what_validate_refuses_together_is_a_conflict_for_the_later_one() {
    let begin = post(async |mut range: Session<Range>| (range.from, range.to) = (1, 9));
    let from = post(
        async |State(gate): State<Gate>, mut range: Session<Range>, Path(n): Path<u8>| {
            gate.pass().await;
            range.from = n;
        },
    );
    let to = post(async |mut range: Session<Range>, Path(n): Path<u8>| range.to = n);
    let show = get(async |range: Session<Range>| format!("{}..{}", range.from, range.to));
    let gate = Gate::new();
    let routes = Router::new()
        .route("/", begin.merge(show))
        .route("/from/{n}", from)
        .route("/to/{n}", to)
        .with_state(gate.clone());
    let mut client = Site::new().serve(routes);
    for (to, status, range) in [
        (7, StatusCode::CONFLICT, "1..7"),
        (8, StatusCode::OK, "8..8"),
    ] {
        client.post("/").await;
        let late = tokio::spawn(client.ask(Method::POST, "/from/8"));
        gate.reached().await;
        let reply = client.post(&format!("/to/{to}")).await;
        assert_eq!(reply.status, StatusCode::OK);
        gate.open();
        assert_eq!(late.await.unwrap().status, status, "{to}");
        assert_eq!(client.get("/").await.body, range);
    }
}
