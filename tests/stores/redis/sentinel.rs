//! A master that is replaced.

use std::time::Duration;

use ::redis::sentinel::{SentinelClient, SentinelServerType};
use bytes::Bytes;
use starsessions::store::{
    Commit, Committed, Created, FieldWrite, Loaded, Record, RowKey, Store, Touch,
};
use starsessions::testing::conformance;
use starsessions::{RedisStore, Timestamp};
use starsessions_tests::servers::redis::{Version, ask, sentinel, url, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fail_over_the_store_goes_on_with_the_new_master() {
    let set = sentinel(Version::System);
    let nodes = vec![url(&set.sentinel)];
    let client = SentinelClient::build(nodes, "sessions", None, SentinelServerType::Master);
    let store = RedisStore::connect(client.unwrap()).await.unwrap();
    conformance::run(&store).await;

    let key = RowKey::from_bytes([1; 32]);
    store
        .create(&key, &Record::new(at(0), at(100)), at(0))
        .await
        .unwrap();
    ask(&set.master, &["WAIT", "1", "5000"]);

    // The former master refuses to write from then on.
    ask(&set.sentinel, &["SENTINEL", "FAILOVER", "sessions"]);
    wait_until(&set.replica, &["ROLE"], "master");
    wait_until(&set.master, &["ROLE"], "slave");
    let committed = commit_until_applied(&store, &key, b"1").await;
    assert_eq!(committed, 2);
    wait_until(
        &set.master,
        &["INFO", "replication"],
        "master_link_status:up",
    );
    ask(&set.replica, &["WAIT", "1", "5000"]);

    // The new one goes away without a word.
    set.replica.kill();
    wait_until(&set.master, &["ROLE"], "master");
    let committed = commit_until_applied(&store, &key, b"2").await;
    assert_eq!(committed, 3);
    let Ok(Some(Loaded::Live(record))) = store.load(&key, at(1)).await else {
        panic!("the session is lost");
    };
    assert_eq!(&*record.fields.get("a.x").unwrap().value, b"2");
}

/// A master that has become a replica and keeps its connections refuses the write, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_a_former_master_refuses_goes_to_the_new_one() {
    for version in Version::ALL {
        let set = sentinel(version);
        let nodes = vec![url(&set.sentinel)];
        let client = SentinelClient::build(nodes, "sessions", None, SentinelServerType::Master);
        let store = RedisStore::connect(client.unwrap()).await.unwrap();

        let port = set.replica.port().to_string();
        ask(&set.sentinel, &["SENTINEL", "REMOVE", "sessions"]);
        ask(&set.replica, &["REPLICAOF", "NO", "ONE"]);
        ask(&set.master, &["REPLICAOF", "127.0.0.1", &port]);
        let monitor = ["SENTINEL", "MONITOR", "sessions", "127.0.0.1", &port, "1"];
        ask(&set.sentinel, &monitor);
        wait_until(&set.replica, &["INFO", "replication"], "connected_slaves:1");

        let key = RowKey::from_bytes([1; 32]);
        let record = Record::new(at(0), at(100));
        let created = store.create(&key, &record, at(0)).await;
        assert_eq!(created.unwrap(), Created::Applied, "{version:?}");
        assert_eq!(ask(&set.replica, &["DBSIZE"]), "1\n", "{version:?}");
    }
}

/// Errors are what a fail-over looks like; a restart is not needed.
async fn commit_until_applied(store: &RedisStore, key: &RowKey, value: &'static [u8]) -> u64 {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let write = FieldWrite::new(Bytes::from_static(value));
    commit.set.push(("a.x".into(), write));
    for _ in 0..200 {
        match store.commit(key, &commit, at(1)).await {
            Ok(Committed::Applied(revision)) => return revision,
            Ok(other) => panic!("{other:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("the store does not come back");
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
