//! A Cluster of three masters.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::redis::cluster::ClusterClient;
use starsessions::store::{
    IndexKey, Inserted, Listing, RedisStore, Replaced, RowKey, Store, StoreError,
};
use starsessions::testing::conformance;
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::Stage;
use starsessions_tests::servers::redis::{
    self as servers, Version, ask, wait_for_replica, wait_until, watch_closely,
};
use starsessions_tests::servers::{Server, free_port};

use super::samples::{after, at, filed_row, index_key, key, row, touch};
use crate::agreement;

/// The Cluster that is shared by all tests that do not stop it.
static CLUSTER: LazyLock<[Server; 3]> = LazyLock::new(|| servers::cluster(Version::Valkey9));

struct Cluster {
    masters: [Server; 3],
    store: RedisStore,
}

async fn cluster(version: Version) -> Cluster {
    let masters = servers::cluster(version);
    let store = connected(&masters).await;
    Cluster { masters, store }
}

/// A store on the shared Cluster, with a key prefix for one test.
struct OwnPrefix(RedisStore);

async fn own_prefix() -> OwnPrefix {
    let builder = RedisStore::builder(client(&CLUSTER)).prefix(super::new_prefix());
    OwnPrefix(builder.connect().await.unwrap())
}

impl Stage for OwnPrefix {
    type Store = RedisStore;

    fn store(&self) -> RedisStore {
        self.0.clone()
    }

    async fn disk(&self) -> Option<Vec<u8>> {
        let folders = CLUSTER.iter().map(Server::folder);
        Some(folders.flat_map(scenarios::bytes_in).collect())
    }
}

