//! Creating the tables, and refusing foreign ones.

use std::sync::Arc;

use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use starsessions::MySqlStore;
use starsessions::store::{Inserted, Listing, SetupError, Store, StoreError};
use starsessions::testing::conformance;
use starsessions_tests::servers::mariadb;

use super::{MARIADB, MYSQL, database, execute, number, opened, pool};
use crate::sql::failing::only_the_other_row_is_listed;
use crate::sql::{at, filed_row, index_key, key, row};

#[tokio::test]
async fn instances_that_start_together_make_the_tables_together() {
    for server in [&*MARIADB, &*MYSQL] {
        let database = database(server).await;
        let instances = (0..8).map(|_| {
            let url = mariadb::url(server, &database);
            tokio::spawn(async move {
                let pool = MySqlPoolOptions::new().connect(&url).await.unwrap();
                let store = MySqlStore::new(pool.clone());
                store.migrate().await.unwrap();
                store.migrate().await.unwrap();
                pool
            })
        });
        let instances: Vec<_> = instances.collect();
        for (place, instance) in (0..).zip(instances) {
            let pool = instance.await.unwrap();
            let store = MySqlStore::new(pool.clone());
            let inserted = store.insert(&key(place), &row(b"1"), at(0)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted);
            assert_eq!(
                number(&pool, "SELECT COUNT(*) FROM starsessions_schema").await,
                1
            );
        }
    }
}

#[tokio::test]
async fn the_tables_can_be_made_by_a_script() {
    for server in [&*MARIADB, &*MYSQL] {
        let pool = pool(server, &database(server).await, MySqlPoolOptions::new()).await;
        let store = MySqlStore::new(pool.clone());
        // The script can run repeatedly.
        execute(&pool, &store.schema_sql().repeat(2)).await;
        conformance::run(&store).await;
        store.migrate().await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (pool, store) = opened(&MARIADB).await;
    execute(&pool, "INSERT INTO starsessions_schema VALUES (7)").await;
    execute(&pool, "DROP TABLE starsessions_index").await;
    let refused = store.migrate().await.unwrap_err();
    assert!(
        matches!(refused, SetupError::Newer { found: 7, known: 2 }),
        "{refused}"
    );
    assert!(refused.to_string().contains("schema 7"), "{refused}");
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
    assert_eq!(number(&pool, tables).await, 2, "nothing was made");
}

/// Each connection would roll its writes back when it closes.
#[tokio::test]
async fn connections_that_do_not_commit_are_refused() {
    for server in [&*MARIADB, &*MYSQL] {
        let database = database(server).await;
        let options = MySqlPoolOptions::new().after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SET autocommit = 0").await.map(drop) })
        });
        let pool = pool(server, &database, options).await;
        let refused = MySqlStore::new(pool.clone()).migrate().await.unwrap_err();
        assert!(matches!(refused, SetupError::NoAutocommit), "{refused:?}");
        assert!(refused.to_string().contains("`autocommit`"), "{refused}");
        let tables =
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
        assert_eq!(number(&pool, tables).await, 0, "nothing was made");
    }
}

#[tokio::test]
async fn a_table_of_another_application_is_refused() {
    let database = database(&MARIADB).await;
    let pool = pool(&MARIADB, &database, MySqlPoolOptions::new()).await;
    execute(
        &pool,
        "CREATE TABLE starsessions (id BIGINT UNSIGNED PRIMARY KEY, name TEXT)",
    )
    .await;
    let refused = MySqlStore::new(pool.clone()).migrate().await.unwrap_err();
    assert!(matches!(refused, SetupError::Foreign(_)), "{refused:?}");
    // Another table name avoids the conflict, even a reserved word.
    let store = MySqlStore::builder(pool).table("select").build().unwrap();
    store.migrate().await.unwrap();
    conformance::run(&store).await;
}

#[tokio::test]
async fn a_name_that_needs_quotes_is_refused() {
    let (pool, _) = opened(&MARIADB).await;
    let refused = MySqlStore::builder(pool).table("a`; DROP TABLE b").build();
    assert!(refused.unwrap_err().to_string().contains("lower-case"));
}

#[tokio::test]
async fn a_user_who_may_not_make_tables_is_told_so() {
    let (pool, _) = opened(&MARIADB).await;
    let database: String = sqlx::query_scalar("SELECT DATABASE()")
        .fetch_one(&pool)
        .await
        .unwrap();
    execute(
        &pool,
        &format!("CREATE USER {database}@'127.0.0.1' IDENTIFIED BY 'secret'"),
    )
    .await;
    let grant =
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {database}@'127.0.0.1'");
    execute(&pool, &grant).await;
    let url = format!("mysql://{database}:secret@{}/{database}", MARIADB.address());
    let pool = MySqlPoolOptions::new().connect(&url).await.unwrap();
    let other = MySqlStore::builder(pool.clone()).table("other").build();
    let refused = other.unwrap().migrate().await.unwrap_err();
    assert!(matches!(refused, SetupError::Unavailable(_)), "{refused:?}");
    let store = MySqlStore::new(pool);
    assert!(!format!("{refused:?} {store:?}").contains("secret"));
    // All other operations work without further privileges.
    store.migrate().await.unwrap();
    conformance::run(&store).await;
}

