//! The SQLite store.

use starsessions::SqliteStore;
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
}

scenarios!(open);
