//! A Sentinel set whose master is replaced.

use std::time::Duration;

use ::redis::sentinel::{SentinelClient, SentinelServerType};
use starsessions::store::{Inserted, RedisStore, Replaced, Row, RowKey, Store};
use starsessions::testing::conformance;
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{
    Sentinel, Version, ask, sentinel, url, wait_for_replica, wait_until,
};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::samples::{after, at, key, row};
use crate::proxy::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fail_over_the_store_goes_on_with_the_new_master() {
    let set = sentinel(Version::System);
    let store = connected(&set).await;
    conformance::run(&store).await;

    let (key, first) = (key(1), row(b"first"));
    store.insert(&key, &first, at(0)).await.unwrap();
    wait_for_replica(&set.master);

    // From then on, the former master refuses writes.
    ask(&set.sentinel, &["SENTINEL", "FAILOVER", "sessions"]);
    wait_for_master(&set, &set.replica);
    wait_until(&set.replica, &["INFO", "replication"], "connected_slaves:1");
    let second = after(&first, b"second");
    replace_at_last(&store, &key, &first, &second).await;
    wait_until(
        &set.master,
        &["INFO", "replication"],
        "master_link_status:up",
    );
    wait_for_replica(&set.replica);

    // The new master is killed.
    set.watch_closely();
    set.replica.kill();
    wait_for_master(&set, &set.master);
    let third = after(&second, b"third");
    replace_at_last(&store, &key, &second, &third).await;
    assert_eq!(store.load(&key, at(1)).await.unwrap(), Some(third));
}

/// A master that hangs keeps its connections open and does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_master_hangs_the_store_goes_on_with_the_new_one() {
    let set = sentinel(Version::System);
    let store = connected(&set).await;
    let (key, first) = (key(1), row(b"first"));
    store.insert(&key, &first, at(0)).await.unwrap();
    wait_for_replica(&set.master);
    set.watch_closely();
    set.master.freeze();
    wait_for_master(&set, &set.replica);
    let second = after(&first, b"second");
    let replaced = store.replace(&key, &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    assert_eq!(store.load(&key, at(1)).await.unwrap(), Some(second));
}

/// A master that has become a replica keeps its connections and refuses writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_a_former_master_refuses_goes_to_the_new_one() {
    for version in Version::ALL {
        let set = sentinel(version);
        let store = connected(&set).await;
        let (old, first) = (key(1), row(b"first"));
        store.insert(&old, &first, at(0)).await.unwrap();
        wait_for_replica(&set.master);

        let port = set.replica.port().to_string();
        ask(&set.sentinel, &["SENTINEL", "REMOVE", "sessions"]);
        ask(&set.replica, &["REPLICAOF", "NO", "ONE"]);
        ask(&set.master, &["REPLICAOF", "127.0.0.1", &port]);
        let monitor = ["SENTINEL", "MONITOR", "sessions", "127.0.0.1", &port, "1"];
        ask(&set.sentinel, &monitor);
        wait_until(&set.replica, &["INFO", "replication"], "connected_slaves:1");

        let replaced = store
            .replace(&old, &first, &after(&first, b"second"), at(1))
            .await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced, "{version:?}");
        let inserted = store.insert(&key(2), &first, at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted, "{version:?}");
        assert_eq!(ask(&set.replica, &["DBSIZE"]), "2\n", "{version:?}");
    }
}

/// One Sentinel is silent, one sends invalid replies, one works, both when the store connects and later.
#[tokio::test(flavor = "multi_thread")]
async fn g18_sentinels_that_are_silent_or_talk_nonsense_are_passed_over() {
    let set = sentinel(Version::System);
    let (proxy, port) = Proxy::before(set.sentinel.address()).await;
    let silent = format!("redis://127.0.0.1:{port}/");
    let nodes = vec![talking_nonsense().await, silent, url(&set.sentinel)];
    let connect = async || {
        let nodes = nodes.clone();
        let client = SentinelClient::build(nodes, "sessions", None, SentinelServerType::Master);
        RedisStore::connect(client.unwrap()).await.unwrap()
    };
    let while_it_answered = connect().await;
    proxy.silence_new_ones_too();
    for (number, store) in [while_it_answered, connect().await].into_iter().enumerate() {
        let key = key(number as u8);
        for killed in 0..3 {
            let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
            ask(&set.master, &kill);
            // The time-out of a layer.
            let load = tokio::time::timeout(Duration::from_secs(5), store.load(&key, at(0)));
            assert_eq!(load.await.unwrap().unwrap(), None, "{number} {killed}");
        }
    }
}

/// A server that speaks another protocol.
async fn talking_nonsense() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(
                async move { client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await },
            );
        }
    });
    format!("redis://{address}/")
}

pub(super) async fn connected(set: &Sentinel) -> RedisStore {
    let nodes = vec![url(&set.sentinel)];
    let client = SentinelClient::build(nodes, "sessions", None, SentinelServerType::Master);
    RedisStore::connect(client.unwrap()).await.unwrap()
}

/// Asks the Sentinel, because it closes the connections of a server that it promotes.
fn wait_for_master(set: &Sentinel, master: &Server) {
    let (question, port) = (["SENTINEL", "MASTER", "sessions"], master.port());
    wait_until(&set.sentinel, &question, &format!("port\n{port}\n"));
}

/// Retries after errors, which are expected during a fail-over. The store recovers without a restart.
async fn replace_at_last(store: &RedisStore, key: &RowKey, seen: &Row, row: &Row) {
    for _ in 0..600 {
        match store.replace(key, seen, row, at(1)).await {
            Ok(Replaced::Replaced) => return,
            Ok(other) => panic!("{other:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("the store does not come back");
}
