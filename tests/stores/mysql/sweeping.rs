//! Sweeping while requests run.

#![expect(
    clippy::print_stdout,
    reason = "how long it takes is worth knowing, and not asserted"
)]

use sqlx::mysql::MySqlPool;
use starsessions::MySqlStore;
use starsessions::store::{Row, RowKey, Store, Touched};
use starsessions_tests::servers::{Server, mariadb};
use tokio::time::Instant;

use super::{MYSQL, QUICK, execute, number, opened};
use crate::sql::{at, touch};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_sweep_at_once_and_free_what_has_expired() {
    a_sweep_of(50_000, &mariadb::mariadb(&[QUICK])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_sweep_at_once_on_mysql() {
    a_sweep_of(20_000, &MYSQL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "minutes: tests/nightly"]
async fn two_millions_are_swept() {
    // The buffer pool of a server with millions of sessions.
    let server = mariadb::mariadb(&["--innodb-buffer-pool-size=1G", QUICK]);
    a_sweep_of(2_000_000, &server).await;
}

/// Four tasks sweep expired rows while a request whose clock is behind extends some of them.
async fn a_sweep_of(expired: u64, server: &Server) {
    let (pool, store) = opened(server).await;
    let live = expired / 10;
    let started = Instant::now();
    fill(&pool, expired + live).await;
    let total = number(&pool, "SELECT COUNT(*) FROM starsessions")
        .await
        .cast_unsigned();
    let limit = format!(
        "UPDATE starsessions SET deadline = IF(last_seen % 11 = 0, {}, {} - last_seen % 100)",
        at(1_000).as_unix_seconds(),
        at(100).as_unix_seconds(),
    );
    execute(&pool, &limit).await;
    let live = number(
        &pool,
        "SELECT COUNT(*) FROM starsessions WHERE last_seen % 11 = 0",
    )
    .await;
    println!(
        "{total} sessions, {live} of them live: made in {:?}",
        started.elapsed()
    );

    let started = Instant::now();
    let replica = |_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut freed = 0;
            loop {
                match store.sweep(SWEEP, at(100)).await.unwrap() {
                    0 => return freed,
                    found => freed += found,
                }
            }
        })
    };
    let replicas: Vec<_> = (0..4).map(replica).collect();
    let racing = keys(&pool, "last_seen % 11 <> 0 AND last_seen % 100 <> 0").await;
    let touched = extend(&store, &racing).await;
    let mut freed = 0;
    for replica in replicas {
        freed += replica.await.unwrap();
    }
    let elapsed = started.elapsed();
    println!(
        "swept by four, which looked at {freed}, in {elapsed:?}; {touched} extended meanwhile"
    );
    let left = number(&pool, "SELECT COUNT(*) FROM starsessions").await;
    assert_eq!(
        usize::try_from(left).unwrap(),
        usize::try_from(live).unwrap() + touched
    );
    let entries = number(&pool, "SELECT COUNT(*) FROM starsessions_index").await;
    assert_eq!(entries, left, "the index is swept with the sessions");
}

/// Extends sessions that are being swept, and returns how many it extended. Exactly those whose touch was confirmed
/// must stay.
async fn extend(store: &MySqlStore, keys: &[RowKey]) -> usize {
    let mut extended = Vec::new();
    let seen = Row::new(*b"", at(0), at(0));
    for key in keys {
        let touched = store.touch(key, &seen, touch(0, 500), at(0)).await;
        if touched.unwrap() == Touched::Touched {
            extended.push(key);
        }
    }
    for key in keys {
        let found = store.load(key, at(101)).await.unwrap();
        let is_live = found.is_some_and(|row| row.is_live(at(101)));
        assert_eq!(is_live, extended.contains(&key));
    }
    extended.len()
}

async fn keys(pool: &MySqlPool, which: &str) -> Vec<RowKey> {
    let query = format!("SELECT session_key FROM starsessions WHERE {which} LIMIT 500");
    let keys = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
    let keys: Vec<Vec<u8>> = keys.fetch_all(pool).await.unwrap();
    let key = |bytes: Vec<u8>| RowKey::from_bytes(bytes.try_into().unwrap());
    keys.into_iter().map(key).collect()
}

/// Inserts `rows` rows, each with a number in `last_seen` and an index entry.
async fn fill(pool: &MySqlPool, rows: u64) {
    let first = "INSERT INTO starsessions
        VALUES (UNHEX(SHA2('', 256)), 1, 0, 1, '', UNHEX(SHA2(1, 256)), '')";
    execute(pool, first).await;
    let mut there = 1;
    while there < rows {
        let double = format!(
            "INSERT INTO starsessions
             SELECT UNHEX(SHA2(CONCAT({there}, HEX(session_key)), 256)), 1, 0, last_seen + {there}, '',
                    UNHEX(SHA2(last_seen + {there}, 256)), ''
             FROM starsessions LIMIT {}",
            rows - there
        );
        execute(pool, &double).await;
        there *= 2;
    }
    let entries = "INSERT INTO starsessions_index
        SELECT index_keys, session_key FROM starsessions";
    execute(pool, entries).await;
}

const SWEEP: usize = 5_000;
