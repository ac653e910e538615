//! The number of statements per operation, and of rows that each reads.

#![expect(clippy::print_stdout, reason = "the numbers are in the documentation")]

use sqlx::Row as _;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use starsessions::MySqlStore;
use starsessions::store::{Inserted, Replaced, Rotated, Rotation, Row, Store, Touched};
use starsessions_tests::servers::Server;

use super::{MARIADB, MYSQL, database, execute, pool};
use crate::sql::{after, at, filed_row, index_key, key, row, touch, way_after};

#[tokio::test]
async fn statements_are_counted_on_mariadb() {
    counts(&MARIADB).await;
}

#[tokio::test]
async fn statements_are_counted_on_mysql() {
    counts(&MYSQL).await;
}

async fn counts(server: &Server) {
    let meter = Meter::new(server).await;
    let store = &meter.store;
    let guest = row(b"1");
    let signed_in = filed_row(b"1", 7);
    let insert = async |what: &str, statements, number, row: &Row| {
        let key = key(number);
        let insert = store.insert(&key, row, at(0));
        meter.run(what, statements, insert).await
    };
    let inserted = insert("insert", 1, 1, &guest).await;
    assert_eq!(inserted, Inserted::Inserted);
    // The second statement checks whether the existing row has expired.
    let inserted = insert("insert over a row", 2, 1, &guest).await;
    assert_eq!(inserted, Inserted::Exists);
    let inserted = insert("insert, listed", 2 + TRANSACTION, 2, &signed_in).await;
    assert_eq!(inserted, Inserted::Inserted);

    let replace = async |what: &str, statements, number, seen: &Row, row: &Row| {
        let key = key(number);
        let replace = store.replace(&key, seen, row, at(1));
        meter.run(what, statements, replace).await
    };
    let second = after(&guest, b"2");
    let replaced = replace("replace", 1, 1, &guest, &second).await;
    assert_eq!(replaced, Replaced::Replaced);
    let replaced = replace("replace of another row", 2, 1, &guest, &second).await;
    assert_eq!(replaced, Replaced::Stale(second.clone()));
    let replaced = replace("replace of nothing", 2, 9, &guest, &second).await;
    assert_eq!(replaced, Replaced::Gone);
    let same = after(&signed_in, b"2");
    let replaced = replace("replace, with the same listing", 1, 2, &signed_in, &same).await;
    assert_eq!(replaced, Replaced::Replaced);
    let mut other = after(&same, b"3");
    other.listing = filed_row(b"", 8).listing;
    let replaced = replace(
        "replace, listed elsewhere",
        3 + TRANSACTION,
        2,
        &same,
        &other,
    )
    .await;
    assert_eq!(replaced, Replaced::Replaced);

    meter.run("load", 1, store.load(&key(1), at(1))).await;
    let (first, user) = (key(1), index_key(8));
    let later = touch(2, 200);
    let touched = store.touch(&first, &second, later, at(1));
    assert_eq!(meter.run("touch", 1, touched).await, Touched::Touched);
    let mut second = second;
    second.touch(later);
    let listed = store.listed(&user, at(1));
    assert_eq!(meter.run("listed", 1, listed).await.len(), 1);

    let rotate = async |what: &str, statements, number, seen: &Row, row: &Row| {
        let left = way_after(seen);
        let (old, new) = (key(number), key(number + 2));
        let rotation = Rotation::new(&old, seen, &left, &new, row);
        meter
            .run(what, statements, store.rotate(rotation, at(1)))
            .await
    };
    let rotated = rotate("rotate", 2 + TRANSACTION, 1, &second, &guest).await;
    assert_eq!(rotated, Rotated::Rotated);
    let rotated = rotate("rotate, listed", 4 + TRANSACTION, 2, &other, &signed_in).await;
    assert_eq!(rotated, Rotated::Rotated);
    let rotated = rotate("rotate another row", 2 + TRANSACTION, 2, &other, &signed_in).await;
    assert!(matches!(rotated, Rotated::Stale(_)));

    let removed = meter.run("remove", 2, store.remove(&key(3))).await;
    assert!(removed.is_some());
    let removed = meter.run("remove nothing", 1, store.remove(&key(9))).await;
    assert_eq!(removed, None);
    // The rows that the rotations have left under the old keys.
    assert_eq!(meter.run("sweep", 1, store.sweep(10, at(50))).await, 2);
}

