//! The memory store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use starsessions::store::{
    IndexKey, Inserted, Listing, Replaced, Rotated, Rotation, Row, RowKey, Store, StoreError,
};
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
    agreement::run(&store).await;
}

async fn open() -> MemoryStore {
    MemoryStore::new()
}

scenarios!(open);

/// A new ID does not change the number of sessions.
#[tokio::test]
async fn a_new_id_at_the_limit_pushes_no_session_out() {
    let store = MemoryStore::builder().anonymous_limit(2).build();
    for number in [1, 2] {
        insert(&store, key(number), &guest()).await;
    }
    rotate(&store, key(1), key(3), &guest()).await;
    for number in [2, 3] {
        let found = store.load(&key(number), NOW).await.unwrap();
        assert_eq!(found, Some(guest()));
    }
}

#[tokio::test]
async fn ids_in_their_grace_take_no_place_of_a_signed_in_session() {
    let store = MemoryStore::builder()
        .anonymous_limit(10)
        .identified_limit(10)
        .build();
    for number in 0..10 {
        insert(&store, key(number), &user()).await;
        rotate(&store, key(number), key(100 + number), &user()).await;
    }
    let eleventh = store.insert(&key(200), &user(), NOW).await;
    assert!(matches!(eleventh, Err(StoreError::Full)));
    store.remove(&key(100)).await.unwrap();
    insert(&store, key(200), &user()).await;
}

/// A session that moves between shards appears exactly once in each list.
#[test]
fn a_session_is_listed_once_while_it_rotates() {
    let store = MemoryStore::new();
    let is_over = AtomicBool::new(false);
    block_on(insert(&store, key(0), &user()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u8;
            while !is_over.load(Ordering::Relaxed) {
                let next = number.wrapping_add(1);
                block_on(rotate(&store, key(number), key(next), &user()));
                number = next;
                std::thread::yield_now();
            }
        });
        let lists = (0..2_000).map(|_| block_on(store.listed(&USER, NOW)).unwrap().len());
        let lists = lists.collect::<Vec<_>>();
        // Ends the other thread before a failure, which would wait for it.
        is_over.store(true, Ordering::Relaxed);
        assert!(lists.iter().all(|len| *len == 1), "{lists:?}");
    });
}

/// Threads that write at the same time do not overwrite each other's changes.
#[test]
fn writers_in_parallel_lose_nothing() {
    let store = MemoryStore::new();
    block_on(insert(&store, key(0), &guest()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut seen = guest();
                for _ in 0..1_000 {
                    loop {
                        let mut row = seen.clone();
                        row.revision += 1;
                        match block_on(store.replace(&key(0), &seen, &row, NOW)).unwrap() {
                            Replaced::Replaced => break,
                            Replaced::Stale(theirs) => seen = theirs,
                            Replaced::Gone => panic!("the row is gone"),
                        }
                    }
                }
            });
        }
    });
    let found = block_on(store.load(&key(0), NOW)).unwrap();
    assert_eq!(found.map(|row| row.revision), Some(4_001));
}

/// A sweep that is repeated to its end frees all expired rows.
#[tokio::test]
async fn a_sweep_frees_all_that_has_expired() {
    let store = MemoryStore::new();
    for number in 0..200 {
        insert(&store, key(number), &user()).await;
    }
    for limit in [1, 7, 1_000] {
        while store.sweep(limit, NOW).await.unwrap() == limit {}
        assert_eq!(store.len(), 200);
    }
    while store.sweep(7, NOW + HOUR).await.unwrap() == 7 {}
    assert!(store.is_empty());
}

async fn insert(store: &MemoryStore, key: RowKey, row: &Row) {
    let inserted = store.insert(&key, row, NOW).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
}

async fn rotate(store: &MemoryStore, old: RowKey, new: RowKey, row: &Row) {
    let mut left = Row::new(*b"way", NOW, NOW + HOUR);
    left.revision = row.revision + 1;
    let rotation = Rotation::new(&old, row, &left, &new, row);
    let rotated = store.rotate(rotation, NOW).await;
    assert_eq!(rotated.unwrap(), Rotated::Rotated);
}

fn guest() -> Row {
    Row::new(*b"value", NOW, NOW + HOUR)
}

fn user() -> Row {
    let mut row = guest();
    row.listing = Some(Arc::new(Listing::new(vec![USER], *b"card")));
    row
}

fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number; RowKey::LEN])
}

/// Runs a future that is ready at once, as all futures of this store are.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the memory store waits"),
    }
}

const USER: IndexKey = IndexKey::from_bytes([9; IndexKey::LEN]);
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
