//! The MySQL store, on a MariaDB and on a MySQL.

mod cancellation;
mod connections;
mod failures;
mod schema;
mod statements;
mod sweeping;

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Executor};
use starsessions::MySqlStore;
use starsessions::store::{Protection, Store};
use starsessions::testing::conformance;
use starsessions_tests::scenarios;
use starsessions_tests::scenarios::Stage;
use starsessions_tests::servers::{Server, mariadb};

use crate::agreement;
use crate::sql::{at, key, row};

static MARIADB: LazyLock<Server> = LazyLock::new(|| mariadb::mariadb(&[SMALL, &[QUICK]].concat()));
static MYSQL: LazyLock<Server> = LazyLock::new(|| mariadb::mysql(&[QUICK, "--skip-log-bin"]));

/// A faster setting, because these tests do not simulate a power failure.
const QUICK: &str = "--innodb-flush-log-at-trx-commit=2";
/// A small log file, because the tests search the dump for many secrets.
const SMALL: &[&str] = &["--innodb-log-file-size=4M"];

#[tokio::test]
async fn mariadb_keeps_the_contract() {
    keeps_the_contract(&MARIADB).await;
    for mode in ["SIMULTANEOUS_ASSIGNMENT", "ORACLE"] {
        keeps_the_contract_under(&MARIADB, format!("sql_mode = '{mode}'")).await;
    }
}

#[tokio::test]
async fn mysql_keeps_the_contract() {
    keeps_the_contract(&MYSQL).await;
}

async fn keeps_the_contract(server: &Server) {
    for isolation in ["READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"] {
        let setting = if server.address() == MARIADB.address() {
            "tx_isolation"
        } else {
            "transaction_isolation"
        };
        keeps_the_contract_under(server, format!("{setting} = '{isolation}'")).await;
    }
    for mode in [
        "",
        "ANSI",
        "TRADITIONAL,NO_BACKSLASH_ESCAPES",
        "PAD_CHAR_TO_FULL_LENGTH",
    ] {
        keeps_the_contract_under(server, format!("sql_mode = '{mode}'")).await;
    }
    keeps_the_contract_under(server, "NAMES utf8mb4 COLLATE utf8mb4_bin".to_owned()).await;
}

#[expect(
    clippy::print_stdout,
    reason = "a clause does not know the setting that it was violated under"
)]
async fn keeps_the_contract_under(server: &Server, setting: String) {
    println!("under {setting}");
    let set = format!("SET {setting}");
    let options = MySqlPoolOptions::new().after_connect(move |connection, _| {
        let set = AssertSqlSafe(set.clone());
        Box::pin(async move { connection.execute(set).await.map(drop) })
    });
    let store = MySqlStore::new(pool(server, &database(server).await, options).await);
    store.migrate().await.unwrap();
    conformance::run(&store).await;
    agreement::run(&store).await;
    agreement::tells_what_has_expired(&store).await;
}

/// A store in a separate database on a shared server.
struct Shared {
    store: MySqlStore,
    database: String,
}

impl Stage for Shared {
    type Store = MySqlStore;

    fn store(&self) -> MySqlStore {
        self.store.clone()
    }

    /// The table files, the redo log and the undo log.
    async fn disk(&self) -> Option<Vec<u8>> {
        let data = MARIADB.folder().join("data");
        let mut bytes = scenarios::bytes_in(&data.join(&self.database));
        for file in ["ib_logfile0", "ibdata1"] {
            bytes.extend(fs::read(data.join(file)).unwrap());
        }
        // Skips empty pages, which are most of the data.
        let parts = bytes
            .chunks(64)
            .filter(|chunk| chunk.iter().any(|byte| *byte != 0));
        Some(parts.flatten().copied().collect())
    }
}

async fn open() -> Shared {
    let database = database(&MARIADB).await;
    let store = MySqlStore::new(pool(&MARIADB, &database, MySqlPoolOptions::new()).await);
    store.migrate().await.unwrap();
    Shared { store, database }
}

scenarios!(open);

/// A pool to a new database, and a store in it.
async fn opened(server: &Server) -> (MySqlPool, MySqlStore) {
    let pool = pool(server, &database(server).await, MySqlPoolOptions::new()).await;
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    (pool, store)
}

async fn database(server: &Server) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let pool = pool(server, "mysql", MySqlPoolOptions::new()).await;
    execute(&pool, &format!("CREATE DATABASE {name}")).await;
    pool.close().await;
    name
}

async fn pool(server: &Server, database: &str, options: MySqlPoolOptions) -> MySqlPool {
    let url = mariadb::url(server, database);
    options.connect(&url).await.unwrap()
}

/// A plain value must be found in the data that the tests search for secrets.
#[tokio::test]
async fn the_disk_is_all_there_is() {
    let stage = open().await;
    let pool = pool(&MARIADB, &stage.database, MySqlPoolOptions::new()).await;
    let plain = MySqlStore::builder(pool).plain_values().build().unwrap();
    assert_eq!(plain.protection(), Protection::Plain);
    let value = b"in plain sight, for once";
    plain.insert(&key(1), &row(value), at(0)).await.unwrap();
    let disk = stage.disk().await.unwrap();
    let mut spellings = scenarios::spellings(value).into_iter();
    assert!(spellings.any(|it| scenarios::contains(&disk, &it)));
}

async fn number(pool: &MySqlPool, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// The ids of the connections to a database. MySQL fails to list them while the statement of any connection contains
/// binary data.
async fn connections_to(database: &str, operator: &MySqlPool) -> Vec<u64> {
    let find = format!(
        "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE db = '{database}'"
    );
    let mut attempts = 0;
    loop {
        let found = sqlx::query_scalar(AssertSqlSafe(find.clone()));
        match found.fetch_all(operator).await {
            Ok(found) => return found,
            Err(error) => assert!(attempts < 1_000, "{error}"),
        }
        attempts += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn execute(pool: &MySqlPool, sql: &str) {
    pool.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}
