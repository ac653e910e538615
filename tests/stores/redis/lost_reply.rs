//! Lost replies: the store sends the command again, and its effect happens once.

use ::redis::Client;
use ::redis::cluster::ClusterClient;
use axum::Router;
use http::{Method, StatusCode};
use starsessions::python::{RedisStore as PythonStore, Sessions};
use starsessions::store::{Inserted, Replaced, Rotated, Rotation, Store, Touched};
use starsessions::store::{RedisStore, RedisStoreBuilder, StoreError};
use starsessions::testing::TestClock;
use starsessions::{KeyRing, Session, SessionLayer};
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::post;
use starsessions_tests::servers::redis::{Version, ask, redis, wait_until};
use starsessions_tests::servers::{Server, free_port};

use super::samples::{after, at, filed_row, index_key, key, row, touch, way_after};
use crate::proxy::Proxy;

/// A server behind a proxy.
pub(super) async fn single(version: Version) -> (RedisStore, Proxy, Server) {
    single_of(version, |store| store).await
}

async fn single_of(
    version: Version,
    set: impl FnOnce(RedisStoreBuilder) -> RedisStoreBuilder,
) -> (RedisStore, Proxy, Server) {
    let server = redis(version, &[]);
    let (proxy, port) = Proxy::before(server.address()).await;
    let client = Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let store = set(RedisStore::builder(client)).connect().await.unwrap();
    teach(&store).await;
    (store, proxy, server)
}

