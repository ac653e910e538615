//! Servers that fail, and neighbours that hold locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use starsessions::MySqlStore;
use starsessions::store::{
    Committed, Created, Loaded, Rotated, Rotation, RowKey, Store, StoreError, Touched,
};
use starsessions_tests::scenarios;
use starsessions_tests::servers::{Server, free_port, mariadb};
use starsessions_tests::site::Site;

use super::{
    MARIADB, MYSQL, SMALL, at, commit_of, database, key, number, opened, pool, record_with,
};

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

/// Killed while sessions begin and change; everything that was acknowledged is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_loses_nothing() {
    let server = mariadb::mariadb(SMALL);
    let impatient = MySqlPoolOptions::new().acquire_timeout(Duration::from_secs(1));
    let store = MySqlStore::new(pool(&server, &database(&server).await, impatient).await);
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
                // The last commit may have been made without an answer.
                Some(Loaded::Live(it)) => assert!((revision..=revision + 1).contains(&it.revision)),
                found => panic!("{found:?}"),
            }
        }
    }
}

/// Begins sessions and changes each twice, until the server does not answer any more.
async fn write(store: MySqlStore, first: u64, is_over: Arc<AtomicBool>) -> Vec<(RowKey, u64)> {
    let mut acknowledged = Vec::new();
    for number in first.. {
        let key = key(number);
        match store.create(&key, &record_with("a.x", b"1"), at(0)).await {
            Ok(created) => assert_eq!(created, Created::Applied),
            Err(error) if is_over.load(Ordering::Relaxed) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                return acknowledged;
            }
            // Killed, and not yet told so.
            Err(StoreError::Unavailable(_)) => continue,
            Err(error) => panic!("{error:?}"),
        }
        acknowledged.push((key, 1));
        for _ in 0..2 {
            if let Ok(committed) = store.commit(&key, &commit_of("a.x", b"2"), at(1)).await {
                let Committed::Applied(revision) = committed else {
                    panic!("{committed:?}");
                };
                acknowledged.last_mut().unwrap().1 = revision;
            } else {
                break;
            }
        }
    }
    acknowledged
}

#[tokio::test]
async fn a_pool_that_has_no_connection_left_is_unavailable() {
    let options = MySqlPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(200));
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

#[tokio::test]
async fn tables_that_were_not_made_are_unavailable() {
    let pool = pool(&MARIADB, &database(&MARIADB).await, MySqlPoolOptions::new()).await;
    expect_unavailable(&MySqlStore::new(pool)).await;
}

async fn expect_unavailable(store: &MySqlStore) -> StoreError {
    let record = record_with("a.x", b"1");
    let created = store.create(&key(1), &record, at(0)).await;
    assert!(
        matches!(created, Err(StoreError::Unavailable(_))),
        "{created:?}"
    );
    let loaded = store.load(&key(1), at(0)).await;
    let Err(error @ StoreError::Unavailable(_)) = loaded else {
        panic!("{loaded:?}");
    };
    error
}

/// Somebody holds the row longer than the server waits: that is told, and not tried for ever.
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
        store
            .create(&key(1), &record_with("a.x", b"1"), at(0))
            .await
            .unwrap();

        let mut neighbour = pool.acquire().await.unwrap();
        neighbour.execute("START TRANSACTION").await.unwrap();
        neighbour
            .execute("SELECT id FROM starsessions FOR UPDATE")
            .await
            .unwrap();
        let commit = commit_of("a.x", b"2");
        let committed = store.commit(&key(1), &commit, at(1)).await;
        assert!(
            matches!(committed, Err(StoreError::Unavailable(_))),
            "{committed:?}"
        );
        // Who only reads does not wait.
        assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
        neighbour.execute("ROLLBACK").await.unwrap();
        assert_eq!(
            store.commit(&key(1), &commit, at(1)).await.unwrap(),
            Committed::Applied(2)
        );
    }
}

