//! Sessions on servers, beside the bare round trips of the same client.

use redis::AsyncCommands as _;
use starsessions::{PostgresStore, RedisStore, SqliteStore};

use super::ours;
use crate::measure::{Case, Kind};

const KINDS: [Kind; 5] = [
    Kind::Untouched,
    Kind::Read,
    Kind::Write,
    Kind::Create,
    Kind::Rotate,
];

/// What the client alone takes for one round trip (`read`) and for two (`read + write`).
const CLIENT: &str = "no request at all";

pub async fn redis(url: &str) -> Vec<Case> {
    let client = redis::Client::open(url).expect("a URL");
    let store = RedisStore::connect(client.clone())
        .await
        .expect("Redis is there");
    let mut cases = ours::over("starsessions, Redis", store, &KINDS).await;
    let connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis is there");
    let value = vec![b'x'; 300];
    let mut setup = connection.clone();
    let () = setup.set("benchmark", &value).await.expect("Redis answers");
    let reading = connection.clone();
    cases.push(Case::new(
        "bare client, Redis",
        CLIENT,
        Kind::Read,
        move |requests| {
            let mut connection = reading.clone();
            async move {
                for _ in 0..requests {
                    let _: Vec<u8> = connection.get("benchmark").await.expect("Redis answers");
                }
            }
        },
    ));
    cases.push(Case::new(
        "bare client, Redis",
        CLIENT,
        Kind::Write,
        move |requests| {
            let (mut connection, value) = (connection.clone(), value.clone());
            async move {
                for _ in 0..requests {
                    let _: Vec<u8> = connection.get("benchmark").await.expect("Redis answers");
                    let () = connection
                        .set("benchmark", &value)
                        .await
                        .expect("Redis answers");
                }
            }
        },
    ));
    cases
}

pub async fn postgres(url: &str) -> Vec<Case> {
    let pool = sqlx::PgPool::connect(url)
        .await
        .expect("PostgreSQL is there");
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.expect("a schema");
    let mut cases = ours::over("starsessions, PostgreSQL", store, &KINDS).await;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS bare (id bigint PRIMARY KEY, value bytea); INSERT INTO bare VALUES (1, ''::bytea) ON CONFLICT DO NOTHING")
        .execute(&pool)
        .await
        .expect("a table");
    for (kind, writes) in [(Kind::Read, false), (Kind::Write, true)] {
        let pool = pool.clone();
        cases.push(Case::new(
            "bare client, PostgreSQL",
            CLIENT,
            kind,
            move |requests| {
                let pool = pool.clone();
                async move {
                    for _ in 0..requests {
                        let read = sqlx::query_scalar::<_, Vec<u8>>(
                            "SELECT value FROM bare WHERE id = $1",
                        );
                        read.bind(1_i64).fetch_one(&pool).await.expect("a row");
                        if writes {
                            let write = sqlx::query("UPDATE bare SET value = $2 WHERE id = $1");
                            write
                                .bind(1_i64)
                                .bind(vec![b'x'; 300])
                                .execute(&pool)
                                .await
                                .expect("a row");
                        }
                    }
                }
            },
        ));
    }
    cases
}

pub async fn sqlite(path: &str) -> Vec<Case> {
    let store = SqliteStore::open(path).expect("a file");
    ours::over("starsessions, SQLite", store, &KINDS).await
}
