//! Failing servers, and other clients that hold locks.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use starsessions::MySqlStore;
use starsessions::store::{Inserted, Replaced, Rotated, Rotation, RowKey, Store, StoreError};
use starsessions_tests::scenarios;
use starsessions_tests::servers::{Server, free_port, mariadb};
use starsessions_tests::site::Site;

use super::{MARIADB, MYSQL, SMALL, database, number, opened, pool};
use crate::sql::{after, at, filed_row, index_key, key, row, way_after};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scenario_21_an_outage_of_mariadb() {
    an_outage(&mariadb::mariadb(SMALL)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scenario_21_an_outage_of_mysql() {
    an_outage(&mariadb::mysql(&[])).await;
}

async fn an_outage(server: &Server) {
    let (_, store) = opened(server).await;
    scenarios::an_outage_signs_nobody_out(&Site::on(store), server).await;
}

/// The server is killed while sessions begin and change. All acknowledged writes are there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_loses_nothing() {
    let server = mariadb::mariadb(SMALL);
    let options = MySqlPoolOptions::new();
    let store = MySqlStore::new(pool(&server, &database(&server).await, options).await);
    store.migrate().await.unwrap();
    for round in 0..3 {
        let is_over = Arc::new(AtomicBool::new(false));
        let writers = (0..8).map(|writer| {
            let first = (round * 8 + writer) << 32;
            tokio::spawn(write(store.clone(), first, Arc::clone(&is_over)))
        });
        let writers: Vec<_> = writers.collect();
        while matches!(
            store.load(&key((round * 8) << 32 | 20), at(1)).await,
            Ok(None)
        ) {
            tokio::task::yield_now().await;
        }
        server.kill();
        is_over.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        let down = store.load(&key(0), at(1)).await;
        assert!(matches!(down, Err(StoreError::Unavailable(_))), "{down:?}");

        server.start();
        assert!(acknowledged.len() > 20);
        println!("killed after {} acknowledged sessions", acknowledged.len());
        for (key, revision) in acknowledged {
            match store.load(&key, at(1)).await.unwrap() {
                // The last replacement may have taken effect without a reply.
                Some(it) => assert!((revision..=revision + 1).contains(&it.revision)),
                None => panic!("an acknowledged session is lost"),
            }
        }
    }
}

/// Begins sessions and changes each twice, until the server stops answering.
async fn write(store: MySqlStore, first: u64, is_over: Arc<AtomicBool>) -> Vec<(RowKey, u64)> {
    let mut acknowledged = Vec::new();
    for number in first.. {
        let key = key(number);
        let mut seen = row(b"1");
        match store.insert(&key, &seen, at(0)).await {
            Ok(inserted) => assert_eq!(inserted, Inserted::Inserted),
            Err(error) if is_over.load(Ordering::Relaxed) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                return acknowledged;
            }
            // The server was killed, but `is_over` is not set yet.
            Err(StoreError::Unavailable(_)) => continue,
            Err(error) => panic!("{error:?}"),
        }
        acknowledged.push((key, 1));
        for _ in 0..2 {
            let next = after(&seen, b"2");
            let Ok(replaced) = store.replace(&key, &seen, &next, at(1)).await else {
                break;
            };
            assert_eq!(replaced, Replaced::Replaced);
            acknowledged.last_mut().unwrap().1 = next.revision;
            seen = next;
        }
    }
    acknowledged
}

#[tokio::test]
async fn a_pool_that_has_no_connection_left_is_unavailable() {
    let options = MySqlPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(1));
    let pool = pool(&MARIADB, &database(&MARIADB).await, options).await;
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    let held = pool.acquire().await.unwrap();
    expect_unavailable(&store).await;
    drop(held);
    assert_eq!(store.load(&key(1), at(0)).await.unwrap(), None);
    pool.close().await;
    expect_unavailable(&store).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_its_password_stays_secret() {
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(free_port())
        .username("root")
        .password("hunter2");
    let pool = MySqlPoolOptions::new()
        .acquire_timeout(Duration::from_secs(1))
        .connect_lazy_with(options);
    let builder = MySqlStore::builder(pool.clone());
    let store = MySqlStore::new(pool);
    let failed = expect_unavailable(&store).await;
    let shown = format!("{store:?} {builder:?} {failed:?} {failed}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// The server is reachable, so the error contains its message.
#[tokio::test]
async fn an_error_says_what_the_server_refuses() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, store) = opened(server).await;
        let elsewhere = MySqlStore::builder(pool.clone()).table("not_there").build();
        let error = expect_unavailable(&elsewhere.unwrap()).await;
        assert!(
            cause(&error).contains("run the store's `migrate`"),
            "{error:?}"
        );

        // Raises the error that a full disk causes.
        let full = "CREATE TRIGGER full_disk BEFORE INSERT ON starsessions FOR EACH ROW
            SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'";
        pool.execute(AssertSqlSafe(full.to_owned())).await.unwrap();
        let error = store.insert(&key(1), &row(b"1"), at(0)).await.unwrap_err();
        assert!(
            cause(&error).contains("disk of the database server is full"),
            "{error:?}"
        );
    }
}