/// A Cluster of one master behind a proxy.
pub(super) async fn cluster() -> (RedisStore, Proxy, Server) {
    let port = free_port();
    let way = port.to_string();
    let server = redis(
        Version::System,
        &["--cluster-enabled", "yes", "--cluster-announce-port", &way],
    );
    ask(&server, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    wait_until(&server, &["CLUSTER", "INFO"], "cluster_state:ok");
    let proxy = Proxy::listen(port, server.address()).await;
    let client = ClusterClient::new([format!("redis://127.0.0.1:{port}/")]).unwrap();
    let store = RedisStore::connect(client).await.unwrap();
    teach(&store).await;
    (store, proxy, server)
}

/// Loads the scripts into the server, so that each command has one reply.
async fn teach(store: &RedisStore) {
    let (old, new) = (key(250), key(251));
    let (first, moved) = (filed_row(b"first"), row(b"moved"));
    store.insert(&old, &first, at(0)).await.unwrap();
    let second = after(&first, b"second");
    store.replace(&old, &first, &second, at(1)).await.unwrap();
    store
        .rotate(
            Rotation::new(&old, &second, &way_after(&second), &new, &moved),
            at(1),
        )
        .await
        .unwrap();
    for key in [old, new] {
        store.remove(&key).await.unwrap();
    }
}

/// The kinds of servers, each with the command that replaces a row there.
async fn ways() -> [(RedisStore, Proxy, Server, &'static str); 3] {
    let (store, proxy, server) = single(Version::System).await;
    let by_script = (store, proxy, server, "EVALSHA");
    let (store, proxy, server) = single(Version::Valkey9).await;
    let by_condition = (store, proxy, server, "IFEQ");
    let (store, proxy, server) = cluster().await;
    [by_script, by_condition, (store, proxy, server, "EVALSHA")]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_reply_was_lost_takes_place_once() {
    for (store, proxy, _server, replaces) in ways().await {
        let (key, first) = (key(1), row(b"first"));
        proxy.lose_reply_to("SET");
        let inserted = store.insert(&key, &first, at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
        assert!(proxy.has_lost());

        let second = after(&first, b"second");
        proxy.lose_reply_to(replaces);
        let replaced = store.replace(&key, &first, &second, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
        assert!(proxy.has_lost());

        proxy.lose_reply_to(replaces);
        let touched = store.touch(&key, &second, touch(2, 200), at(2)).await;
        assert_eq!(touched.unwrap(), Touched::Touched);
        assert!(proxy.has_lost());

        let mut stored = second.clone();
        stored.touch(touch(2, 200));
        assert_eq!(store.load(&key, at(2)).await.unwrap(), Some(stored));
    }
}

/// A write that lost the race has no effect, also when it is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_reply_was_lost_and_that_was_refused_is_refused() {
    for (store, proxy, _server, replaces) in ways().await {
        let (key, first) = (key(1), row(b"first"));
        store.insert(&key, &first, at(0)).await.unwrap();
        proxy.lose_reply_to("SET");
        let inserted = store.insert(&key, &row(b"other"), at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Exists);
        assert!(proxy.has_lost());

        let theirs = after(&first, b"theirs");
        store.replace(&key, &first, &theirs, at(1)).await.unwrap();
        proxy.lose_reply_to(replaces);
        let replaced = store
            .replace(&key, &first, &after(&first, b"ours"), at(1))
            .await;
        assert_eq!(replaced.unwrap(), Replaced::Stale(theirs.clone()));
        assert!(proxy.has_lost());
        assert_eq!(store.load(&key, at(1)).await.unwrap(), Some(theirs));
    }
}

/// A third writer has replaced the row, so the store cannot know whether its own write came before.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_an_error() {
    for (store, proxy, _server, replaces) in ways().await {
        let (key, first) = (key(1), row(b"first"));
        store.insert(&key, &first, at(0)).await.unwrap();
        let second = after(&first, b"second");
        store.replace(&key, &first, &second, at(1)).await.unwrap();
        let third = after(&second, b"third");
        store.replace(&key, &second, &third, at(1)).await.unwrap();

        proxy.lose_reply_to(replaces);
        let replaced = store
            .replace(&key, &first, &after(&first, b"ours"), at(1))
            .await;
        assert!(
            matches!(replaced, Err(StoreError::Unavailable(_))),
            "{replaced:?}"
        );
        assert!(proxy.has_lost());

        proxy.lose_reply_to("GETDEL");
        let removed = store.remove(&key).await;
        assert!(
            matches!(removed, Err(StoreError::Unavailable(_))),
            "{removed:?}"
        );
        assert!(proxy.has_lost());
        assert_eq!(store.load(&key, at(1)).await.unwrap(), None);
    }
}

/// Without encryption, two requests that count the same event write identical bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_in_the_clear_is_not_told_from_that_of_another_request() {
    for (version, replaces) in [(Version::System, "EVALSHA"), (Version::Valkey9, "IFEQ")] {
        let (store, proxy, _server) = single_of(version, RedisStoreBuilder::plain_values).await;
        let (key, first) = (key(1), row(b"1 visit"));
        store.insert(&key, &first, at(0)).await.unwrap();
        let second = after(&first, b"2 visits");
        let replaced = store.replace(&key, &first, &second, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
        proxy.lose_reply_to(replaces);
        let replaced = store.replace(&key, &first, &second, at(1)).await;
        assert!(
            matches!(replaced, Err(StoreError::Unavailable(_))),
            "{replaced:?}"
        );
        assert!(proxy.has_lost());
    }
}

#[derive(Session)]
#[session(namespace = "python")]
struct Page {
    #[session(codec = json, merge = sum)]
    visits: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_python_is_not_told_from_that_of_another_request_either() {
    let server = redis(Version::System, &[]);
    let (proxy, port) = Proxy::before(server.address()).await;
    let client = Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let sessions = Sessions::new(PythonStore::connect(client).await.unwrap());
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap());
    let layer = layer.clock(TestClock::at(1_800_000_000)).build().unwrap();
    let gate = Gate::new();
    let held = gate.clone();
    let slow = post(async move |mut page: Session<Page>| {
        page.visits += 1;
        held.pass().await;
    });
    let routes = Router::new()
        .route(
            "/visit",
            post(async |mut page: Session<Page>| page.visits += 1),
        )
        .route("/slow", slow);
    let mut browser = starsessions_tests::client::Client::new(&routes.layer(layer));
    // The second request loads the script into the server.
    browser.post("/visit").await;
    browser.post("/visit").await;
    let slow = tokio::spawn(browser.ask(Method::POST, "/slow"));
    gate.reached().await;
    browser.post("/visit").await;
    proxy.lose_reply_to("EVALSHA");
    gate.open();
    let status = slow.await.unwrap().status;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(proxy.has_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_reply_was_lost_takes_place_once() {
    let (store, proxy, _server) = single(Version::System).await;
    let (old, new, seen, moved) = (key(1), key(2), filed_row(b"seen"), row(b"moved"));
    let left = way_after(&seen);
    store.insert(&old, &seen, at(0)).await.unwrap();
    proxy.lose_reply_to("EVALSHA");
    let rotated = store
        .rotate(Rotation::new(&old, &seen, &left, &new, &moved), at(1))
        .await;
    assert_eq!(rotated.unwrap(), Rotated::Rotated);
    assert!(proxy.has_lost());
    assert_eq!(store.load(&old, at(1)).await.unwrap(), Some(left));
    assert_eq!(store.load(&new, at(1)).await.unwrap(), Some(moved));
    assert_eq!(store.listed(&index_key(), at(1)).await.unwrap(), []);
}
