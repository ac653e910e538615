//! 1. Parallel writers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use http::{Method, StatusCode};
use starsessions::Session;
use starsessions_tests::client::Client;
use starsessions_tests::site::Site;
use tokio::sync::Barrier;

use crate::shop::{self, Shop};

const RUNS: usize = 1_000;

/// Both handlers have read the session before either of them writes.
fn with_meeting_point() -> Client {
    let both = Arc::new(Barrier::new(2));
    let slow = Router::new()
        .route("/both/cart/{item}", post(add))
        .route("/both/language/{language}", post(speak).delete(forget))
        .with_state(both);
    Site::new().serve(shop::routes().merge(slow))
}

type Both = State<Arc<Barrier>>;

async fn add(State(both): Both, mut shop: Session<Shop>, Path(item): Path<String>) {
    both.wait().await;
    shop.cart.push(item);
}

async fn speak(State(both): Both, mut shop: Session<Shop>, Path(language): Path<String>) {
    both.wait().await;
    shop.language = Some(language);
}

async fn forget(State(both): Both, mut shop: Session<Shop>) {
    both.wait().await;
    shop.language = None;
}

/// Sends two requests on two threads, and waits for both.
async fn at_once(client: &Client, first: (Method, &str), second: (Method, &str)) {
    let first = tokio::spawn(client.ask(first.0, first.1));
    let second = tokio::spawn(client.ask(second.0, second.1));
    for reply in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(reply.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scenario_01_two_writers_at_once_are_both_seen_a_thousand_times() {
    let visitor = with_meeting_point();
    for run in 0..RUNS {
        let mut client = visitor.clone();
        client.post("/cart/milk").await;
        let (cart, language) = ("/both/cart/tea", "/both/language/en");
        at_once(&client, (Method::POST, cart), (Method::POST, language)).await;
        assert_eq!(client.get("/cart").await.body, "milk,tea", "run {run}");
        assert_eq!(client.get("/language").await.body, "en", "run {run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scenario_01_a_field_that_one_request_deletes_is_not_brought_back_by_the_other() {
    let visitor = with_meeting_point();
    for run in 0..RUNS {
        let mut client = visitor.clone();
        client.post("/language/en").await;
        let (cart, language) = ("/both/cart/tea", "/both/language/x");
        at_once(&client, (Method::POST, cart), (Method::DELETE, language)).await;
        assert_eq!(client.get("/cart").await.body, "tea", "run {run}");
        assert_eq!(client.get("/language").await.body, "", "run {run}");
    }
}
