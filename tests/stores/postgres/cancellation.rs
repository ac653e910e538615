//! Requests that are given up in the middle of a statement.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;
use starsessions::store::{
    Commit, Committed, Created, Field, FieldWrite, Loaded, Record, RowKey, Store, Touch,
};
use starsessions::{PostgresStore, Timestamp};

use super::Database;

const SESSIONS: u8 = 16;
const STORM: usize = 3_000;

/// Each session holds its own number; whoever reads another one has read somebody else's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_storm_everybody_gets_the_own_answer() {
    let database = Database::new().await;
    let store = PostgresStore::new(database.pool(2).await);
    for number in 0..SESSIONS {
        let created = store.create(&key(number), &record(number), now()).await;
        assert_eq!(created.unwrap(), Created::Applied);
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
        let given_up = async {
            match turn % 3 {
                0 => drop(store.load(&key(number), now()).await),
                1 => drop(store.commit(&key(number), &commit(number), now()).await),
                _ => {
                    let touch = Touch::new(now(), end());
                    drop(store.touch(&key(number), &touch, now()).await);
                }
            }
        };
        poll_times(given_up, turn % 7).await;
    }
    patient.await.unwrap();
    for number in 0..SESSIONS {
        expect_own(&store, number).await;
        let committed = store.commit(&key(number), &commit(number), now()).await;
        assert!(matches!(committed.unwrap(), Committed::Applied(_)));
    }
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(super::number(&database.pool(1).await, idle).await, 0);
}

/// sqlx leaves a transaction open whose beginning was dropped. On a pool that rolls it back, as the
/// documentation says to have it, the store is not drawn into it.
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
        let created = store.create(&key(polls as u8), &record(1), now()).await;
        assert_eq!(created.unwrap(), Created::Applied);
    }
    let kept = "SELECT count(*) FROM starsessions";
    assert_eq!(super::number(&database.pool(1).await, kept).await, 32);
}

async fn expect_own(store: &PostgresStore, number: u8) {
    let Some(Loaded::Live(record)) = store.load(&key(number), now()).await.unwrap() else {
        panic!("session {number} is lost");
    };
    assert_eq!(record.fields.get("a.own").unwrap().value[0], number);
}

/// Polls a future so many times, unless it is done, and drops it.
async fn poll_times(future: impl Future<Output = ()>, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number + 1; 32])
}

fn record(number: u8) -> Record {
    let mut record = Record::new(now(), end());
    let own = Field::new(Bytes::copy_from_slice(&[number]), 1);
    record.fields.insert("a.own".into(), own);
    record
}

fn commit(number: u8) -> Commit {
    let mut commit = Commit::new(Touch::new(now(), end()));
    let own = FieldWrite::new(Bytes::copy_from_slice(&[number]));
    commit.set.push(("a.own".into(), own));
    commit
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800)
}

fn end() -> Timestamp {
    now() + Duration::from_secs(100)
}
