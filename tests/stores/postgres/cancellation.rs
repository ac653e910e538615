//! Requests that are given up in the middle of a statement.

use std::time::Duration;

use bytes::Bytes;
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
    for turn in 0..STORM {
        let number = (turn % usize::from(SESSIONS)) as u8;
        let patience = Duration::from_micros((turn * 37 % 900) as u64);
        let dropped = async {
            match turn % 3 {
                0 => drop(store.load(&key(number), now()).await),
                1 => drop(store.commit(&key(number), &commit(number), now()).await),
                _ => drop(
                    store
                        .touch(&key(number), &Touch::new(now(), end()), now())
                        .await,
                ),
            }
        };
        let _ = tokio::time::timeout(patience, dropped).await;
    }
    for number in 0..SESSIONS {
        let Some(Loaded::Live(record)) = store.load(&key(number), now()).await.unwrap() else {
            panic!("session {number} is lost");
        };
        assert_eq!(record.fields.get("a.own").unwrap().value[0], number);
        let committed = store.commit(&key(number), &commit(number), now()).await;
        assert!(matches!(committed.unwrap(), Committed::Applied(_)));
    }
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(super::number(&database.pool(1).await, idle).await, 0);
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
