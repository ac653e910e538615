//! Operations that nobody waits for any more.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use starsessions::MySqlStore;
use starsessions::store::{Loaded, Rotation, Store};
use starsessions_tests::servers::Server;

use super::{MARIADB, MYSQL, at, commit_of, database, index, key, number, pool, record_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_operations_leave_nothing_behind_on_mariadb() {
    a_storm(&MARIADB).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_operations_leave_nothing_behind_on_mysql() {
    a_storm(&MYSQL).await;
}

/// Over two connections, so that each answer that is left on one would reach somebody else.
async fn a_storm(server: &Server) {
    let database = database(server).await;
    let few = MySqlPoolOptions::new().max_connections(2);
    let store = MySqlStore::new(pool(server, &database, few).await);
    store.migrate().await.unwrap();
    for number in 0..SESSIONS {
        let record = record_with("a.x", &number.to_be_bytes());
        store.create(&key(number), &record, at(0)).await.unwrap();
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
    // Operations that nobody waits for are still under way; what they leave open stays so.
    for _ in 0..ATTEMPTS {
        if number(&observer, &open).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(number(&observer, &open).await, 0, "a transaction is open");
    let connections =
        format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{database}'");
    assert!(number(&observer, &connections).await <= 2);
}

/// Drops operations half way, and looks after each whether its own session is what it gets.
async fn visit(store: MySqlStore, number: u64) {
    let (own, other) = (key(number), key(number + SESSIONS));
    let value = number.to_be_bytes();
    for polls in 0..POLLS {
        let commit = commit_of("a.y", &value);
        poll_times(store.commit(&own, &commit, at(1)), polls).await;
        poll_times(store.load(&own, at(1)), polls).await;
        poll_times(store.sessions_of(&index(1), at(1)), polls).await;
        poll_times(store.touch(&own, &commit.touch, at(1)), polls).await;
        let record = record_with("a.x", b"somebody else's");
        poll_times(store.create(&other, &record, at(1)), polls).await;
        let elsewhere = Rotation::new(record, Some(99));
        poll_times(store.rotate(&own, &other, &elsewhere, at(1)), polls).await;
        poll_times(store.delete(&other, at(1)), polls).await;
        match store.load(&own, at(1)).await.unwrap() {
            Some(Loaded::Live(record)) => {
                assert_eq!(*record.fields.get("a.x").unwrap().value, value);
            }
            found => panic!("session {number} is {found:?}"),
        }
    }
}

async fn poll_times(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let poll = poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        if poll.await.is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// An application that gives up before there is a connection for it.
#[tokio::test]
async fn what_was_begun_is_done_although_nobody_waits() {
    let single = MySqlPoolOptions::new().max_connections(1);
    let pool = pool(&MARIADB, &database(&MARIADB).await, single).await;
    let store = Arc::new(MySqlStore::new(pool.clone()));
    store.migrate().await.unwrap();
    let held = pool.acquire().await.unwrap();
    poll_times(store.create(&key(1), &record_with("a.x", b"1"), at(0)), 3).await;
    drop(held);
    // It stands in line before this.
    assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
}

/// sqlx leaves a transaction open whose beginning was dropped. On a pool that rolls it back, as the
/// documentation says to have it, the store is not drawn into it.
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
        let record = record_with("a.x", b"1");
        store
            .create(&key(polls as u64), &record, at(0))
            .await
            .unwrap();
    }
    let observer = pool(&MARIADB, &database, MySqlPoolOptions::new()).await;
    let kept = number(&observer, "SELECT COUNT(*) FROM starsessions").await;
    assert_eq!(kept, 32, "what was acknowledged is committed");
}

const SESSIONS: u64 = 48;
const POLLS: usize = 8;
const ATTEMPTS: usize = 100;