/// Tables of the first layout were never released, so there is no migration.
#[tokio::test]
async fn a_table_of_the_first_layout_is_refused_and_kept() {
    let database = database(&MARIADB).await;
    let pool = pool(&MARIADB, &database, MySqlPoolOptions::new()).await;
    for step in [
        "CREATE TABLE starsessions (id BIGINT UNSIGNED PRIMARY KEY, fields JSON)",
        "INSERT INTO starsessions VALUES (1, '{}')",
        "CREATE TABLE starsessions_schema (version INT NOT NULL PRIMARY KEY)",
        "INSERT INTO starsessions_schema VALUES (1)",
    ] {
        execute(&pool, step).await;
    }
    let refused = MySqlStore::new(pool.clone()).migrate().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tables of sessions have a layout from before the first release of `starsessions`; drop them or move the file away, or name another one"
    );
    assert_eq!(number(&pool, "SELECT COUNT(*) FROM starsessions").await, 1);
}

#[tokio::test]
async fn what_is_no_session_is_corrupt_and_can_be_ended() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, store) = opened(server).await;
        for damage in ["index_keys = NULL", "card = NULL", "index_keys = 'short'"] {
            let inserted = store.insert(&key(1), &filed_row(b"a", 1), at(0)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted);
            execute(&pool, &format!("UPDATE starsessions SET {damage}")).await;
            let loaded = store.load(&key(1), at(1)).await;
            assert!(
                matches!(loaded, Err(StoreError::Corrupt(_))),
                "{damage}: {loaded:?}"
            );
            only_the_other_row_is_listed(&store).await;
            assert_eq!(store.remove(&key(1)).await.unwrap(), None);
            assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None);
        }
    }
}

/// As after a restore of some tables only.
#[tokio::test]
async fn a_lost_table_of_index_keys_is_made_again_with_its_entries() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, store) = opened(server).await;
        let mut twice = row(b"2");
        let index_keys = vec![index_key(1), index_key(2)];
        twice.listing = Some(Arc::new(Listing::new(index_keys, *b"card")));
        for (number, row) in [(1, filed_row(b"1", 1)), (2, twice), (3, row(b"3"))] {
            store.insert(&key(number), &row, at(0)).await.unwrap();
        }
        // MySQL refuses more than 1000 steps of a recursion, so a row of another program must not need them.
        let many = "UPDATE starsessions SET index_keys = REPEAT('x', 60000) WHERE card IS NULL";
        execute(&pool, many).await;
        let losses = [
            "DROP TABLE starsessions_index",
            "DELETE FROM starsessions_index",
        ];
        for loss in losses {
            execute(&pool, loss).await;
            store.migrate().await.unwrap();
            for (user, sessions) in [(1, 2), (2, 1)] {
                let listed = store.listed(&index_key(user), at(1)).await.unwrap();
                assert_eq!(listed.len(), sessions, "{loss}");
            }
        }
        conformance::run(&store).await;
    }
}

/// The foreign key of the table of index keys follows the renamed table, so no sign-in could be written.
#[tokio::test]
async fn a_renamed_table_is_noticed() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, store) = opened(server).await;
        let signed_in = filed_row(b"1", 1);
        store.insert(&key(1), &signed_in, at(0)).await.unwrap();
        execute(&pool, "RENAME TABLE starsessions TO renamed").await;
        let refused = store.migrate().await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "\"starsessions_index\" refers to a table of sessions that was renamed; rename that table back, or drop \"starsessions_index\" and migrate again"
        );
        let tables =
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
        assert_eq!(number(&pool, tables).await, 3, "nothing was made");

        execute(&pool, "DROP TABLE starsessions_index").await;
        store.migrate().await.unwrap();
        conformance::run(&store).await;
        let renamed = MySqlStore::builder(pool).table("renamed").build().unwrap();
        renamed.migrate().await.unwrap();
        let listed = renamed.listed(&index_key(1), at(1)).await.unwrap();
        assert_eq!(listed.len(), 1);
    }
}

/// An operator has changed the column, so the row has no revision by which it could be removed.
#[tokio::test]
async fn a_row_without_a_readable_revision_can_be_ended() {
    for server in [&*MARIADB, &*MYSQL] {
        let (pool, store) = opened(server).await;
        for column in ["BIGINT UNSIGNED NOT NULL", "DECIMAL(20) NOT NULL", "TEXT"] {
            execute(
                &pool,
                "ALTER TABLE starsessions MODIFY revision BIGINT NOT NULL",
            )
            .await;
            let signed_in = filed_row(b"a", 1);
            store.insert(&key(1), &signed_in, at(0)).await.unwrap();
            execute(
                &pool,
                &format!("ALTER TABLE starsessions MODIFY revision {column}"),
            )
            .await;
            let loaded = store.load(&key(1), at(1)).await;
            assert!(
                matches!(loaded, Err(StoreError::Corrupt(_))),
                "{column}: {loaded:?}"
            );
            assert_eq!(store.remove(&key(1)).await.unwrap(), None, "{column}");
            assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None, "{column}");
        }
    }
}
