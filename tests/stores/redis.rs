//! The Redis store, on real servers of several versions and kinds.

mod closing;
mod cluster;
mod corrupt;
mod counted;
mod deadlines;
mod indexed;
mod lost_reply;
mod memory;
mod samples;
mod sentinel;
mod silence;
mod tls;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use starsessions::store::{RedisStore, Store};
use starsessions::testing::conformance;
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::{Served, Stage};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version};

use self::samples::{at, key, row};
use crate::agreement;

/// The server that is shared by all tests that do not stop it.
static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_on_every_version() {
    for version in Version::ALL {
        let server = servers::redis(version, &[]);
        conformance::run(&connected(&server).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_as_the_memory_store_does_on_every_version() {
    for version in Version::ALL {
        let server = servers::redis(version, &[]);
        let store = connected(&server).await;
        agreement::run(&store).await;
        agreement::tells_what_has_expired(&store).await;
    }
}

/// `app:` begins the keys of the prefix `app:session:`, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_longer_prefix_are_not_counted() {
    let short = new_prefix();
    let long = short.clone() + "session:";
    let [short, long] = [short, long].map(|prefix| {
        let builder = RedisStore::builder(client(&REDIS)).prefix(prefix);
        builder.connect()
    });
    let (short, long) = (short.await.unwrap(), long.await.unwrap());
    long.insert(&key(1), &row(b"value"), at(0)).await.unwrap();
    assert_eq!(long.count(at(1)).await.unwrap().live, 1);
    assert_eq!(short.count(at(1)).await.unwrap().live, 0);
}

scenarios!(own_prefix);
scenarios!(outages of own_server);

async fn connected(server: &Server) -> RedisStore {
    RedisStore::connect(client(server)).await.unwrap()
}

fn client(server: &Server) -> ::redis::Client {
    ::redis::Client::open(servers::url(server)).unwrap()
}

/// A store with a key prefix for one test.
struct OwnPrefix(RedisStore);

async fn own_prefix() -> OwnPrefix {
    let builder = RedisStore::builder(client(&REDIS)).prefix(new_prefix());
    OwnPrefix(builder.connect().await.unwrap())
}

fn new_prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Stage for OwnPrefix {
    type Store = RedisStore;

    fn store(&self) -> RedisStore {
        self.0.clone()
    }

    /// The server's append-only file, which has every command that changed data.
    async fn disk(&self) -> Option<Vec<u8>> {
        Some(scenarios::bytes_in(REDIS.folder()))
    }
}

/// A server that its test can stop.
struct OwnServer {
    server: Server,
    store: RedisStore,
}

async fn own_server() -> OwnServer {
    let server = servers::redis(Version::System, &[]);
    let store = connected(&server).await;
    OwnServer { server, store }
}

impl Stage for OwnServer {
    type Store = RedisStore;

    fn store(&self) -> RedisStore {
        self.store.clone()
    }

    async fn disk(&self) -> Option<Vec<u8>> {
        Some(scenarios::bytes_in(self.server.folder()))
    }
}

impl Served for OwnServer {
    fn server(&self) -> &Server {
        &self.server
    }
}
