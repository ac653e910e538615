//! The number of statements per operation, and their query plans.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use starsessions::PostgresStore;
use starsessions::store::{Inserted, Replaced, Rotated, Rotation, Row, Store, Touched};
use starsessions_tests::servers::postgres;

use super::migrated;
use crate::sql::{after, at, filed_row, index_key, key, touch, way_after};

/// Counts the statements in the log of a server that logs each one.
#[tokio::test(flavor = "multi_thread")]
async fn each_operation_is_one_statement() {
    let server = postgres::postgres(&["fsync=off", "log_statement=all", "log_min_messages=log"]);
    let url = postgres::url(&server, "postgres");
    let options = PgPoolOptions::new().test_before_acquire(false);
    let store = migrated(options.connect(&url).await.unwrap()).await;
    let seen = || {
        server.log().matches("LOG:  execute").count()
            + server.log().matches("LOG:  statement").count()
    };

    let mut before = seen();
    let mut count = |operation: &str, expected: usize| {
        let now = seen();
        let statements = now - before;
        before = now;
        println!("{operation}: {statements}");
        assert_eq!(statements, expected, "{operation}\n{}", server.log());
    };

    let first = filed_row(b"1", 7);
    let inserted = store.insert(&key(1), &first, at(0)).await.unwrap();
    assert_eq!(inserted, Inserted::Inserted);
    count("insert", 1);
    let inserted = store.insert(&key(1), &first, at(0)).await.unwrap();
    assert_eq!(inserted, Inserted::Exists);
    count("insert over a row", 1);
    store.load(&key(1), at(1)).await.unwrap();
    count("load", 1);
    let second = after(&first, b"2");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    count("replace", 1);
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Stale(second.clone()));
    count("replace of another row", 2);
    let touched = store.touch(&key(1), &second, touch(2, 200), at(2)).await;
    assert_eq!(touched.unwrap(), Touched::Touched);
    count("touch", 1);
    let rotated = rotate(&store, &second).await;
    assert_eq!(rotated, Rotated::Rotated);
    count("rotate", 1);
    assert!(matches!(rotate(&store, &second).await, Rotated::Stale(_)));
    count("rotate another row", 2);
    assert_eq!(store.listed(&index_key(7), at(2)).await.unwrap().len(), 1);
    count("listed", 1);
    assert!(store.remove(&key(2)).await.unwrap().is_some());
    count("remove", 1);
    store.sweep(10, at(2)).await.unwrap();
    count("sweep", 1);
}

/// Rotates from the key 1 to the key 2.
async fn rotate(store: &PostgresStore, seen: &Row) -> Rotated {
    let (old, new, left, moved) = (key(1), key(2), way_after(seen), filed_row(b"3", 7));
    let rotation = Rotation::new(&old, seen, &left, &new, &moved);
    store.rotate(rotation, at(2)).await.unwrap()
}

/// Checks the plan of each statement, also generic plans: no operation reads more than a few of thousands of rows.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_an_index() {
    let server = postgres::postgres(&[
        "fsync=off",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
    ]);
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let options: PgConnectOptions = postgres::url(&server, "postgres").parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options.options([("plan_cache_mode", mode)]));
        let pool = pool.await.unwrap();
        let store = PostgresStore::builder(pool.clone()).table(mode);
        let store = store.build().unwrap();
        store.migrate().await.unwrap();
        fill(&pool, mode, 20_000).await;

        let before = server.log().len();
        let first = filed_row(b"1", 7);
        store.insert(&key(1), &first, at(0)).await.unwrap();
        store.load(&key(1), at(1)).await.unwrap();
        let second = after(&first, b"2");
        store
            .replace(&key(1), &first, &second, at(1))
            .await
            .unwrap();
        let touched = store.touch(&key(1), &second, touch(1, 200), at(1)).await;
        assert_eq!(touched.unwrap(), Touched::Touched);
        assert_eq!(rotate(&store, &second).await, Rotated::Rotated);
        assert_eq!(store.listed(&index_key(7), at(1)).await.unwrap().len(), 1);
        store.remove(&key(2)).await.unwrap();
        assert_eq!(store.sweep(10, at(1)).await.unwrap(), 10);

        let log = server.log();
        let plans = &log[before..];
        assert_eq!(plans.matches("plan:").count(), 8, "{plans}");
        assert!(!plans.contains("Seq Scan"), "{plans}");
        for (line, rows) in plans
            .lines()
            .filter_map(|line| Some((line, rows_of(line)?)))
        {
            assert!(rows <= 20, "{line}\n{plans}");
        }
    }
}

/// The number of rows that a step of a plan has returned or filtered out.
fn rows_of(line: &str) -> Option<u64> {
    let found = || line.split_once("(actual ")?.1.split_once("rows=");
    let count = match line.split_once("Rows Removed by ") {
        Some((_, removed)) => removed.split_once(": ")?.1,
        None => found()?.1.split([' ', '.']).next()?,
    };
    Some(count.parse().unwrap())
}

/// Inserts sessions, three for each user. Every other session has expired.
async fn fill(pool: &PgPool, table: &str, rows: i64) {
    let fill = format!(
        "INSERT INTO {table}
            SELECT sha256(i::text::bytea), 1, (i % 2) * 5000000000 + i, 0, '\\x01',
                ARRAY[sha256((i / 3)::text::bytea)], ''
            FROM generate_series(1, {rows}) AS i;
        ANALYZE {table}"
    );
    let fill = sqlx::raw_sql(sqlx::AssertSqlSafe(fill));
    fill.execute(pool).await.unwrap();
}

/// Tests both names in one statement, to detect one that is not escaped.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_can_have_another_name_and_schema() {
    let database = super::Database::new().await;
    let pool = database.pool(2).await;
    sqlx::query("CREATE SCHEMA web")
        .execute(&pool)
        .await
        .unwrap();
    let store = PostgresStore::builder(pool.clone())
        .schema("web")
        .table("visits");
    let store = store.build().unwrap();
    store.migrate().await.unwrap();
    starsessions::testing::conformance::run(&store).await;
    assert_eq!(
        super::number(&pool, "SELECT count(*) FROM starsessions").await,
        0
    );
    assert!(super::number(&pool, "SELECT count(*) FROM web.visits").await > 0);
    assert!(
        PostgresStore::builder(pool)
            .table("Visits")
            .build()
            .is_err()
    );
}

/// PostgreSQL writes such an update within the page and changes no index (a heap-only tuple), unless the page is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_replace_that_keeps_the_deadline_changes_no_index() {
    let database = super::Database::new().await;
    let store = &database.store;
    let mut seen = filed_row(&[1; 400], 7);
    store.insert(&key(1), &seen, at(0)).await.unwrap();
    for turn in 0..REPLACES {
        let next = after(&seen, &[turn; 400]);
        let replaced = store.replace(&key(1), &seen, &next, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
        seen = next;
    }
    let pool = database.pool(1).await;
    let count = async |what: &str| {
        let counter =
            format!("SELECT {what} FROM pg_stat_user_tables WHERE relname = 'starsessions'");
        let counter = sqlx::query_scalar(sqlx::AssertSqlSafe(counter));
        counter.fetch_one(&pool).await.unwrap()
    };
    // The server updates its statistics with a delay.
    while count("n_tup_upd").await < i64::from(REPLACES) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let others: i64 = count("n_tup_upd - n_tup_hot_upd").await;
    assert!(others < i64::from(REPLACES) / 10, "{others}");
}

const REPLACES: u8 = 100;