fn cause(error: &StoreError) -> String {
    error.source().expect("a cause").to_string()
}

async fn expect_unavailable(store: &MySqlStore) -> StoreError {
    let inserted = store.insert(&key(1), &row(b"1"), at(0)).await;
    assert!(
        matches!(inserted, Err(StoreError::Unavailable(_))),
        "{inserted:?}"
    );
    let loaded = store.load(&key(1), at(0)).await;
    let Err(error @ StoreError::Unavailable(_)) = loaded else {
        panic!("{loaded:?}");
    };
    error
}

/// An operation on a row that another transaction locks for longer than the server waits fails as unavailable, and has
/// no effect.
#[tokio::test]
async fn a_row_that_stays_locked_is_unavailable() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, _) = opened(server).await;
        let hasty = MySqlPoolOptions::new().after_connect(|connection, _| {
            let hurry = "SET SESSION innodb_lock_wait_timeout = 1";
            Box::pin(async move { connection.execute(hurry).await.map(drop) })
        });
        let options = (*pool.connect_options()).clone();
        let store = MySqlStore::new(hasty.connect_with(options).await.unwrap());
        let seen = row(b"1");
        store.insert(&key(1), &seen, at(0)).await.unwrap();

        let mut neighbour = pool.acquire().await.unwrap();
        neighbour.execute("START TRANSACTION").await.unwrap();
        neighbour
            .execute("SELECT revision FROM starsessions FOR UPDATE")
            .await
            .unwrap();
        let mut next = after(&seen, b"2");
        next.listing = filed_row(b"", 1).listing;
        let replaced = store.replace(&key(1), &seen, &next, at(1)).await;
        assert!(
            matches!(replaced, Err(StoreError::Unavailable(_))),
            "{replaced:?}"
        );
        // A read does not wait.
        assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
        neighbour.execute("ROLLBACK").await.unwrap();
        assert!(store.listed(&index_key(1), at(1)).await.unwrap().is_empty());
        let replaced = store.replace(&key(1), &seen, &next, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
    }
}

/// The server resolves a deadlock by rolling back the store's transaction, which the store then retries.
#[tokio::test]
async fn a_deadlock_is_survived() {
    let server = mariadb::mariadb(SMALL);
    let (pool, store) = opened(&server).await;
    for number in 1..100 {
        store.insert(&key(number), &row(b"1"), at(0)).await.unwrap();
    }
    let mut neighbour = pool.acquire().await.unwrap().detach();
    let mut run = async |sql: &str| {
        neighbour
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    };
    // The server rolls back the transaction with fewer changes.
    run("CREATE TABLE ballast (id INT PRIMARY KEY)").await;
    run("START TRANSACTION").await;
    run("INSERT INTO ballast VALUES (1), (2), (3), (4), (5), (6), (7), (8)").await;
    // Locks the new key and then the old key. The store locks them in the opposite order.
    let new = hex(&key(200));
    run(&format!(
        "INSERT INTO starsessions VALUES (X'{new}', 1, 0, 0, '', NULL, NULL)"
    ))
    .await;
    let rotation = tokio::spawn(async move { rotate(&store).await });
    wait_for(
        &pool,
        "SELECT COUNT(*) FROM information_schema.innodb_lock_waits",
    )
    .await;
    let old = hex(&key(1));
    run(&format!(
        "SELECT * FROM starsessions WHERE session_key = X'{old}' FOR UPDATE"
    ))
    .await;
    run("ROLLBACK").await;
    assert_eq!(rotation.await.unwrap(), Rotated::Rotated);
    let deadlocks = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS
        WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'";
    assert_eq!(number(&pool, deadlocks).await, 1);
    neighbour.close().await.unwrap();
}

async fn wait_for(pool: &MySqlPool, count: &str) {
    while number(pool, count).await == 0 {
        // The server caches this view for a tenth of a second.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// Rotates from the key 1 to the key 200.
async fn rotate(store: &MySqlStore) -> Rotated {
    let seen = row(b"1");
    store
        .rotate(
            Rotation::new(&key(1), &seen, &way_after(&seen), &key(200), &row(b"moved")),
            at(1),
        )
        .await
        .unwrap()
}

fn hex(key: &RowKey) -> String {
    key.as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
