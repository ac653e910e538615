//! Failing connections, in pools with default settings and in pools with `test_before_acquire(false)`.

use std::time::Duration;

use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use starsessions::MySqlStore;
use starsessions_tests::servers::Server;

use super::{MARIADB, MYSQL, connections_to, database, opened, pool};
use crate::faults::{MANY, SOME, no_fault_outlasts_itself};
use crate::sql::{self, Proxy};

#[tokio::test(flavor = "multi_thread")]
async fn g18_an_operation_survives_a_closed_connection() {
    for server in [&*MARIADB, &*MYSQL] {
        for is_tested in [true, false] {
            let database = database(server).await;
            let options = MySqlPoolOptions::new().test_before_acquire(is_tested);
            let store = MySqlStore::new(pool(server, &database, options).await);
            store.migrate().await.unwrap();
            let operator = pool(server, "mysql", MySqlPoolOptions::new()).await;
            sql::an_operation_survives_a_closed_connection(&store, async || {
                for connection in connections_to(&database, &operator).await {
                    // The pool may have closed a connection already.
                    let kill = sqlx::AssertSqlSafe(format!("KILL {connection}"));
                    let _ = sqlx::query(kill).execute(&operator).await;
                }
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_silent_connections_cost_one_try() {
    // Runs in parallel, because most of the time is spent in time-outs.
    let cost_one_try = async |server, is_tested| {
        let options = MySqlPoolOptions::new().test_before_acquire(is_tested);
        let (store, proxy) = behind_a_proxy(server, options).await;
        sql::silent_connections_cost_one_try(&store, &proxy).await;
    };
    tokio::join!(
        cost_one_try(&MARIADB, true),
        cost_one_try(&MARIADB, false),
        cost_one_try(&MYSQL, true),
        cost_one_try(&MYSQL, false),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_everything_works_again_after_a_silence() {
    let works_again = async |is_tested| {
        let options = MySqlPoolOptions::new().test_before_acquire(is_tested);
        let (store, proxy) = behind_a_proxy(&MARIADB, options).await;
        sql::everything_works_again_after_a_silence(&store, &proxy).await;
    };
    tokio::join!(works_again(true), works_again(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_wait_forever() {
    for server in [&*MARIADB, &*MYSQL] {
        let options = MySqlPoolOptions::new().test_before_acquire(false);
        let (pool, proxy) = pool_behind_a_proxy(server, options).await;
        let short = Duration::from_millis(500);
        let store = MySqlStore::builder(pool).response_timeout(short);
        let store = store.build().unwrap();
        sql::a_migration_does_not_wait_forever(async || store.migrate().await, &proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_a_lost_reply_is_made_up_for() {
    for server in [&*MARIADB, &*MYSQL] {
        let (store, proxy) =
            behind_a_proxy(server, MySqlPoolOptions::new().max_connections(1)).await;
        sql::a_lost_reply_is_made_up_for(&store, &proxy).await;
    }
}

#[tokio::test]
async fn a_removal_that_is_sent_again_ends_what_is_there_by_now() {
    for server in [&*MARIADB, &*MYSQL] {
        let (store, proxy) = behind_a_proxy(server, MySqlPoolOptions::new()).await;
        sql::a_removal_that_is_sent_again_ends_what_is_there_by_now(&store, &proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_a_connection_may_fall_silent_after_its_reply() {
    let may_fall_silent = async |server| {
        let options = MySqlPoolOptions::new().max_connections(1);
        let (store, proxy) = behind_a_proxy(server, options).await;
        sql::a_connection_may_fall_silent_after_its_reply(&store, &proxy).await;
    };
    tokio::join!(may_fall_silent(&MARIADB), may_fall_silent(&MYSQL));
}

#[tokio::test(flavor = "multi_thread")]
async fn g18_no_fault_outlasts_itself() {
    let (store, proxy) = behind_a_proxy(&MARIADB, MySqlPoolOptions::new()).await;
    no_fault_outlasts_itself(store, &proxy, SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: tests/nightly"]
async fn g18_no_fault_outlasts_itself_wherever_it_meets() {
    let (store, proxy) = behind_a_proxy(&MARIADB, MySqlPoolOptions::new()).await;
    no_fault_outlasts_itself(store, &proxy, MANY).await;
}

/// Uses the default time-out, because a shorter one would fail on a busy machine.
async fn behind_a_proxy(server: &Server, options: MySqlPoolOptions) -> (MySqlStore, Proxy) {
    let (pool, proxy) = pool_behind_a_proxy(server, options).await;
    (MySqlStore::new(pool), proxy)
}

async fn pool_behind_a_proxy(server: &Server, options: MySqlPoolOptions) -> (MySqlPool, Proxy) {
    let (direct, _) = opened(server).await;
    let (proxy, port) = Proxy::before(server.address()).await;
    let way = (*direct.connect_options()).clone().port(port);
    (options.connect_with(way).await.unwrap(), proxy)
}
