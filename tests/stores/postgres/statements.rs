//! How often the server is asked, and what it does for an answer.

use bytes::Bytes;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use starsessions::store::{
    Commit, Committed, Created, Field, FieldWrite, IndexKey, Record, Rotated, Rotation, RowKey,
    Store, Touch, Touched,
};
use starsessions::{PostgresStore, Timestamp};
use starsessions_tests::servers::postgres;

use super::migrated;

/// A server that writes down every statement.
#[tokio::test(flavor = "multi_thread")]
async fn each_operation_is_one_statement() {
    let server = postgres::postgres(&["fsync=off", "log_statement=all", "log_min_messages=log"]);
    let url = postgres::url(&server, "postgres");
    let options = PgPoolOptions::new().test_before_acquire(false);
    let store = migrated(options.connect(&url).await.unwrap()).await;
    let seen = || {
        server.log().matches("LOG:  execute").count()
            + server.log().matches("LOG:  statement").count()
    };

    let (old, new) = (RowKey::from_bytes([1; 32]), RowKey::from_bytes([2; 32]));
    let mut before = seen();
    let mut count = |operation: &str, expected: usize| {
        let now = seen();
        let statements = now - before;
        before = now;
        println!("{operation}: {statements}");
        assert_eq!(statements, expected, "{operation}\n{}", server.log());
    };

    let created = store.create(&old, &record(), at(0)).await.unwrap();
    assert_eq!(created, Created::Applied);
    count("create", 1);
    store.load(&old, at(1)).await.unwrap();
    count("load", 1);
    let committed = store.commit(&old, &commit(), at(1)).await.unwrap();
    assert_eq!(committed, Committed::Applied(2));
    count("commit", 1);
    let mut guarded = commit();
    guarded.guards = vec![("a.x".into(), 1)];
    let committed = store.commit(&old, &guarded, at(1)).await.unwrap();
    assert!(matches!(committed, Committed::Conflict(_)));
    count("commit that conflicts", 1);
    let touched = store.touch(&old, &Touch::new(at(2), at(200)), at(2)).await;
    assert_eq!(touched.unwrap(), Touched::Applied);
    count("touch", 1);
    let rotation = Rotation::new(record(), Some(2));
    let rotated = store.rotate(&old, &new, &rotation, at(2)).await.unwrap();
    assert_eq!(rotated, Rotated::Applied);
    count("rotate", 1);
    store
        .sessions_of(&IndexKey::from_bytes([7; 32]), at(2))
        .await
        .unwrap();
    count("sessions_of", 1);
    store.delete(&new, at(2)).await.unwrap();
    count("delete", 1);
    store.sweep(10, at(2)).await.unwrap();
    count("sweep", 1);
}

/// What the server does for each statement, also when it plans without knowing the values: no
/// operation reads more than a few of thousands of rows.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_an_index() {
    let server = postgres::postgres(&[
        "fsync=off",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
    ]);
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let options: PgConnectOptions = postgres::url(&server, "postgres").parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options.options([("plan_cache_mode", mode)]));
        let pool = pool.await.unwrap();
        let store = PostgresStore::builder(pool.clone()).table(mode);
        let store = store.build().unwrap();
        store.migrate().await.unwrap();
        fill(&pool, mode, 20_000).await;

        let before = server.log().len();
        let (old, new) = (RowKey::from_bytes([1; 32]), RowKey::from_bytes([2; 32]));
        store.create(&old, &record(), at(0)).await.unwrap();
        store.load(&old, at(1)).await.unwrap();
        store.commit(&old, &commit(), at(1)).await.unwrap();
        let touch = Touch::new(at(1), at(200));
        store.touch(&old, &touch, at(1)).await.unwrap();
        let rotation = Rotation::new(record(), None);
        store.rotate(&old, &new, &rotation, at(1)).await.unwrap();
        let index = IndexKey::from_bytes([7; 32]);
        assert_eq!(store.sessions_of(&index, at(1)).await.unwrap().len(), 1);
        store.delete(&new, at(1)).await.unwrap();
        assert_eq!(store.sweep(10, at(1)).await.unwrap(), 10);

        let log = server.log();
        let plans = &log[before..];
        assert_eq!(plans.matches("plan:").count(), 8, "{plans}");
        assert!(!plans.contains("Seq Scan"), "{plans}");
        for (line, rows) in plans
            .lines()
            .filter_map(|line| Some((line, rows_of(line)?)))
        {
            assert!(rows <= 20, "{line}\n{plans}");
        }
    }
}

/// The rows that a step of a plan has found, or found and thrown away.
fn rows_of(line: &str) -> Option<u64> {
    let found = || line.split_once("(actual ")?.1.split_once("rows=");
    let count = match line.split_once("Rows Removed by ") {
        Some((_, removed)) => removed.split_once(": ")?.1,
        None => found()?.1.split([' ', '.']).next()?,
    };
    Some(count.parse().unwrap())
}

/// Sessions of which every other one has expired, with three for each user.
async fn fill(pool: &PgPool, table: &str, rows: i64) {
    let fill = format!(
        "INSERT INTO {table}
            SELECT sha256(i::text::bytea), 0, 0, 0, (i % 2) * 5000000000 + i, 1, false, false,
                ARRAY['a.x'::bytea], ARRAY['\\x01'::bytea], ARRAY[1], ARRAY[NULL::bigint],
                ARRAY[NULL::bigint], ARRAY[sha256((i / 3)::text::bytea)], NULL
            FROM generate_series(1, {rows}) AS i;
        ANALYZE {table}"
    );
    let fill = sqlx::raw_sql(sqlx::AssertSqlSafe(fill));
    fill.execute(pool).await.unwrap();
}

/// Two names in one statement, so that one that is not escaped is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_can_have_another_name_and_schema() {
    let database = super::Database::new().await;
    let pool = database.pool(2).await;
    sqlx::query("CREATE SCHEMA web")
        .execute(&pool)
        .await
        .unwrap();
    let store = PostgresStore::builder(pool.clone())
        .schema("web")
        .table("visits");
    let store = store.build().unwrap();
    store.migrate().await.unwrap();
    starsessions::testing::conformance::run(&store).await;
    assert_eq!(
        super::number(&pool, "SELECT count(*) FROM starsessions").await,
        0
    );
    assert!(super::number(&pool, "SELECT count(*) FROM web.visits").await > 0);
    assert!(
        PostgresStore::builder(pool)
            .table("Visits")
            .build()
            .is_err()
    );
}

fn record() -> Record {
    let mut record = Record::new(at(0), at(100));
    let mut field = Field::new(Bytes::from_static(b"1"), 1);
    field.index = Some(IndexKey::from_bytes([7; 32]));
    record.fields.insert("a.x".into(), field);
    record
}

fn commit() -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    commit
        .set
        .push(("a.x".into(), FieldWrite::new(Bytes::from_static(b"2"))));
    commit
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
