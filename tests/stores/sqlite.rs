//! The SQLite store.

use starsessions::SqliteStore;
use starsessions::testing::conformance;

#[tokio::test]
async fn keeps_the_contract() {
    let path = std::env::temp_dir().join("sqlite-conf.db");
    let _ = std::fs::remove_file(&path);
    let store = SqliteStore::open(&path).unwrap();
    conformance::run(&store).await;
}
