//! Sweeping expired rows while requests run.

use rusqlite::Connection;
use starsessions::store::{Inserted, RowKey, Store, Touch, Touched};
use starsessions::{SqliteStore, Timestamp};
use starsessions_tests::servers::Folder;

use super::{at, key, row};

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_frees_what_has_expired_and_requests_go_on() {
    sweep(60_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: tests/nightly"]
async fn a_sweep_of_two_million() {
    sweep(2_000_000).await;
}

async fn sweep(expired: u32) {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    let database = Connection::open(&path).unwrap();
    // Every tenth row is alive.
    let fill =
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
        INSERT INTO sessions (session_key, revision, deadline, last_seen, index_keys, value)
        SELECT randomblob(32), 1, CASE WHEN n % 10 = 0 THEN 2000 ELSE n % 1000 END, 0, x'', x'01'
        FROM numbers";
    database.execute(fill, [expired / 9 * 10]).unwrap();
    let count = |what: &str| -> u32 {
        let count = format!("SELECT count(*) FROM sessions WHERE {what}");
        database.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    let (live, dead) = (count("deadline > 1500"), count("deadline <= 1500"));
    assert!(dead >= expired / 10 * 9);

    // Extends the row that the sweep would free next.
    let now = Timestamp::from_unix_seconds(1_500);
    let extended: [u8; 32] = database
        .query_row(
            "SELECT session_key FROM sessions WHERE deadline = 999 LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    database
        .execute(
            "UPDATE sessions SET deadline = 1600 WHERE session_key = ?1",
            [extended],
        )
        .unwrap();

    let sweeper = store.clone();
    let sweeping = tokio::spawn(async move {
        let mut freed = 0;
        loop {
            let found = sweeper.sweep(10_000, now).await.unwrap();
            freed += found;
            if found < 10_000 {
                return freed;
            }
        }
    });
    // A request waits for one batch at most, not for the whole sweep.
    let extended = RowKey::from_bytes(extended);
    let seen = store.load(&extended, now).await.unwrap().unwrap();
    let mut requests = 0;
    while !sweeping.is_finished() {
        let touch = Touch::new(now, Timestamp::from_unix_seconds(1_700));
        let touched = store.touch(&extended, &seen, touch, now).await.unwrap();
        assert_eq!(touched, Touched::Touched);
        requests += 1;
    }
    assert!(requests > 3, "{requests} requests beside the sweep");
    let freed = sweeping.await.unwrap();
    assert_eq!(freed, dead as usize - 1);
    assert_eq!(count("true"), live + 1);
}

/// The file stops growing without a sweep: each new session frees two that have expired.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_does_not_grow_with_sessions_that_begin_and_end() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    let database = Connection::open(&path).unwrap();
    for number in 0..2_000 {
        let mut row = row(number);
        row.deadline = at(u64::from(number) + 50);
        let now = at(u64::from(number));
        let inserted = store.insert(&key(number), &row, now).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
    }
    let count = "SELECT count(*) FROM sessions";
    let rows: u32 = database.query_row(count, [], |row| row.get(0)).unwrap();
    assert!(rows <= 60, "{rows}");
}