#[tokio::test]
async fn rows_are_found_by_an_index_on_mariadb() {
    reads(&MARIADB).await;
}

#[tokio::test]
async fn rows_are_found_by_an_index_on_mysql() {
    reads(&MYSQL).await;
}

/// Each operation reads a few of thousands of rows.
async fn reads(server: &Server) {
    let meter = Meter::new(server).await;
    meter.fill().await;
    let everything = sqlx::query("SELECT SUM(last_seen) FROM starsessions").fetch_all(&meter.pool);
    assert!(meter.rows_read(everything).await >= 4096, "it counts");
    let store = &meter.store;
    let first = filed_row(b"1", 1);
    meter
        .reads("insert", store.insert(&key(1), &first, at(0)))
        .await;
    meter.reads("load", store.load(&key(1), at(1))).await;
    let second = after(&first, b"2");
    meter
        .reads("replace", store.replace(&key(1), &first, &second, at(1)))
        .await;
    let later = touch(1, 9_000);
    meter
        .reads("touch", store.touch(&key(1), &second, later, at(1)))
        .await;
    meter
        .reads("listed", store.listed(&index_key(1), at(1)))
        .await;
    meter
        .reads(
            "rotate",
            store.rotate(
                Rotation::new(&key(1), &second, &way_after(&second), &key(2), &first),
                at(1),
            ),
        )
        .await;
    meter.reads("remove", store.remove(&key(2))).await;
    meter.reads("sweep", store.sweep(5, at(3_000))).await;
}

/// A store on a single connection, with counters.
struct Meter {
    pool: MySqlPool,
    store: MySqlStore,
}

impl Meter {
    async fn new(server: &Server) -> Self {
        let single = MySqlPoolOptions::new().max_connections(1);
        let pool = pool(server, &database(server).await, single).await;
        let store = MySqlStore::new(pool.clone());
        store.migrate().await.unwrap();
        Self { pool, store }
    }

    /// Inserts 4096 sessions, each with an index entry. One session expires per second.
    async fn fill(&self) {
        self.store.insert(&key(0), &row(b"1"), at(0)).await.unwrap();
        for power in 0..12 {
            let step = 1 << power;
            let double = format!(
                "INSERT INTO starsessions
                 SELECT UNHEX(SHA2(CONCAT({step}, HEX(session_key)), 256)), revision, deadline + {step},
                        last_seen, value, index_keys, card
                 FROM starsessions"
            );
            execute(&self.pool, &double).await;
        }
        let entries = "INSERT INTO starsessions_index (index_key, session_key)
            SELECT UNHEX(SHA2(session_key, 256)), session_key FROM starsessions";
        execute(&self.pool, entries).await;
        execute(&self.pool, "ANALYZE TABLE starsessions, starsessions_index").await;
    }

    async fn run<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        statements: u64,
        operation: impl Future<Output = Result<T, E>>,
    ) -> T {
        let before = self.status("Questions").await;
        let answer = operation.await.unwrap();
        // The status query counts as well.
        let asked = self.status("Questions").await - before - 1;
        println!("{what}: {asked}");
        assert_eq!(asked, statements, "{what}");
        answer
    }

    async fn reads<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        operation: impl Future<Output = Result<T, E>>,
    ) {
        let read = self.rows_read(operation).await;
        println!("{what}: {read} rows");
        assert!(read <= MAX_READ, "{what} reads {read} rows");
    }

    async fn rows_read<T, E: std::fmt::Debug>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> u64 {
        let idle = self.status("Handler_read%").await;
        let before = self.status("Handler_read%").await;
        operation.await.unwrap();
        let after = self.status("Handler_read%").await;
        // Subtracts the rows that the status query itself reads.
        (after - before).saturating_sub(before - idle)
    }

    async fn status(&self, name: &str) -> u64 {
        let query = sqlx::AssertSqlSafe(format!("SHOW SESSION STATUS LIKE '{name}'"));
        let rows = sqlx::query(query).fetch_all(&self.pool).await.unwrap();
        let value = |row: &sqlx::mysql::MySqlRow| row.get::<String, _>(1).parse::<u64>().unwrap();
        rows.iter().map(value).sum()
    }
}

/// The statements that begin a transaction, and commit it or roll it back.
const TRANSACTION: u64 = 2;
/// A sweep of five rows reads each row a few times.
const MAX_READ: u64 = 40;
