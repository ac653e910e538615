//! Three masters.

use std::time::Duration;

use ::redis::cluster::ClusterClient;
use starsessions::store::{RowKey, Store};
use starsessions::testing::conformance;
use starsessions::{RedisStore, StoreError, Timestamp};
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::Stage;
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

use crate::agreement;

struct Cluster {
    masters: [Server; 3],
    store: RedisStore,
}

async fn cluster(version: Version) -> Cluster {
    let masters = servers::cluster(version);
    let addresses: Vec<_> = masters.iter().map(servers::url).collect();
    let client = ClusterClient::new(addresses).unwrap();
    let store = RedisStore::connect(client).await.unwrap();
    Cluster { masters, store }
}

impl Stage for Cluster {
    type Store = RedisStore;

    fn store(&self) -> RedisStore {
        self.store.clone()
    }

    async fn disk(&self) -> Vec<u8> {
        let folders = self.masters.iter().map(Server::folder);
        folders.flat_map(scenarios::bytes_in).collect()
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

scenarios!(current);

/// One that is there and does not answer keeps nobody waiting for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_master_is_unavailable_and_comes_back() {
    let Cluster { masters, store } = current().await;
    let key = RowKey::from_bytes([1; 32]);
    assert_eq!(store.load(&key, Timestamp::default()).await.unwrap(), None);
    masters.iter().for_each(Server::freeze);
    let load = store.load(&key, Timestamp::default());
    let loaded = tokio::time::timeout(Duration::from_secs(60), load).await;
    assert!(
        matches!(loaded, Ok(Err(StoreError::Unavailable(_)))),
        "{loaded:?}"
    );
    masters.iter().for_each(Server::thaw);
    for _ in 0..200 {
        if store.load(&key, Timestamp::default()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the store does not come back");
}
