//! Dead connections: closed by the server while idle, or silent.

use std::time::Duration;

use ::redis::Client;
use ::redis::cluster::ClusterClient;
use starsessions::store::{
    Inserted, RedisStore, Replaced, Rotated, Rotation, Row, Store, StoreError, Touched,
};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{
    Sentinel, Version, ask, redis, sentinel, url, wait_until,
};

use super::connected;
use super::samples::{after, at, filed_row, key, touch, way_after};
use crate::faults::{MANY, SOME, no_fault_outlasts_itself};
use crate::proxy::Proxy;

/// A Cluster of one node.
pub(super) async fn node() -> (Server, RedisStore) {
    let server = redis(Version::System, &["--cluster-enabled", "yes"]);
    ask(&server, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    wait_until(&server, &["CLUSTER", "INFO"], "cluster_state:ok");
    let client = ClusterClient::new([url(&server)]).unwrap();
    let store = RedisStore::connect(client).await.unwrap();
    (server, store)
}

async fn single() -> (Server, RedisStore) {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    (server, store)
}

/// Runs each operation on a connection that has died.
async fn each_operation_succeeds(store: &RedisStore, mut die: impl AsyncFnMut()) {
    let (key, successor, first) = (key(1), key(2), filed_row(b"first"));
    die().await;
    let inserted = store.insert(&key, &first, at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    die().await;
    assert_eq!(
        store.load(&key, at(1)).await.unwrap().as_ref(),
        Some(&first)
    );
    die().await;
    let second = after(&first, b"second");
    let replaced = store.replace(&key, &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    die().await;
    let touched = store.touch(&key, &second, touch(2, 200), at(2)).await;
    assert_eq!(touched.unwrap(), Touched::Touched);
    die().await;
    let listed = store.listed(&super::samples::index_key(), at(2)).await;
    assert_eq!(listed.unwrap().len(), 1);
    die().await;
    let (left, moved) = (way_after(&second), filed_row(b"moved"));
    let rotation = Rotation::new(&key, &second, &left, &successor, &moved);
    let rotated = store.rotate(rotation, at(2)).await.unwrap();
    // A Cluster cannot write two keys atomically, so the store reports `Unsupported`.
    let is_whole = rotated == Rotated::Rotated;
    assert!(is_whole || rotated == Rotated::Unsupported, "{rotated:?}");
    die().await;
    let (last, value) = if is_whole {
        (&successor, moved.value)
    } else {
        (&key, second.value)
    };
    let removed = store.remove(last).await.unwrap();
    assert_eq!(removed.map(|row: Row| row.value), Some(value));
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_after_the_server_has_closed_the_connection_succeeds() {
    for (server, store) in [single().await, node().await] {
        each_operation_succeeds(&store, async || {
            ask(
                &server,
                &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
            );
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_after_an_idle_second_too_many_succeeds() {
    for (server, store) in [single().await, node().await] {
        ask(&server, &["CONFIG", "SET", "timeout", "1"]);
        each_operation_succeeds(&store, async || {
            // The one connected client is the one that asks.
            wait_until(&server, &["INFO", "clients"], "connected_clients:1\r\n");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_after_a_restart_of_the_server_succeeds() {
    let (server, store) = single().await;
    each_operation_succeeds(&store, async || {
        server.stop();
        server.start();
    })
    .await;
    let (server, store) = node().await;
    each_operation_succeeds(&store, async || {
        server.stop();
        server.start();
        wait_until(&server, &["CLUSTER", "INFO"], "cluster_state:ok");
    })
    .await;
}

/// The server loads its file until the test stops it, and meanwhile answers with a LOADING error.
#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_on_a_server_that_still_reads_its_file_succeeds() {
    // The delay per key, in microseconds. The server handles requests after each kilobyte, which is one key.
    let slow = ["--key-load-delay", "10000", "--rdbcompression", "no"];
    let looks = ["--loading-process-events-interval-bytes", "1024"];
    let saved = ["--appendonly", "no", "--save", "3600 1"];
    let server = redis(Version::System, &[&slow[..], &looks, &saved].concat());
    let store = connected(&server).await;
    let (key, row) = (key(1), filed_row(b"first"));
    store.insert(&key, &row, at(0)).await.unwrap();
    let fill = "for i = 1, 5000 do redis.call('SET', i, string.rep('x', 1024)) end";
    ask(&server, &["EVAL", fill, "0"]);
    server.stop();
    server.start();
    let refusals = || {
        let counted = ask(&server, &["INFO", "errorstats"]);
        let count = counted.split_once("errorstat_LOADING:count=");
        count.map_or(0, |(_, count)| {
            count.lines().next().unwrap().parse::<u64>().unwrap()
        })
    };

    // The store does not wait for ever.
    let loaded = store.load(&key, at(1)).await;
    assert!(
        matches!(loaded, Err(StoreError::Unavailable(_))),
        "{loaded:?}"
    );
    let before = refusals();
    assert_ne!(before, 0);
    let load = tokio::spawn(async move { store.load(&key, at(1)).await });
    while refusals() == before && !load.is_finished() {
        tokio::task::yield_now().await;
    }
    ask(&server, &["CONFIG", "SET", "key-load-delay", "0"]);
    assert_eq!(load.await.unwrap().unwrap(), Some(row));
}

/// The operation that detects the silence waits for the time-out, as do all operations sent before.
#[tokio::test(flavor = "multi_thread")]
async fn g18_a_silent_connection_is_replaced_after_one_time_out() {
    let server = redis(Version::System, &[]);
    let (proxy, port) = Proxy::before(server.address()).await;
    let client = Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let store = RedisStore::connect(client).await.unwrap();
    each_operation_succeeds(&store, async || proxy.silence()).await;
    assert_eq!(proxy.connections(), 8);
    let (keys, made) = ((100..164).map(key), proxy.connections());
    proxy.silence();
    let loads: Vec<_> = keys
        .map(|key| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&key, at(1)).await })
        })
        .collect();
    for load in loads {
        assert_eq!(load.await.unwrap().unwrap(), None);
    }
    assert_eq!(proxy.connections(), made + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_a_silent_connection_of_a_cluster_is_replaced_after_one_time_out() {
    let (store, proxy, _server) = super::lost_reply::cluster().await;
    each_operation_succeeds(&store, async || proxy.silence()).await;
}

/// A layer with a shorter time-out than the store drops the operation.
#[tokio::test(flavor = "multi_thread")]
async fn g18_a_silent_connection_is_replaced_also_if_no_request_waits_for_the_time_out() {
    let server = redis(Version::System, &[]);
    let (proxy, port) = Proxy::before(server.address()).await;
    let client = Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let store = RedisStore::connect(client).await.unwrap();
    proxy.silence();
    let key = key(1);
    for _ in 0..100 {
        let load = store.load(&key, at(1));
        if let Ok(loaded) = tokio::time::timeout(Duration::from_millis(100), load).await {
            assert_eq!(loaded.unwrap(), None);
            return;
        }
    }
    panic!("the store does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_no_fault_outlasts_itself() {
    no_fault_outlasts_itself_on_any_kind(SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: tests/nightly"]
async fn g18_no_fault_outlasts_itself_wherever_it_meets() {
    no_fault_outlasts_itself_on_any_kind(MANY).await;
}

/// Runs in parallel, because most of the time is spent in time-outs of two seconds.
async fn no_fault_outlasts_itself_on_any_kind(places: usize) {
    let (single, to_single, _server) = super::lost_reply::single(Version::System).await;
    let (cluster, to_cluster, _node) = super::lost_reply::cluster().await;
    let set = sentinel(Version::System);
    let (to_master, port) = Proxy::before(set.master.address()).await;
    watch_at(&set, port);
    let master = super::sentinel::connected(&set).await;
    tokio::join!(
        no_fault_outlasts_itself(single, &to_single, places),
        no_fault_outlasts_itself(cluster, &to_cluster, places),
        no_fault_outlasts_itself(master, &to_master, places),
    );
}

/// The Sentinel reaches the master through the same proxy as the store, and does not fail it over for ten minutes.
fn watch_at(set: &Sentinel, port: u16) {
    let port = port.to_string();
    ask(&set.sentinel, &["SENTINEL", "REMOVE", "sessions"]);
    let monitor = ["SENTINEL", "MONITOR", "sessions", "127.0.0.1", &port, "1"];
    ask(&set.sentinel, &monitor);
    let patience = "SENTINEL SET sessions down-after-milliseconds 600000";
    let patience: Vec<_> = patience.split(' ').collect();
    ask(&set.sentinel, &patience);
}
