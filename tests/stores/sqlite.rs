//! The SQLite store.

mod crash;
mod full;
mod opening;
mod sharing;
mod statements;
mod sweeping;

use std::sync::Arc;

use starsessions::store::{IndexKey, Inserted, Listing, Replaced, Row, RowKey, Store};
use starsessions::testing::conformance;
use starsessions::{SqliteStore, Timestamp};
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::Stage;
use starsessions_tests::servers::Folder;

use crate::agreement;

/// A store with its file in a separate folder.
struct File {
    store: SqliteStore,
    folder: Folder,
}

impl Stage for File {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    async fn disk(&self) -> Option<Vec<u8>> {
        Some(scenarios::bytes_in(self.folder.path()))
    }
}

async fn open() -> File {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.join("sessions.db")).unwrap();
    File { store, folder }
}

#[tokio::test]
async fn keeps_the_contract() {
    conformance::run(&open().await.store).await;
}

#[tokio::test]
async fn answers_as_the_memory_store_does() {
    agreement::run(&open().await.store).await;
    agreement::tells_what_has_expired(&open().await.store).await;
}

/// SQLite integers end at 2^63 - 1. Revisions have no order, so all 64-bit values are stored.
#[tokio::test]
async fn numbers_beyond_those_of_sqlite_are_kept_and_times_are_its_latest() {
    let File { store, folder } = open().await;
    let latest = Timestamp::from_unix_seconds(u64::MAX);
    let mut first = Row::new(*b"1", latest, latest);
    first.revision = u64::MAX;
    let inserted = store.insert(&key(1), &first, at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    let mut second = first.clone();
    second.revision = 1 << 63;
    let replaced = store.replace(&key(1), &first, &second, at(0)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    let found = store.load(&key(1), at(0)).await.unwrap().unwrap();
    assert_eq!(found.revision, 1 << 63);
    let counted = Timestamp::from_unix_seconds(i64::MAX as u64);
    assert_eq!((found.deadline, found.last_seen), (counted, counted));
    drop(folder);
}

scenarios!(open);

fn key(number: u32) -> RowKey {
    let mut bytes = [7; RowKey::LEN];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RowKey::from_bytes(bytes)
}

/// A listed session whose value is its number.
fn row(number: u32) -> Row {
    let mut row = Row::new(number.to_be_bytes(), at(0), at(100));
    row.listing = Some(Arc::new(Listing::new(vec![index()], *b"card")));
    row
}

/// The row that replaces a row.
fn next(row: &Row, value: impl Into<Arc<[u8]>>) -> Row {
    let mut next = row.clone();
    next.revision += 1;
    next.value = value.into();
    next
}

fn index() -> IndexKey {
    IndexKey::from_bytes([9; IndexKey::LEN])
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
