//! The MySQL store, on a real MariaDB.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use starsessions::MySqlStore;
use starsessions::testing::conformance;
use starsessions_tests::servers::Server;
use starsessions_tests::servers::mariadb;

static MARIADB: LazyLock<Server> = LazyLock::new(|| mariadb::mariadb(&[]));

#[tokio::test]
async fn keeps_the_contract() {
    let store = MySqlStore::new(database(&MARIADB).await);
    store.migrate().await.unwrap();
    conformance::run(&store).await;
}

/// A pool to a database of a test's own.
async fn database(server: &Server) -> MySqlPool {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let pool = pool(&mariadb::url(server, "mysql")).await;
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&pool).await.unwrap();
    pool.close().await;
    self::pool(&mariadb::url(server, &name)).await
}

async fn pool(url: &str) -> MySqlPool {
    let options = MySqlPoolOptions::new().max_connections(8);
    options.connect(url).await.unwrap()
}