/// The server ends a deadlock by undoing the store's statement, which is then made again.
#[tokio::test]
async fn a_deadlock_is_survived() {
    let server = mariadb::mariadb(SMALL);
    let (pool, store) = opened(&server).await;
    // Enough for the server to go by the key.
    for number in 1..100 {
        let record = record_with("a.x", b"1");
        store.create(&key(number), &record, at(0)).await.unwrap();
    }
    let mut neighbour = pool.acquire().await.unwrap().detach();
    let mut run = async |sql: &str| {
        neighbour
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    };
    // The one that has changed less is undone.
    run("CREATE TABLE ballast (id INT PRIMARY KEY)").await;
    run("START TRANSACTION").await;
    run("INSERT INTO ballast VALUES (1), (2), (3), (4), (5), (6), (7), (8)").await;
    // From the row to its key, while the store goes from the key to the row.
    run("SELECT * FROM starsessions FORCE INDEX (PRIMARY) WHERE id = 1 FOR UPDATE").await;
    let commit = tokio::spawn({
        let store = store.clone();
        async move { store.commit(&key(1), &commit_of("a.x", b"2"), at(1)).await }
    });
    wait_for(
        &pool,
        "SELECT COUNT(*) FROM information_schema.innodb_lock_waits",
    )
    .await;
    let by_key = "SELECT * FROM starsessions FORCE INDEX (by_key)
        WHERE session_key = UNHEX(RPAD('0000000000000001', 64, '0')) FOR UPDATE";
    run(by_key).await;
    run("COMMIT").await;
    assert_eq!(commit.await.unwrap().unwrap(), Committed::Applied(2));
    let deadlocks = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS
        WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'";
    assert_eq!(number(&pool, deadlocks).await, 1);
    neighbour.close().await.unwrap();
}

async fn wait_for(pool: &MySqlPool, count: &str) {
    while number(pool, count).await == 0 {
        // The server shows the same for a tenth of a second after each look.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// Of commits to the old key and rotations away from it, nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_and_rotations_do_not_miss_each_other() {
    for server in [&*MARIADB, &*MYSQL] {
        let (_, store) = opened(server).await;
        let mut rotations = 0;
        for race in 0..100 {
            let (old, new) = (key(2 * race), key(2 * race + 1));
            store
                .create(&old, &record_with("a.x", b"1"), at(0))
                .await
                .unwrap();
            let commits = (0..3).map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    // Two statements, as the rotation has: sometimes one comes first, sometimes the other.
                    for _ in 0..race % 4 {
                        store.load(&old, at(1)).await.unwrap();
                    }
                    let commit = commit_of("a.x", b"2");
                    store.commit(&old, &commit, at(1)).await.unwrap()
                })
            });
            let commits: Vec<_> = commits.collect();
            let rotation = Rotation::new(record_with("a.x", b"1"), Some(1));
            let rotated = store.rotate(&old, &new, &rotation, at(1)).await.unwrap();
            let mut applied = 0;
            for commit in commits {
                applied += usize::from(matches!(commit.await.unwrap(), Committed::Applied(_)));
            }
            match rotated {
                Rotated::Applied => assert_eq!(applied, 0, "it expected what was there first"),
                Rotated::Conflict(_) => assert_eq!(applied, 3),
                other => panic!("{other:?}"),
            }
            rotations += usize::from(rotated == Rotated::Applied);
            let touched = store
                .touch(&old, &commit_of("a", b"").touch, at(1))
                .await
                .unwrap();
            assert_eq!(touched == Touched::Applied, applied == 3);
        }
        assert!(
            (1..100).contains(&rotations),
            "{rotations} of 100 came first"
        );
    }
}

/// Many at once in one session all get through, each at its first attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_session_needs_no_second_attempt() {
    let (_, store) = opened(&MARIADB).await;
    store
        .create(&key(1), &record_with("a.x", b"1"), at(0))
        .await
        .unwrap();
    let names = ["w.0", "w.1", "w.2", "w.3", "w.4", "w.5", "w.6", "w.7"];
    let writers = names.map(|name| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                let committed = store.commit(&key(1), &commit_of(name, b"1"), at(1)).await;
                assert!(
                    matches!(committed, Ok(Committed::Applied(_))),
                    "{committed:?}"
                );
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let Some(Loaded::Live(record)) = store.load(&key(1), at(1)).await.unwrap() else {
        panic!("it is there");
    };
    assert_eq!((record.revision, record.fields.len()), (401, 9));
}
