//! Rows that are not ours, and secrets that are not shown.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use starsessions::store::{RowKey, Store};
use starsessions::{PostgresStore, StoreError, Timestamp};

use super::Database;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_no_session_is_corrupt_and_can_be_ended() {
    let now = Timestamp::from_unix_seconds(1);
    let database = Database::new().await;
    let pool = database.pool(1).await;
    for (number, damage) in [
        "field_values = '{}'",
        "field_revisions = ARRAY[1, 2]",
        "field_revisions = ARRAY[NULL::bigint]",
        "field_revisions = ARRAY[0]",
        "field_names = ARRAY['\\xff'::bytea]",
        "field_values = ARRAY[NULL::bytea]",
        "field_names = ARRAY['a.x', 'a.x']::bytea[], field_values = ARRAY['', '']::bytea[],
            field_revisions = ARRAY[1, 1], field_expires_at = ARRAY[NULL, NULL]::bigint[],
            field_idle_at = ARRAY[NULL, NULL]::bigint[], field_index_keys = ARRAY[NULL, NULL]::bytea[]",
        "field_names = ARRAY['\\xff'::bytea]",
        "field_index_keys = ARRAY['\\x01'::bytea]",
    ]
    .into_iter()
    .enumerate()
    {
        let key = RowKey::from_bytes([number as u8 + 1; 32]);
        let insert = "INSERT INTO starsessions
            VALUES ($1, 0, 0, 0, 9, 1, false, false, ARRAY['a.x'::bytea], ARRAY[''::bytea], ARRAY[1],
                ARRAY[NULL::bigint], ARRAY[NULL::bigint], ARRAY[NULL::bytea], NULL)";
        let insert = sqlx::query(insert).bind(key.as_bytes().as_slice());
        insert.execute(&pool).await.unwrap();
        assert!(database.store.load(&key, now).await.unwrap().is_some());

        let spoil = format!("UPDATE starsessions SET {damage} WHERE key = $1");
        let spoil = sqlx::query(sqlx::AssertSqlSafe(spoil)).bind(key.as_bytes().as_slice());
        spoil.execute(&pool).await.unwrap();

        let loaded = database.store.load(&key, now).await;
        assert!(matches!(loaded, Err(StoreError::Corrupt(_))), "{damage}: {loaded:?}");
        database.store.delete(&key, now).await.unwrap();
        assert!(database.store.load(&key, now).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_how_the_server_is_reached() {
    let database = Database::new().await;
    let options = database.options.password("hunter2");
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let builder = PostgresStore::builder(pool);
    let shown = [format!("{builder:?}"), format!("{:?}", builder.build())].concat();
    assert!(
        !shown.contains("hunter2") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_without_a_free_connection_is_unavailable() {
    let database = Database::new().await;
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.acquire_timeout(Duration::from_millis(100));
    let pool = pool.connect_with(database.options.clone()).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    let (key, now) = (RowKey::from_bytes([1; 32]), Timestamp::from_unix_seconds(1));
    let taken = pool.acquire().await.unwrap();
    let loaded = store.load(&key, now).await;
    assert!(
        matches!(loaded, Err(StoreError::Unavailable(_))),
        "{loaded:?}"
    );
    drop(taken);
    assert_eq!(store.load(&key, now).await.unwrap(), None);
}
