//! 1. Parallel writers.

use std::sync::Arc;

use crate::client::Client;
use crate::routing::post;
use crate::site::Site;
use axum::Router;
use axum::extract::{Path, State};
use http::{Method, StatusCode};
use starsessions::Session;
use starsessions::store::Store;
use tokio::sync::Barrier;

use crate::shop::{self, Shop};

/// Serves two handlers that both read the session before either writes.
fn with_meeting_point<S: Store + Clone>(site: &Site<S>) -> Client {
    let both = Arc::new(Barrier::new(2));
    let slow = Router::new()
        .route("/both/cart/{item}", post(add))
        .route("/both/language/{language}", post(speak).delete(forget))
        .with_state(both);
    site.serve(shop::routes().merge(slow))
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

/// Parallel requests that write different fields both take effect.
///
/// # Panics
/// If one write undoes the other.
pub async fn two_writers_at_once_are_both_seen<S: Store + Clone>(site: &Site<S>, runs: usize) {
    let visitor = with_meeting_point(site);
    for run in 0..runs {
        let mut client = visitor.clone();
        client.post("/cart/milk").await;
        let (cart, language) = ("/both/cart/tea", "/both/language/en");
        at_once(&client, (Method::POST, cart), (Method::POST, language)).await;
        assert_eq!(client.get("/cart").await.body, "milk,tea", "run {run}");
        assert_eq!(client.get("/language").await.body, "en", "run {run}");
    }
}

/// A parallel request does not restore a field that another request deletes.
///
/// # Panics
/// If the field is restored.
pub async fn what_one_deletes_the_other_does_not_bring_back<S: Store + Clone>(
    site: &Site<S>,
    runs: usize,
) {
    let visitor = with_meeting_point(site);
    for run in 0..runs {
        let mut client = visitor.clone();
        client.post("/language/en").await;
        let (cart, language) = ("/both/cart/tea", "/both/language/x");
        at_once(&client, (Method::POST, cart), (Method::DELETE, language)).await;
        assert_eq!(client.get("/cart").await.body, "tea", "run {run}");
        assert_eq!(client.get("/language").await.body, "", "run {run}");
    }
}

/// Parallel increments of one number are never lost.
///
/// # Panics
/// If an increment is lost.
pub async fn every_increment_counts<S: Store + Clone>(site: &Site<S>) {
    let mut client = site.serve(shop::routes());
    client.post("/cart/milk").await;
    let views: Vec<_> = (0..50)
        .map(|_| tokio::spawn(client.ask(Method::POST, "/views")))
        .collect();
    for view in views {
        assert_eq!(view.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(client.get("/views").await.body, "50");
}
