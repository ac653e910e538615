//! G4: no lost update.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::{Method, StatusCode};
use starsessions::Session;
use starsessions_tests::client::Client;
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

/// Everybody has read the session before anybody writes.
type Crowd = State<Arc<Barrier>>;

/// Sends one request for each of the crowd at once; returns the statuses.
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
