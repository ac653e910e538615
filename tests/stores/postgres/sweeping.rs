//! Sweeping expired rows while requests and other replicas run.

use std::time::Duration;

use starsessions::store::{Row, RowKey, Store, Touch, Touched};
use starsessions::{PostgresStore, Timestamp};

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Database, number};

#[tokio::test(flavor = "multi_thread")]
async fn four_replicas_free_what_has_expired_and_nothing_else() {
    sweep_with_four_replicas(60_000).await;
}

/// Frees as many rows as a busy site has after a night. Prints the duration.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute; to measure"]
async fn four_replicas_free_two_million() {
    let (took, slowest) = sweep_with_four_replicas(2_000_000).await;
    println!("{took:?}; the slowest touch beside: {slowest:?}");
}

/// The store writes no such row, but another program may.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_has_expired_before_1970_is_freed() {
    let database = Database::new().await;
    let pool = database.pool(1).await;
    for deadline in [i64::MIN, -1] {
        let insert = "INSERT INTO starsessions VALUES ('a', 1, $1, 0, '', NULL, NULL)";
        let insert = sqlx::query(insert).bind(deadline);
        insert.execute(&pool).await.unwrap();
        assert_eq!(database.store.sweep(LIMIT, at(1_500)).await.unwrap(), 1);
        let left = number(&pool, "SELECT count(*) FROM starsessions").await;
        assert_eq!(left, 0, "{deadline}");
    }
}

async fn sweep_with_four_replicas(expired: i64) -> (Duration, Duration) {
    let database = Database::new().await;
    let pool = database.pool(2).await;
    // Every tenth row is alive.
    let fill = "INSERT INTO starsessions
        SELECT sha256(i::text::bytea), 1, CASE WHEN i % 10 = 0 THEN 2000 ELSE i % 1000 END, 0, '', NULL,
            NULL
        FROM generate_series(0, $1 * 10 / 9 - 1) AS i";
    sqlx::query(fill)
        .bind(expired)
        .execute(&pool)
        .await
        .unwrap();
    let live = number(
        &pool,
        "SELECT count(*) FROM starsessions WHERE deadline > 1500",
    )
    .await;
    let dead = number(
        &pool,
        "SELECT count(*) FROM starsessions WHERE deadline <= 1500",
    )
    .await;

    // Another transaction is extending this row, so the sweeps skip it.
    let mut extending = pool.begin().await.unwrap();
    let extended: Vec<u8> = sqlx::query_scalar(
        "UPDATE starsessions SET deadline = 3000
            WHERE session_key = (SELECT session_key FROM starsessions
            WHERE deadline <= 1500 ORDER BY deadline LIMIT 1) RETURNING session_key",
    )
    .fetch_one(&mut *extending)
    .await
    .unwrap();

    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let store = database.store.clone();
            tokio::spawn(async move { sweep_all(&store).await })
        })
        .collect();
    // Requests run meanwhile.
    let begin = Instant::now();
    let kept = RowKey::from_bytes(sha256_of_zero());
    let seen = Row::new(*b"", at(0), at(2_000));
    let (mut slowest, mut touches) = (Duration::ZERO, 0);
    while !replicas.iter().all(JoinHandle::is_finished) {
        let asked = Instant::now();
        let touch = Touch::new(at(1_501), at(2_500));
        let touched = database.store.touch(&kept, &seen, touch, at(1_500)).await;
        assert_eq!(touched.unwrap(), Touched::Touched);
        slowest = slowest.max(asked.elapsed());
        touches += 1;
    }
    assert_ne!(touches, 0);
    let took = begin.elapsed();
    let mut freed = 0;
    for replica in replicas {
        freed += replica.await.unwrap();
    }
    extending.commit().await.unwrap();

    assert_eq!(i64::try_from(freed).unwrap(), dead - 1);
    let left = number(&pool, "SELECT count(*) FROM starsessions").await;
    assert_eq!(left, live + 1);
    let key = RowKey::from_bytes(extended.try_into().unwrap());
    let kept = database.store.load(&key, at(1_500)).await.unwrap();
    assert!(kept.is_some());
    (took, slowest)
}

async fn sweep_all(store: &PostgresStore) -> usize {
    let mut freed = 0;
    loop {
        let found = store.sweep(LIMIT, at(1_500)).await.unwrap();
        freed += found;
        if found < LIMIT {
            return freed;
        }
    }
}

/// The key of the row with the number 0, which is alive.
fn sha256_of_zero() -> [u8; 32] {
    let hex = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
    let byte = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
    std::array::from_fn(|i| byte(2 * i))
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(second)
}

const LIMIT: usize = 100_000;
