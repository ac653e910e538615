//! The PostgreSQL store, on a real server.

mod bouncer;
mod cancellation;
mod connections;
mod failures;
mod schema;
mod statements;
mod sweeping;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection};
use starsessions::PostgresStore;
use starsessions::testing::conformance;
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::{Served, Stage};
use starsessions_tests::servers::{Server, postgres};

use crate::agreement;

/// The server that is shared by all tests that do not stop it.
static POSTGRES: LazyLock<Server> = LazyLock::new(|| postgres::postgres(&["fsync=off"]));

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    conformance::run(&Database::new().await.store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_as_the_memory_store_does() {
    agreement::run(&Database::new().await.store).await;
    agreement::tells_what_has_expired(&Database::new().await.store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_at_every_isolation_level() {
    for level in ["repeatable read", "serializable"] {
        let database = Database::new().await;
        let options = database.options.clone();
        let options = options.options([("default_transaction_isolation", level)]);
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        let found: String = sqlx::query_scalar("SHOW transaction_isolation")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(found, level);
        conformance::run(&migrated(pool).await).await;
    }
}

scenarios!(Database::new);
scenarios!(outages of own_server);

/// A database for one test.
struct Database {
    options: PgConnectOptions,
    store: PostgresStore,
}

impl Database {
    async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let url = postgres::url(&POSTGRES, "postgres");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        let options: PgConnectOptions = url.parse().unwrap();
        let options = options.database(&name);
        let pool = PgPoolOptions::new().max_connections(8);
        let store = migrated(pool.connect_with(options.clone()).await.unwrap()).await;
        Self { options, store }
    }

    /// A pool beside that of the store.
    async fn pool(&self, connections: u32) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_with(self.options.clone()).await.unwrap()
    }
}

impl Stage for Database {
    type Store = PostgresStore;

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    /// The files of the table, its indexes, and its large values (TOAST).
    async fn disk(&self) -> Option<Vec<u8>> {
        let pool = self.pool(1).await;
        sqlx::query("CHECKPOINT").execute(&pool).await.unwrap();
        let find = "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't')
            AND relnamespace <> 'pg_catalog'::regnamespace AND oid >= 16384";
        let paths: Vec<String> = sqlx::query_scalar(find).fetch_all(&pool).await.unwrap();
        assert!(paths.len() >= 4, "{paths:?}");
        let data = POSTGRES.folder().join("data");
        let files = paths
            .iter()
            .map(|path| std::fs::read(data.join(path)).unwrap());
        Some(files.flatten().collect())
    }
}

/// A store on a server that its test can stop.
struct Own {
    server: Server,
    store: PostgresStore,
}

async fn own_server() -> Own {
    let server = postgres::postgres(&[]);
    let pool = PgPoolOptions::new().max_connections(8);
    let pool = pool.acquire_timeout(Duration::from_secs(2));
    let store = pool.connect(&postgres::url(&server, "postgres")).await;
    let store = migrated(store.unwrap()).await;
    Own { server, store }
}

impl Stage for Own {
    type Store = PostgresStore;

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    async fn disk(&self) -> Option<Vec<u8>> {
        None
    }
}

impl Served for Own {
    fn server(&self) -> &Server {
        &self.server
    }
}

async fn migrated(pool: PgPool) -> PostgresStore {
    let store = PostgresStore::new(pool);
    store.migrate().await.unwrap();
    store
}

/// The number that a query returns.
async fn number(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}