async fn current() -> Cluster {
    cluster(Version::Valkey9).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_and_spreads_the_sessions() {
    for version in [Version::System, Version::Valkey9] {
        let cluster = cluster(version).await;
        conformance::run(&cluster.store).await;
        agreement::run(&cluster.store).await;
        for master in &cluster.masters {
            let keys = ask(master, &["DBSIZE"]);
            assert_ne!(keys, "0\n", "{version:?}");
        }
    }
}

scenarios!(own_prefix);

/// A master that accepts connections but does not answer blocks no request for ever.
#[tokio::test(flavor = "multi_thread")]
async fn frozen_masters_are_unavailable_and_come_back() {
    let Cluster { masters, store } = current().await;
    let key = key(1);
    assert_eq!(store.load(&key, at(0)).await.unwrap(), None);
    masters.iter().for_each(Server::freeze);
    let load = store.load(&key, at(0));
    let loaded = tokio::time::timeout(Duration::from_secs(60), load).await;
    assert!(
        matches!(loaded, Ok(Err(StoreError::Unavailable(_)))),
        "{loaded:?}"
    );
    masters.iter().for_each(Server::thaw);
    for _ in 0..1200 {
        if store.load(&key, at(0)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the store does not come back");
}

/// A master hangs and keeps its connections open. Its replica takes over, and the store finds the replica.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_master_hangs_the_store_goes_on_with_its_replica() {
    let Cluster { masters, store } = cluster(Version::System).await;
    let replicas = masters.each_ref().map(replica_of);
    let rows: Vec<_> = (0..30).map(|number| (key(number), row(b"first"))).collect();
    for (key, row) in &rows {
        store.insert(key, row, at(0)).await.unwrap();
    }
    for master in &masters {
        wait_for_replica(master);
    }
    watch_closely(masters.iter().chain(&replicas));
    masters[0].freeze();
    wait_until(&replicas[0], &["ROLE"], "master");
    wait_until(&replicas[0], &["CLUSTER", "INFO"], "cluster_state:ok");
    for master in &masters[1..] {
        wait_until(master, &["CLUSTER", "INFO"], "cluster_state:ok");
    }
    for (key, row) in &rows {
        let next = after(row, b"second");
        let replaced = store.replace(key, row, &next, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
    }
}

/// The state after a fail-over that loses the latest writes only on the node with the list.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_its_list_does_not_have_is_none() {
    let Cluster { masters, store } = current().await;
    let another = connected(&masters).await;
    let (lost, kept, first) = (key(1), key(2), filed_row(b"first"));
    for key in [&lost, &kept] {
        store.insert(key, &first, at(0)).await.unwrap();
        assert_eq!(store.load(key, at(1)).await.unwrap().as_ref(), Some(&first));
    }
    forget_lists(&masters);
    let second = after(&first, b"second");
    let mut elsewhere = second.clone();
    elsewhere.listing = Some(Arc::new(Listing::new(
        vec![IndexKey::from_bytes([8; 32])],
        *b"card",
    )));
    let replaced = store.replace(&kept, &first, &elsewhere, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    for store in [&store, &another] {
        for _ in 0..2 {
            assert_eq!(store.load(&lost, at(1)).await.unwrap(), None);
            let loaded = store.load(&kept, at(1)).await.unwrap();
            assert_eq!(loaded.as_ref(), Some(&elsewhere));
        }
    }

    // A request that loaded the session before does not add it to the list again.
    const DAY: u64 = 24 * 3_600;
    let later = touch(1, 2 * DAY);
    store.touch(&lost, &first, later, at(1)).await.unwrap();
    let mut second = second;
    second.touch(touch(2, 5 * DAY));
    let replaced = store.replace(&lost, &first, &second, at(2)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    assert_eq!(store.load(&lost, at(2)).await.unwrap(), None);
    assert_eq!(store.listed(&index_key(), at(2)).await.unwrap(), []);
}

async fn connected(masters: &[Server; 3]) -> RedisStore {
    RedisStore::connect(client(masters)).await.unwrap()
}

fn client(masters: &[Server; 3]) -> ClusterClient {
    ClusterClient::new(masters.each_ref().map(servers::url)).unwrap()
}

fn forget_lists(masters: &[Server; 3]) {
    for master in masters {
        for list in ask(master, &["KEYS", "*index*"]).lines() {
            ask(master, &["DEL", list]);
        }
    }
}

/// A client of a single node, as for the command line. A revocation that misses sessions must not look complete.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_alone_lists_and_counts_nothing() {
    for version in [Version::System, Version::Valkey9] {
        let Cluster { store, masters } = cluster(version).await;
        for number in 0..16 {
            let inserted = store.insert(&key(number), &filed_row(b"user"), at(0)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted);
        }
        for master in &masters {
            let client = ::redis::Client::open(servers::url(master)).unwrap();
            let node = RedisStore::connect(client).await.unwrap();
            let listed = node.listed(&index_key(), at(1)).await;
            assert!(listed.is_err(), "{version:?}: {listed:?}");
            let counted = node.count(at(1)).await;
            assert!(counted.is_err(), "{version:?}: {counted:?}");
        }
    }
}

/// Tests a row on another node, and a row whose list is in another slot.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_alone_asks_for_the_client_of_a_cluster() {
    let client = ::redis::Client::open(servers::url(&CLUSTER[0])).unwrap();
    let node = RedisStore::builder(client).prefix(super::new_prefix());
    let node = node.connect().await.unwrap();
    let listed = node.insert(&key(0), &filed_row(b"user"), at(0)).await;
    let mut errors = vec![listed.unwrap_err()];
    for number in 0..32 {
        errors.extend(node.load(&key(number), at(0)).await.err());
    }
    assert!(errors.len() > 1);
    for error in errors {
        let why = format!("{error:?}");
        assert!(why.contains("give the store a `ClusterClient`"), "{why}");
    }
}

/// A list entry without a row makes the store read the list again. Parallel sign-ins must not make that fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_complete_while_others_sign_in() {
    let Cluster {
        store,
        masters: _masters,
    } = current().await;
    store
        .insert(&key(1), &filed_row(b"kept"), at(0))
        .await
        .unwrap();
    leave_an_entry(&store, &key(2)).await;
    let signing_in = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 3..=250 {
                store
                    .insert(&key(number), &filed_row(b"new"), at(0))
                    .await
                    .unwrap();
            }
        }
    });
    let mut lists = 0;
    while !signing_in.is_finished() {
        let listed = store.listed(&index_key(), at(1)).await.unwrap();
        assert!(listed.iter().any(|listed| listed.key == key(1)));
        assert!(listed.iter().all(|listed| listed.key != key(2)));
        lists += 1;
    }
    signing_in.await.unwrap();
    assert_ne!(lists, 0);
}

