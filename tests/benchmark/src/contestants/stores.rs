//! Sessions on servers and in a file, compared with the bare client doing the same reads and writes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use redis::AsyncCommands as _;
use starsessions::store::Backend;
use starsessions::{KeyRing, MySqlStore, PostgresStore, RedisStore, SessionLayer, SqliteStore};

use super::{AXUM, call, cookie_of, ours};
use crate::measure::{Case, Kind};

const KINDS: [Kind; 5] = [
    Kind::Untouched,
    Kind::Read,
    Kind::Write,
    Kind::Create,
    Kind::Rotate,
];

/// The base of the bare client, which does one round trip (`read`) or two (`read + write`).
const CLIENT: &str = "no request at all";

/// The number of parallel clients.
const CLIENTS: u32 = 32;

/// As long as the sessions' values, and different each time like those: MariaDB writes nothing if a value does not
/// change, and PostgreSQL logs less for smaller changes.
fn next_value() -> [u8; 300] {
    static TURN: AtomicU8 = AtomicU8::new(0);
    [TURN.fetch_add(1, Ordering::Relaxed); 300]
}

pub async fn redis(url: &str) -> Vec<Case> {
    let client = redis::Client::open(url).expect("a URL");
    let store = RedisStore::connect(client.clone())
        .await
        .expect("Redis is there");
    let mut cases = over("starsessions, Redis", store).await;
    let connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis is there");
    let mut setup = connection.clone();
    for key in 0..CLIENTS {
        let () = setup
            .set(key, &next_value()[..])
            .await
            .expect("Redis answers");
    }
    cases.extend(client_alone("bare client, Redis", move |key, writes| {
        let mut connection = connection.clone();
        async move {
            let _: Vec<u8> = connection.get(key).await.expect("Redis answers");
            if writes {
                let () = connection
                    .set(key, &next_value()[..])
                    .await
                    .expect("Redis answers");
            }
        }
    }));
    cases
}

pub async fn postgres(url: &str) -> Vec<Case> {
    let pool = sqlx::PgPool::connect(url)
        .await
        .expect("PostgreSQL is there");
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.expect("a schema");
    let mut cases = over("starsessions, PostgreSQL", store).await;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS bare (id bigint PRIMARY KEY, value bytea);
         INSERT INTO bare SELECT n, repeat('x', 300)::bytea FROM generate_series(0, 31) AS n ON CONFLICT DO NOTHING",
    )
    .execute(&pool)
    .await
    .expect("a table");
    cases.extend(client_alone(
        "bare client, PostgreSQL",
        move |key, writes| {
            let pool = pool.clone();
            async move {
                let read = sqlx::query_scalar::<_, Vec<u8>>("SELECT value FROM bare WHERE id = $1");
                read.bind(i64::from(key))
                    .fetch_one(&pool)
                    .await
                    .expect("a row");
                if writes {
                    let write = sqlx::query("UPDATE bare SET value = $2 WHERE id = $1");
                    let value = next_value();
                    let write = write.bind(i64::from(key)).bind(&value[..]);
                    write.execute(&pool).await.expect("a row");
                }
            }
        },
    ));
    cases
}

pub async fn mysql(url: &str) -> Vec<Case> {
    let pool = sqlx::MySqlPool::connect(url)
        .await
        .expect("MariaDB is there");
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.expect("a schema");
    let mut cases = over("starsessions, MariaDB", store).await;
    let create = "CREATE TABLE IF NOT EXISTS bare (id bigint PRIMARY KEY, value blob)";
    sqlx::raw_sql(create).execute(&pool).await.expect("a table");
    for key in 0..CLIENTS {
        let insert = sqlx::query("INSERT IGNORE INTO bare VALUES (?, REPEAT('x', 300))").bind(key);
        insert.execute(&pool).await.expect("a row");
    }
    cases.extend(client_alone("bare client, MariaDB", move |key, writes| {
        let pool = pool.clone();
        async move {
            let read = sqlx::query_scalar::<_, Vec<u8>>("SELECT value FROM bare WHERE id = ?");
            read.bind(key).fetch_one(&pool).await.expect("a row");
            if writes {
                let write = sqlx::query("UPDATE bare SET value = ? WHERE id = ?");
                let value = next_value();
                let write = write.bind(&value[..]).bind(key);
                write.execute(&pool).await.expect("a row");
            }
        }
    }));
    cases
}

