//! The SQLite store.

mod crash;
mod full;
mod opening;
mod sharing;
mod sweeping;

use bytes::Bytes;
use starsessions::SqliteStore;
use starsessions::Timestamp;
use starsessions::store::{Field, IndexKey, Record, RowKey};
use starsessions::testing::conformance;
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::Stage;
use starsessions_tests::servers::Folder;

use crate::agreement;

/// A file in a folder of its own.
struct File {
    store: SqliteStore,
    folder: Folder,
}

impl Stage for File {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    async fn disk(&self) -> Vec<u8> {
        scenarios::bytes_in(self.folder.path())
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

scenarios!(open);

fn key(number: u32) -> RowKey {
    let mut bytes = [7; RowKey::LEN];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RowKey::from_bytes(bytes)
}

/// A session that knows its number, and is in the index.
fn record(number: u32) -> Record {
    let mut record = Record::new(at(0), at(100));
    let mut own = Field::new(Bytes::copy_from_slice(&number.to_be_bytes()), 1);
    own.index = Some(index());
    record.fields.insert("a.own".into(), own);
    record
}

fn index() -> IndexKey {
    IndexKey::from_bytes([9; IndexKey::LEN])
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
