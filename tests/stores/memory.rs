//! The memory store.

use std::time::Duration;

use bytes::Bytes;
use starsessions::store::{Created, Forward, Record, Rotated, Rotation, RowKey, Store, StoreError};
use starsessions::testing::conformance;
use starsessions::{MemoryStore, Timestamp};
use starsessions_tests::scenarios;

use crate::agreement;

#[tokio::test]
async fn keeps_the_contract() {
    conformance::run(&MemoryStore::new()).await;
    agreement::tells_what_has_expired(&MemoryStore::new()).await;
}

#[tokio::test]
async fn keeps_the_contract_with_one_shard() {
    let store = MemoryStore::builder().anonymous_limit(500).build();
    conformance::run(&store).await;
}

async fn open() -> MemoryStore {
    MemoryStore::new()
}

scenarios!(open);

fn record(identified: bool) -> Record {
    let mut record = Record::new(NOW, NOW + HOUR);
    record.identified = identified;
    record
}

fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number; 32])
}

/// Renewals change nothing in the number of sessions.
#[tokio::test]
async fn a_new_id_at_the_limit_pushes_nobody_out() {
    let store = MemoryStore::builder().anonymous_limit(2).build();
    for number in [1, 2] {
        store
            .create(&key(number), &record(false), NOW)
            .await
            .unwrap();
    }
    let rotation = Rotation::new(record(false), Some(1));
    let rotated = store.rotate(&key(1), &key(3), &rotation, NOW).await;
    assert_eq!(rotated.unwrap(), Rotated::Applied);
    assert_eq!(store.len(), 2);
    for number in [2, 3] {
        assert!(store.load(&key(number), NOW).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn ids_in_their_grace_take_no_place_of_a_signed_in_session() {
    let store = MemoryStore::builder()
        .anonymous_limit(10)
        .identified_limit(10)
        .build();
    for number in 0..10 {
        let (old, new) = (key(number), key(100 + number));
        store.create(&old, &record(false), NOW).await.unwrap();
        let mut rotation = Rotation::new(record(false), Some(1));
        rotation.forward = Some(Forward::new(Bytes::from_static(b"new"), NOW + HOUR));
        store.rotate(&old, &new, &rotation, NOW).await.unwrap();
    }
    for number in 200..210 {
        let created = store.create(&key(number), &record(true), NOW).await;
        assert_eq!(created.unwrap(), Created::Applied);
    }
    let eleventh = store.create(&key(210), &record(true), NOW).await;
    assert!(matches!(eleventh, Err(StoreError::Full)));
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
