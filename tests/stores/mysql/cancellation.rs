//! Operations whose caller was cancelled.

use std::future::pending;
use std::time::Duration;

use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use starsessions::MySqlStore;
use starsessions::store::{Inserted, Rotation, Store};
use starsessions_tests::servers::Server;

use super::{MARIADB, MYSQL, connections_to, database, number, pool};
use crate::sql::{after, at, filed_row, index_key, key, poll_times, row, touch, way_after};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_operations_leave_nothing_behind_on_mariadb() {
    a_storm(&MARIADB).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_operations_leave_nothing_behind_on_mysql() {
    a_storm(&MYSQL).await;
}

/// Runs over two connections, so that a reply left on a connection would reach another caller.
async fn a_storm(server: &Server) {
    let database = database(server).await;
    let few = MySqlPoolOptions::new().max_connections(2);
    let builder = MySqlStore::builder(pool(server, &database, few).await);
    // Cancelled operations still run, and are queued before the next operations.
    let builder = builder.response_timeout(Duration::from_secs(60));
    let store = builder.build().unwrap();
    store.migrate().await.unwrap();
    for number in 0..SESSIONS {
        let row = row(&number.to_be_bytes());
        store.insert(&key(number), &row, at(0)).await.unwrap();
    }
    let visitors = (0..SESSIONS).map(|number| tokio::spawn(visit(store.clone(), number)));
    for visitor in visitors.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
    let observer = pool(server, "mysql", MySqlPoolOptions::new()).await;
    let open = format!(
        "SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist AS p
         ON p.id = trx_mysql_thread_id WHERE p.db = '{database}'"
    );
    // Operations without a caller may still be running, but a transaction that they leave open stays open. MySQL fails
    // to list a process whose statement contains binary data.
    let is_open = async || {
        let open = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(open.clone()));
        !matches!(open.fetch_one(&observer).await, Ok(0))
    };
    let mut is_quiet = false;
    for _ in 0..ATTEMPTS {
        is_quiet = !is_open().await;
        if is_quiet {
            break;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(is_quiet, "a transaction is open");
    assert!(connections_to(&database, &observer).await.len() <= 2);
}

/// Drops operations half way, and checks after each that it still gets its own session.
async fn visit(store: MySqlStore, number: u64) {
    let (own, other) = (key(number), key(number + SESSIONS));
    let mut seen = row(&number.to_be_bytes());
    for polls in 0..POLLS {
        let next = after(&seen, &number.to_be_bytes());
        poll_times(store.replace(&own, &seen, &next, at(1)), polls).await;
        poll_times(store.load(&own, at(1)), polls).await;
        poll_times(store.listed(&index_key(1), at(1)), polls).await;
        poll_times(store.touch(&own, &seen, touch(1, 100), at(1)), polls).await;
        let elsewhere = filed_row(b"elsewhere", 1);
        poll_times(store.insert(&other, &elsewhere, at(1)), polls).await;
        let mut never = seen.clone();
        never.revision = 99;
        let left = way_after(&never);
        let rotation = Rotation::new(&own, &never, &left, &other, &elsewhere);
        poll_times(store.rotate(rotation, at(1)), polls).await;
        poll_times(store.remove(&other), polls).await;
        let found = store.load(&own, at(1)).await.unwrap();
        seen = found.expect("it is there");
        assert_eq!(&*seen.value, number.to_be_bytes());
    }
}

/// The caller gives up before it gets a connection.
#[tokio::test]
async fn what_was_begun_is_done_although_its_caller_has_gone() {
    let single = MySqlPoolOptions::new().max_connections(1);
    let pool = pool(&MARIADB, &database(&MARIADB).await, single).await;
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    let held = pool.acquire().await.unwrap();
    poll_times(store.insert(&key(1), &row(b"1"), at(0)), 3).await;
    drop(held);
    // The insert is queued before this load.
    assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
}

/// sqlx leaves a transaction open if its `begin` was dropped. If the pool rolls such transactions back, as the
/// documentation recommends, the store is not affected.
#[tokio::test]
async fn a_shared_pool_that_rolls_back_loses_nothing() {
    let database = database(&MARIADB).await;
    let single = MySqlPoolOptions::new()
        .max_connections(1)
        .after_release(|connection, _| {
            Box::pin(async move { connection.execute("ROLLBACK").await.map(|_| true) })
        });
    let shared = pool(&MARIADB, &database, single).await;
    let store = MySqlStore::new(shared.clone());
    store.migrate().await.unwrap();
    for polls in 0..32 {
        let transaction = async {
            let _open = shared.begin().await;
            pending::<()>().await;
        };
        poll_times(transaction, polls).await;
        let inserted = store.insert(&key(polls as u64), &row(b"1"), at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
    }
    let observer = pool(&MARIADB, &database, MySqlPoolOptions::new()).await;
    let kept = number(&observer, "SELECT COUNT(*) FROM starsessions").await;
    assert_eq!(kept, 32, "what was acknowledged is committed");
}

const SESSIONS: u64 = 48;
const POLLS: usize = 8;
const ATTEMPTS: usize = 400;
