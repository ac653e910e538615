//! Creating the table, and refusing a foreign one.

use sqlx::postgres::PgPoolOptions;
use starsessions::PostgresStore;
use starsessions::store::SetupError;
use starsessions::testing::conformance;

use super::Database;

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_make_one_table() {
    let database = Database::new().await;
    for level in ["read committed", "repeatable read", "serializable"] {
        let options = database.options.clone();
        let options = options.options([("default_transaction_isolation", level)]);
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        for round in 0..5 {
            let table = format!("{}{round}", level.replace(' ', "_"));
            let builder = PostgresStore::builder(pool.clone()).table(&table);
            let store = builder.build().unwrap();
            let instances: Vec<_> = (0..8)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { store.migrate().await })
                })
                .collect();
            for instance in instances {
                instance.await.unwrap().unwrap();
            }
            conformance::a_row_is_kept_as_it_was_given(&store).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_is_what_migrating_does() {
    let database = Database::new().await;
    let pool = database.pool(2).await;
    // A reserved word as the table name.
    let builder = PostgresStore::builder(pool.clone()).table("select");
    let store = builder.build().unwrap();
    let script = sqlx::AssertSqlSafe(store.schema_sql());
    sqlx::raw_sql(script).execute(&pool).await.unwrap();
    conformance::run(&store).await;
    store.migrate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_table_is_refused_and_kept() {
    let database = Database::new().await;
    let pool = database.pool(1).await;
    let newer = "INSERT INTO starsessions_schema VALUES (9)";
    sqlx::query(newer).execute(&pool).await.unwrap();
    let error = database.store.migrate().await.unwrap_err();
    assert!(
        matches!(error, SetupError::Newer { found: 9, known: 2 }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "the tables of sessions have schema 9 and this version knows 2; update `starsessions`, or name another file or table"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_applications_table_is_refused_and_kept() {
    let database = Database::new().await;
    let pool = database.pool(2).await;
    let theirs = "CREATE TABLE theirs (key text, data text); INSERT INTO theirs VALUES ('a', 'b')";
    sqlx::raw_sql(theirs).execute(&pool).await.unwrap();
    let builder = PostgresStore::builder(pool.clone()).table("theirs");
    let error = builder.build().unwrap().migrate().await.unwrap_err();
    assert!(
        matches!(&error, SetupError::Foreign(table) if table == "theirs"),
        "{error}"
    );
    assert_eq!(super::number(&pool, "SELECT count(*) FROM theirs").await, 1);
}

/// Tables of the first layout were never released, so there is no migration.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_first_layout_is_refused_and_kept() {
    let database = Database::new().await;
    let pool = database.pool(2).await;
    let old = "CREATE TABLE old (key bytea PRIMARY KEY, field_names bytea[]);
        INSERT INTO old VALUES ('a', '{}');
        CREATE TABLE old_schema (version integer PRIMARY KEY);
        INSERT INTO old_schema VALUES (1)";
    sqlx::raw_sql(old).execute(&pool).await.unwrap();
    let builder = PostgresStore::builder(pool.clone()).table("old");
    let error = builder.build().unwrap().migrate().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tables of sessions have a layout from before the first release of `starsessions`; drop them or move the file away, or name another one"
    );
    assert_eq!(super::number(&pool, "SELECT count(*) FROM old").await, 1);
}
