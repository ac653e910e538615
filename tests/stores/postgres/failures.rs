//! Foreign rows, locked rows, and the text of errors.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use sqlx::postgres::PgPoolOptions;
use starsessions::PostgresStore;
use starsessions::store::{Replaced, Store, StoreError};
use starsessions_tests::logs::Logs;
use starsessions_tests::shop;
use starsessions_tests::site::Site;

use super::Database;
use crate::sql::failing::only_the_other_row_is_listed;
use crate::sql::{after, at, filed_row, key, row};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_no_session_is_corrupt_and_can_be_ended() {
    let database = Database::new().await;
    let (pool, store) = (database.pool(1).await, &database.store);
    for damage in [
        "index_keys = NULL",
        "card = NULL",
        "index_keys = ARRAY['\\x01'::bytea]",
        "index_keys = ARRAY[NULL::bytea]",
    ] {
        store
            .insert(&key(1), &filed_row(b"a", 1), at(0))
            .await
            .unwrap();
        assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
        let spoil = format!("UPDATE starsessions SET {damage}");
        let spoil = sqlx::query(sqlx::AssertSqlSafe(spoil));
        spoil.execute(&pool).await.unwrap();

        let loaded = store.load(&key(1), at(1)).await;
        assert!(
            matches!(loaded, Err(StoreError::Corrupt(_))),
            "{damage}: {loaded:?}"
        );
        only_the_other_row_is_listed(store).await;
        assert_eq!(store.remove(&key(1)).await.unwrap(), None);
        assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None);
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
    let pool = pool.acquire_timeout(Duration::from_secs(1));
    let pool = pool.connect_with(database.options.clone()).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    let taken = pool.acquire().await.unwrap();
    let loaded = store.load(&key(1), at(1)).await;
    assert!(
        matches!(loaded, Err(StoreError::Unavailable(_))),
        "{loaded:?}"
    );
    drop(taken);
    assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None);
}

/// The server is reachable, so the error contains its message.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_the_server_refuses() {
    let database = Database::new().await;
    let options = database.options.clone();
    let read_only = options.options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().connect_with(read_only).await.unwrap();
    let inserted = PostgresStore::new(pool.clone())
        .insert(&key(1), &row(b"a"), at(0))
        .await;
    assert!(cause(&inserted.unwrap_err()).contains("takes no changes"));

    let elsewhere = PostgresStore::builder(pool).table("not_there").build();
    let loaded = elsewhere.unwrap().load(&key(1), at(0)).await;
    assert!(cause(&loaded.unwrap_err()).contains("run the store's `migrate`"));

    // Raises the error that a full disk causes.
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON starsessions EXECUTE FUNCTION full_disk()";
    sqlx::raw_sql(full)
        .execute(&database.pool(1).await)
        .await
        .unwrap();
    let inserted = database.store.insert(&key(1), &row(b"a"), at(0)).await;
    assert!(cause(&inserted.unwrap_err()).contains("disk of the database server is full"));
}

/// The server's message is at the end of the error's source chain.
#[tokio::test]
async fn an_outage_is_logged_with_what_the_server_says() {
    let options = Database::new().await.options.database("not_there");
    let store = PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options));
    let logs = Logs::capture();
    let site = Site::on(store.clone());
    let reply = site.serve(shop::routes()).post("/cart/tea").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let said = [
        "the session store failed",
        "refuses a connection",
        "does not exist",
    ];
    assert_eq!(logs.with(&said).len(), 1, "{}", logs.text());

    let error = store.load(&key(1), at(0)).await.unwrap_err();
    assert!(format!("{error:?}").contains("does not exist"), "{error:?}");
}

/// `sqlx` tries to connect until the time is over, and does not tell what the server answers meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_no_connection_left_is_among_the_causes_that_are_said() {
    let database = Database::new().await;
    let name = database.options.get_database().unwrap();
    let limit =
        format!("CREATE ROLE {name}_visitor LOGIN; ALTER DATABASE {name} CONNECTION LIMIT 0");
    let limit = sqlx::raw_sql(sqlx::AssertSqlSafe(limit));
    limit.execute(&database.pool(1).await).await.unwrap();
    let visitor = database
        .options
        .clone()
        .username(&format!("{name}_visitor"));
    let pool = PgPoolOptions::new().connect_lazy_with(visitor);
    let builder = PostgresStore::builder(pool).response_timeout(Duration::from_millis(300));
    let loaded = builder.build().unwrap().load(&key(1), at(1)).await;
    let error = format!("{:?}", loaded.unwrap_err());
    assert!(error.contains("has no connection left"), "{error}");
}

fn cause(error: &StoreError) -> String {
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    error.source().expect("a cause").to_string()
}

/// Another transaction locks the row for longer than the store waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_stays_locked_is_unavailable() {
    let database = Database::new().await;
    let (store, pool) = (&database.store, database.pool(4).await);
    let builder = PostgresStore::builder(pool.clone());
    let builder = builder.response_timeout(Duration::from_millis(300));
    let impatient = builder.build().unwrap();
    let seen = row(b"a");
    store.insert(&key(1), &seen, at(0)).await.unwrap();
    let mut neighbour = pool.begin().await.unwrap();
    let hold = "SELECT session_key FROM starsessions FOR UPDATE";
    sqlx::query(hold).execute(&mut *neighbour).await.unwrap();

    let next = after(&seen, b"b");
    let replaced = impatient.replace(&key(1), &seen, &next, at(1)).await;
    assert!(
        matches!(replaced, Err(StoreError::Unavailable(_))),
        "{replaced:?}"
    );
    // A read does not wait.
    assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
    neighbour.rollback().await.unwrap();
    // The server may have executed the statements that timed out, so the row may be the new one already.
    match store.replace(&key(1), &seen, &next, at(1)).await.unwrap() {
        Replaced::Replaced => {}
        Replaced::Stale(found) => assert_eq!(found, next),
        Replaced::Gone => panic!("it is there"),
    }
}