/// An insert whose key holds an unlisted row is refused, but leaves a list entry.
async fn leave_an_entry(store: &RedisStore, key: &RowKey) {
    store.insert(key, &row(b"guest"), at(0)).await.unwrap();
    let inserted = store.insert(key, &filed_row(b"user"), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Exists);
}

/// Rows of different nodes are not read atomically.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_moves_by_parts_is_not_missed() {
    let Cluster {
        store,
        masters: _masters,
    } = current().await;
    store
        .insert(&key(0), &filed_row(b"value"), at(0))
        .await
        .unwrap();
    let moving = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 1..=250 {
                move_by_parts(&store, &key(number - 1), &key(number)).await;
            }
        }
    });
    let mut lists = 0;
    while !moving.is_finished() {
        // The store may give up, but its answers are correct.
        if let Ok(listed) = store.listed(&index_key(), at(1)).await {
            assert!((1..=2).contains(&listed.len()));
            lists += 1;
        }
    }
    moving.await.unwrap();
    assert_ne!(lists, 0);
}

async fn move_by_parts(store: &RedisStore, old: &RowKey, new: &RowKey) {
    let first = filed_row(b"value");
    let moving = after(&first, b"moving");
    let replaced = store.replace(old, &first, &moving, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    assert_eq!(
        store.insert(new, &first, at(1)).await.unwrap(),
        Inserted::Inserted
    );
    let mut left = after(&moving, b"moved");
    left.listing = None;
    let replaced = store.replace(old, &moving, &left, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
}

/// A replica that was disconnected takes over. The latest rows and lists of its node are lost, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_fail_over_that_loses_something_the_lists_have_whatever_is_loaded() {
    let Cluster { masters, store } = cluster(Version::System).await;
    let replicas = masters.each_ref().map(replica_of);
    sign_in(&store, 0..10).await;
    for master in &masters {
        wait_for_replica(master);
    }
    ask(
        &masters[0],
        &["ACL", "SETUSER", "default", "-psync", "-sync"],
    );
    ask(&masters[0], &["CLIENT", "KILL", "TYPE", "replica"]);
    sign_in(&store, 10..50).await;
    watch_closely(masters.iter().chain(&replicas));
    masters[0].kill();
    wait_until(&replicas[0], &["ROLE"], "master");
    for node in [&replicas[0], &masters[1], &masters[2]] {
        wait_until(node, &["CLUSTER", "INFO"], "cluster_state:ok");
    }
    let mut lost = 0;
    for number in 0..50 {
        let loaded = at_last(async || store.load(&key(number), at(1)).await).await;
        let listed = at_last(async || store.listed(&user(number), at(1)).await).await;
        assert_eq!(loaded.is_some(), listed.len() == 1, "{number}");
        lost += usize::from(loaded.is_none());
        assert!(loaded.is_some() || number >= 10, "{number}");
    }
    assert_ne!(lost, 0, "the replica had it all");
}

fn user(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; 32])
}

async fn sign_in(store: &RedisStore, numbers: std::ops::Range<u8>) {
    for number in numbers {
        let mut row = row(b"value");
        row.listing = Some(Arc::new(Listing::new(vec![user(number)], *b"card")));
        store.insert(&key(number), &row, at(0)).await.unwrap();
    }
}

/// Retries after errors, which are expected during a fail-over.
async fn at_last<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..600 {
        match ask().await {
            Ok(answer) => return answer,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("the store does not come back");
}

/// Starts a replica, and waits until it is in sync and known to the other nodes.
fn replica_of(master: &Server) -> Server {
    let bus = free_port().to_string();
    let replica = servers::redis(
        Version::System,
        &["--cluster-enabled", "yes", "--cluster-port", &bus],
    );
    let port = master.port().to_string();
    ask(&replica, &["CLUSTER", "MEET", "127.0.0.1", &port]);
    let id = ask(master, &["CLUSTER", "MYID"]);
    wait_until(&replica, &["CLUSTER", "NODES"], id.trim());
    wait_until(&replica, &["CLUSTER", "INFO"], "cluster_state:ok");
    ask(&replica, &["CLUSTER", "REPLICATE", id.trim()]);
    wait_until(&replica, &["INFO", "replication"], "master_link_status:up");
    replica
}
