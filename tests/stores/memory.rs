//! The memory store.

use starsessions::MemoryStore;
use starsessions::testing::conformance;
use starsessions_tests::scenarios;

#[tokio::test]
async fn keeps_the_contract() {
    conformance::run(&MemoryStore::new()).await;
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
