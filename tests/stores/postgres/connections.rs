//! Failing connections, in pools with default settings and in pools with `test_before_acquire(false)`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgPool, PgPoolOptions};
use starsessions::PostgresStore;
use starsessions::store::{Inserted, Store, StoreError};

use super::Database;
use crate::faults::{MANY, SOME, no_fault_outlasts_itself};
use crate::sql::{self, Proxy, at, key, row};

#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_survives_a_closed_connection() {
    for is_tested in [true, false] {
        let database = Database::new().await;
        let options = PgPoolOptions::new().test_before_acquire(is_tested);
        let pool = options.connect_with(database.options.clone());
        let store = PostgresStore::new(pool.await.unwrap());
        let operator = database.pool(1).await;
        sql::an_operation_survives_a_closed_connection(&store, async || {
            let close = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            sqlx::query(close).execute(&operator).await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_silent_connections_cost_one_try() {
    // Runs in parallel, because most of the time is spent in time-outs.
    let cost_one_try = async |is_tested| {
        let options = PgPoolOptions::new().test_before_acquire(is_tested);
        let (store, proxy) = behind_a_proxy(options).await;
        sql::silent_connections_cost_one_try(&store, &proxy).await;
    };
    tokio::join!(cost_one_try(true), cost_one_try(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_everything_works_again_after_a_silence() {
    let works_again = async |is_tested| {
        let options = PgPoolOptions::new().test_before_acquire(is_tested);
        let (store, proxy) = behind_a_proxy(options).await;
        sql::everything_works_again_after_a_silence(&store, &proxy).await;
    };
    tokio::join!(works_again(true), works_again(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_wait_forever() {
    let options = PgPoolOptions::new().test_before_acquire(false);
    let (pool, proxy) = pool_behind_a_proxy(options).await;
    let short = Duration::from_millis(500);
    let store = PostgresStore::builder(pool).response_timeout(short);
    let store = store.build().unwrap();
    sql::a_migration_does_not_wait_forever(async || store.migrate().await, &proxy).await;
}

#[tokio::test]
async fn a_response_timeout_without_end_is_taken() {
    let pool = Database::new().await.pool(1).await;
    let builder = PostgresStore::builder(pool).response_timeout(Duration::MAX);
    let store = builder.build().unwrap();
    store.migrate().await.unwrap();
    let inserted = store.insert(&key(1), &row(b"1"), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    assert_eq!(store.sweep(1, at(100)).await.unwrap(), 1);
}

/// The state after a fail-over: the address leads to another server, and connections to the former primary are still
/// open.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_a_former_primary_is_given_up() {
    let database = Database::new().await;
    let is_former = AtomicBool::new(true);
    let options = PgPoolOptions::new().max_connections(1);
    let options = options.after_connect(move |connection, _| {
        let read_only = "SET default_transaction_read_only = on";
        let set = is_former
            .swap(false, Ordering::Relaxed)
            .then_some(read_only);
        Box::pin(async move {
            connection
                .execute(set.unwrap_or("SELECT 1"))
                .await
                .map(drop)
        })
    });
    let pool = options.connect_with(database.options.clone()).await;
    let store = PostgresStore::new(pool.unwrap());
    let refused = store.insert(&key(1), &row(b"1"), at(0)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    let inserted = store.insert(&key(1), &row(b"1"), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_a_lost_reply_is_made_up_for() {
    let (store, proxy) = behind_a_proxy(PgPoolOptions::new().max_connections(1)).await;
    sql::a_lost_reply_is_made_up_for(&store, &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_in_the_clear_is_not_told_from_that_of_another_request() {
    let (pool, proxy) = pool_behind_a_proxy(PgPoolOptions::new().max_connections(1)).await;
    let store = PostgresStore::builder(pool).plain_values().build().unwrap();
    sql::a_row_in_the_clear_is_not_told_from_that_of_another_request(&store, &proxy).await;
}

#[tokio::test]
async fn a_removal_that_is_sent_again_ends_what_is_there_by_now() {
    let (store, proxy) = behind_a_proxy(PgPoolOptions::new()).await;
    sql::a_removal_that_is_sent_again_ends_what_is_there_by_now(&store, &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_a_connection_may_fall_silent_after_its_reply() {
    let (store, proxy) = behind_a_proxy(PgPoolOptions::new().max_connections(1)).await;
    sql::a_connection_may_fall_silent_after_its_reply(&store, &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_no_fault_outlasts_itself() {
    let (store, proxy) = behind_a_proxy(PgPoolOptions::new()).await;
    no_fault_outlasts_itself(store, &proxy, SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: tests/nightly"]
async fn g18_no_fault_outlasts_itself_wherever_it_meets() {
    let (store, proxy) = behind_a_proxy(PgPoolOptions::new()).await;
    no_fault_outlasts_itself(store, &proxy, MANY).await;
}

/// Uses the default time-out, because a shorter one would fail on a busy machine.
async fn behind_a_proxy(options: PgPoolOptions) -> (PostgresStore, Proxy) {
    let (pool, proxy) = pool_behind_a_proxy(options).await;
    (PostgresStore::new(pool), proxy)
}

async fn pool_behind_a_proxy(options: PgPoolOptions) -> (PgPool, Proxy) {
    let database = Database::new().await;
    let (proxy, port) = Proxy::before(super::POSTGRES.address()).await;
    let pool = options.connect_with(database.options.port(port)).await;
    (pool.unwrap(), proxy)
}