/// The bare client has a separate file with the same settings, and no thread that writes for all clients, so
/// 32 parallel requests run one after the other.
pub async fn sqlite(path: &str) -> Vec<Case> {
    let store = SqliteStore::open(path).expect("a file");
    let mut cases = over("starsessions, SQLite", store).await;
    let alone = rusqlite::Connection::open(format!("{path}.bare")).expect("a file");
    alone
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE bare (id INTEGER PRIMARY KEY, value BLOB);
             WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 31)
             INSERT INTO bare SELECT n, randomblob(300) FROM n",
        )
        .expect("a table");
    let alone = Rc::new(alone);
    cases.extend(client_alone("bare client, SQLite", move |key, writes| {
        let alone = Rc::clone(&alone);
        async move {
            let mut read = alone
                .prepare_cached("SELECT value FROM bare WHERE id = ?")
                .expect("a statement");
            let _: Vec<u8> = read.query_row([key], |row| row.get(0)).expect("a row");
            if writes {
                let mut write = alone
                    .prepare_cached("UPDATE bare SET value = ? WHERE id = ?")
                    .expect("a statement");
                write.execute((&next_value()[..], key)).expect("a row");
            }
        }
    }));
    cases
}

/// The cases with sequential requests, and with 32 parallel clients.
async fn over(contestant: &'static str, store: impl Backend + Clone) -> Vec<Case> {
    let mut cases = ours::over(contestant, store.clone(), &KINDS).await;
    let keys = KeyRing::generate().expect("randomness");
    let mut app: Router = ours::routes().layer(SessionLayer::new(store, keys));
    let mut cookies = Vec::new();
    for _ in 0..CLIENTS {
        cookies.push(cookie_of(&call(&mut app, "/create", None).await));
    }
    let clients = Rc::new(RefCell::new(cookies));
    cases.push(Case::new(
        contestant,
        AXUM,
        Kind::Parallel,
        move |requests| {
            let (app, clients) = (app.clone(), Rc::clone(&clients));
            at_once(requests, move |client| {
                let mut app = app.clone();
                let cookie = clients.borrow()[client as usize].clone();
                async move {
                    let response = call(&mut app, "/write", cookie.as_ref()).await;
                    assert!(response.status().is_success());
                }
            })
        },
    ));
    cases
}

/// The same reads and writes without sessions. `once` does one read, and also a write if its second argument is set.
fn client_alone<F: Future<Output = ()> + 'static>(
    contestant: &'static str,
    once: impl Fn(u32, bool) -> F + Clone + 'static,
) -> Vec<Case> {
    let in_turn = |kind, writes| {
        let once = once.clone();
        Case::new(contestant, CLIENT, kind, move |requests| {
            let once = once.clone();
            async move {
                for _ in 0..requests {
                    once(0, writes).await;
                }
            }
        })
    };
    let parallel = once.clone();
    vec![
        in_turn(Kind::Read, false),
        in_turn(Kind::Write, true),
        Case::new(contestant, CLIENT, Kind::Parallel, move |requests| {
            let once = parallel.clone();
            at_once(requests, move |client| once(client, true))
        }),
    ]
}

/// Sends requests by 32 clients, each of which waits only for its own responses.
async fn at_once<F: Future<Output = ()> + 'static>(
    requests: u32,
    once: impl Fn(u32) -> F + Clone + 'static,
) {
    let client = |client| {
        let once = once.clone();
        tokio::task::spawn_local(async move {
            for _ in 0..requests / CLIENTS {
                once(client).await;
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    for client in clients {
        client.await.expect("a client");
    }
}
