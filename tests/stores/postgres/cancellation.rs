//! Operations that are cancelled in the middle of a statement.

use std::future::pending;
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;
use starsessions::PostgresStore;
use starsessions::store::{Inserted, Store};

use super::Database;
use crate::sql::{after, at, key, poll_times, row, touch};

const SESSIONS: u8 = 16;
const STORM: usize = 3_000;

/// Each session holds its own number. Another number is the reply to another operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_storm_each_operation_gets_its_own_answer() {
    let database = Database::new().await;
    let builder = PostgresStore::builder(database.pool(2).await);
    // Cancelled operations still run, and are queued before the next operations.
    let builder = builder.response_timeout(Duration::from_secs(60));
    let store = builder.build().unwrap();
    for number in 0..SESSIONS {
        let inserted = store
            .insert(&key(number.into()), &row(&[number]), at(0))
            .await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
    }
    let patient = tokio::spawn({
        let store = store.clone();
        async move {
            for turn in 0..STORM / 10 {
                expect_own(&store, (turn % usize::from(SESSIONS)) as u8).await;
            }
        }
    });
    for turn in 0..STORM {
        let number = (turn % usize::from(SESSIONS)) as u8;
        let (key, polls) = (key(number.into()), turn % 7);
        let seen = row(&[number]);
        match turn % 3 {
            0 => poll_times(store.load(&key, at(1)), polls).await,
            1 => {
                let next = after(&seen, &[number, 1]);
                poll_times(store.replace(&key, &seen, &next, at(1)), polls).await;
            }
            _ => poll_times(store.touch(&key, &seen, touch(1, 100), at(1)), polls).await,
        }
    }
    patient.await.unwrap();
    for number in 0..SESSIONS {
        expect_own(&store, number).await;
    }
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(super::number(&database.pool(1).await, idle).await, 0);
}

/// The caller gives up before the server answers.
#[tokio::test]
async fn what_was_begun_is_done_although_its_caller_has_gone() {
    let database = Database::new().await;
    let pool = database.pool(1).await;
    let store = PostgresStore::new(pool.clone());
    let held = pool.acquire().await.unwrap();
    poll_times(store.insert(&key(1), &row(b"a"), at(0)), 3).await;
    drop(held);
    // The insert is queued before this load.
    assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
}

/// sqlx leaves a transaction open if its `begin` was dropped. If the pool rolls such transactions back, as the
/// documentation recommends, the store is not affected.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_pool_that_rolls_back_loses_nothing() {
    let database = Database::new().await;
    let single = PgPoolOptions::new()
        .max_connections(1)
        .after_release(|connection, _| {
            Box::pin(async move { connection.execute("BEGIN; ROLLBACK").await.map(|_| true) })
        });
    let shared = single.connect_with(database.options.clone()).await.unwrap();
    let store = PostgresStore::new(shared.clone());
    for polls in 0..32 {
        let transaction = async {
            let _open = shared.begin().await;
            pending::<()>().await;
        };
        poll_times(transaction, polls).await;
        let inserted = store.insert(&key(polls as u64), &row(b"a"), at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
    }
    let kept = "SELECT count(*) FROM starsessions";
    assert_eq!(super::number(&database.pool(1).await, kept).await, 32);
}

async fn expect_own(store: &PostgresStore, number: u8) {
    let found = store.load(&key(number.into()), at(1)).await.unwrap();
    assert_eq!(found.expect("it is there").value[0], number);
}
