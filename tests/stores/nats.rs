//! The store of the example `nats`, on a real server.

#[path = "../../examples/nats/store.rs"]
mod store;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv;
use starsessions::Timestamp;
use starsessions::store::{
    IndexKey, Inserted, Listing, Replaced, Row, RowKey, Store, StoreError, Touch, Touched,
};
use starsessions::testing::conformance;
use starsessions_tests::servers::Server;
use starsessions_tests::servers::nats as servers;

use self::store::NatsStore;
use crate::agreement;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let server = servers::nats(&[]);
    conformance::run(&NatsStore::new(bucket(&server).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_as_the_memory_store_does() {
    let server = servers::nats(&[]);
    let store = NatsStore::new(bucket(&server).await);
    agreement::run(&store).await;
    agreement::tells_what_has_expired(&store).await;
}

/// Replaced, removed and swept sessions leave no message in the stream.
#[tokio::test]
async fn what_has_ended_leaves_nothing_behind() {
    let server = servers::nats(&[]);
    let bucket = bucket(&server).await;
    let store = NatsStore::new(bucket.clone());
    let mut guest = user();
    guest.revision = 2;
    guest.listing = None;
    let [first, second, third] = [1, 2, 3].map(|number| RowKey::from_bytes([number; 32]));
    for key in [first, second, third] {
        let inserted = store.insert(&key, &user(), NOW).await.unwrap();
        assert_eq!(inserted, Inserted::Inserted);
    }
    assert_eq!(messages(&bucket).await, 6);
    assert_eq!(store.remove(&first).await.unwrap(), Some(user()));
    assert_eq!(messages(&bucket).await, 4);
    let replaced = store.replace(&second, &user(), &guest, NOW).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    assert_eq!(messages(&bucket).await, 3);
    assert_eq!(store.sweep(10, NOW).await.unwrap(), 0);
    assert_eq!(messages(&bucket).await, 3);
    assert_eq!(store.sweep(1, NOW + HOUR).await.unwrap(), 1);
    assert_eq!(store.sweep(10, NOW + HOUR).await.unwrap(), 1);
    assert_eq!(messages(&bucket).await, 0);
}

/// Something else under a session's key is reported, and can be removed.
#[tokio::test]
async fn what_is_not_a_row_is_corrupt() {
    let server = servers::nats(&[]);
    let bucket = bucket(&server).await;
    let store = NatsStore::new(bucket.clone());
    let key = RowKey::from_bytes([7; RowKey::LEN]);
    for garbage in ["?", "a longer text, of as many bytes as a row at least"] {
        let name = format!("row.{}", "07".repeat(RowKey::LEN));
        bucket.put(name, garbage.into()).await.unwrap();
        let found = store.load(&key, NOW).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
        assert_eq!(store.remove(&key).await.unwrap(), None);
        assert_eq!(store.load(&key, NOW).await.unwrap(), None);
    }
}

/// A foreign value hides no other session from a list, and does not stop a sweep.
#[tokio::test]
async fn what_is_not_a_row_is_passed_over() {
    let server = servers::nats(&[]);
    let bucket = bucket(&server).await;
    let store = NatsStore::new(bucket.clone());
    for number in [1, 2] {
        let key = RowKey::from_bytes([number; RowKey::LEN]);
        store.insert(&key, &user(), NOW).await.unwrap();
    }
    let name = format!("row.{}", "01".repeat(RowKey::LEN));
    bucket.put(name, "?".into()).await.unwrap();
    let listed = store.listed(&INDEX_KEY, NOW).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|it| it.key).collect();
    assert_eq!(keys, [RowKey::from_bytes([2; RowKey::LEN])]);
    assert_eq!(store.sweep(10, NOW + HOUR).await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let server = servers::nats(&[]);
    let mut store = NatsStore::new(bucket(&server).await);
    let key = RowKey::from_bytes([7; RowKey::LEN]);
    let inserted = store.insert(&key, &user(), NOW).await.unwrap();
    assert_eq!(inserted, Inserted::Inserted);
    server.stop();
    let touch = Touch::new(NOW, NOW + HOUR);
    let touched = store.touch(&key, &user(), touch, NOW).await;
    assert!(
        matches!(touched, Err(StoreError::Unavailable(_))),
        "{touched:?}"
    );
    server.start();
    store = NatsStore::new(bucket(&server).await);
    let touched = store.touch(&key, &user(), touch, NOW).await.unwrap();
    assert_eq!(touched, Touched::Touched);
}

async fn bucket(server: &Server) -> kv::Store {
    let client = async_nats::connect(servers::url(server)).await.unwrap();
    let mut jetstream = async_nats::jetstream::new(client);
    jetstream.set_timeout(Duration::from_secs(2));
    store::bucket(&jetstream, "sessions").await.unwrap()
}

async fn messages(bucket: &kv::Store) -> u64 {
    bucket.stream.get_info().await.unwrap().state.messages
}

fn user() -> Row {
    let mut row = Row::new(*b"value", NOW, NOW + HOUR);
    row.listing = Some(Arc::new(Listing::new(vec![INDEX_KEY], *b"card")));
    row
}

const INDEX_KEY: IndexKey = IndexKey::from_bytes([9; IndexKey::LEN]);
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
