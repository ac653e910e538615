//! The cost of many sessions on a disk: of hot sessions, and of cold sessions, whose pages are in no cache.
//!
//! The database itself creates most rows, as copies of a real row under random keys. Real sessions are spread among all
//! rows.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use axum::Router;
use http::HeaderValue;
use sqlx::PgPool;
use starsessions::store::Store;
use starsessions::{KeyRing, PostgresStore, SessionLayer, SqliteStore};

use crate::contestants::{call, cookie_of};
use crate::growth::routes;

/// Measures sessions in an SQLite file, at each size.
pub async fn sqlite(folder: &str, sizes: &[usize]) {
    heading("SQLite");
    for size in sizes {
        let folder = format!("{folder}/{size}");
        std::fs::create_dir(&folder).expect("a folder of our own");
        let path = format!("{folder}/sessions.db");
        let store = SqliteStore::open(&path).expect("a file");
        let filler = rusqlite::Connection::open(&path).expect("the same file");
        filler
            .execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;")
            .expect("settings");
        let fill = async |rows: usize| {
            filler
                .execute(FILL_SQLITE, [rows as i64])
                .expect("more rows");
        };
        let evict = async || {
            filler
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .expect("a checkpoint");
            evict(Path::new(&folder));
        };
        let times = measure(store, *size, fill, evict).await;
        let file = std::fs::metadata(&path).expect("the file").len();
        times.print(*size, file);
        drop(filler);
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// Measures sessions in a PostgreSQL table, at each size.
pub async fn postgres(url: &str, sizes: &[usize]) {
    heading("PostgreSQL");
    let pool = PgPool::connect(url).await.expect("PostgreSQL is there");
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.expect("a schema");
    let data: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(&pool)
        .await
        .expect("we are its administrator");
    for size in sizes {
        run(&pool, "TRUNCATE starsessions").await;
        let fill = async |rows: usize| {
            let fill = sqlx::query(FILL_POSTGRES).bind(rows as i64);
            fill.execute(&pool).await.expect("more rows");
        };
        let evict = async || {
            run(&pool, "CHECKPOINT").await;
            evict(Path::new(&data));
        };
        let times = measure(store.clone(), *size, fill, evict).await;
        let table: i64 = sqlx::query_scalar("SELECT pg_total_relation_size('starsessions')")
            .fetch_one(&pool)
            .await
            .expect("the table");
        times.print(*size, table.cast_unsigned());
    }
    run(&pool, "TRUNCATE starsessions").await;
}

async fn run(pool: &PgPool, statement: &'static str) {
    sqlx::raw_sql(statement)
        .execute(pool)
        .await
        .expect("the statement");
}

/// Medians in microseconds; for cold reads also the 99th percentile.
struct Times {
    new: f64,
    hot_read: f64,
    hot_write: f64,
    cold_read: f64,
    cold_read_99: f64,
    cold_write: f64,
}

async fn measure(
    store: impl Store,
    size: usize,
    fill: impl AsyncFn(usize),
    evict: impl AsyncFn(),
) -> Times {
    let keys = KeyRing::generate().expect("randomness");
    let mut app = routes().layer(SessionLayer::new(store, keys));
    let (slice, real) = (size / SLICES, REAL.min(size / SLICES));
    let mut cookies = Vec::new();
    let mut new = Vec::new();
    for _ in 0..SLICES {
        new.clear();
        for _ in 0..real {
            let start = Instant::now();
            let response = call(&mut app, "/create", None).await;
            new.push(start.elapsed().as_nanos() as f64 / 1e3);
            cookies.push(cookie_of(&response).expect("a session begins"));
        }
        fill(slice - real).await;
    }
    // An order that is unrelated to the order of the rows.
    let mut mixed: Vec<_> = (0..cookies.len())
        .map(|place| &cookies[place * STRIDE % cookies.len()])
        .collect();
    mixed.dedup();
    let few: Vec<_> = mixed.iter().take(20).copied().cycle().take(2_000).collect();
    for path in ["/read", "/write"] {
        ask(&mut app, path, &few).await;
    }
    let hot_read = at(0.5, ask(&mut app, "/read", &few).await);
    let hot_write = at(0.5, ask(&mut app, "/write", &few).await);
    evict().await;
    let reads = ask(&mut app, "/read", &mixed).await;
    evict().await;
    let cold_write = at(0.5, ask(&mut app, "/write", &mixed).await);
    Times {
        new: at(0.5, new),
        hot_read,
        hot_write,
        cold_read: at(0.5, reads.clone()),
        cold_read_99: at(0.99, reads),
        cold_write,
    }
}

async fn ask(app: &mut Router, path: &str, cookies: &[&HeaderValue]) -> Vec<f64> {
    let mut times = Vec::with_capacity(cookies.len());
    for cookie in cookies {
        let start = Instant::now();
        let response = call(app, path, Some(cookie)).await;
        times.push(start.elapsed().as_nanos() as f64 / 1e3);
        assert!(response.status().is_success());
        assert!(
            response.headers().get("set-cookie").is_none(),
            "the session is there"
        );
    }
    times
}

fn at(part: f64, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * part) as usize]
}

/// Evicts these files from the operating system's page cache.
fn evict(folder: &Path) {
    let script = "sync; find \"$0\" -type f -exec dd if={} iflag=nocache count=0 status=none ';'";
    let forgotten = Command::new("sh").args(["-c", script]).arg(folder).status();
    assert!(forgotten.is_ok_and(|it| it.success()), "dd of coreutils");
}

fn heading(database: &str) {
    println!(
        "| rows in {database} | bytes of a row, indexes included | µs of a read, hot | cold | cold, slowest in 100 | µs of a read + write, hot | cold | µs of a new session |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

impl Times {
    fn print(&self, size: usize, bytes: u64) {
        println!(
            "| {size} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
            bytes / size as u64,
            self.hot_read,
            self.cold_read,
            self.cold_read_99,
            self.hot_write,
            self.cold_write,
            self.new
        );
    }
}

const SLICES: usize = 20;
/// The number of real sessions in each slice.
const REAL: usize = 100;
/// Coprime to the number of real sessions.
const STRIDE: usize = 769;

const FILL_SQLITE: &str = "
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1)
INSERT INTO sessions (session_key, revision, deadline, last_seen, card, index_keys, value)
SELECT randomblob(length(session_key)), revision, deadline + n % 3600, last_seen, card, index_keys, value
FROM counted, (SELECT * FROM sessions ORDER BY id LIMIT 1) WHERE ?1 > 0";

const FILL_POSTGRES: &str = "
INSERT INTO starsessions (session_key, revision, deadline, last_seen, value, index_keys, card)
SELECT sha256(convert_to(n::text || random()::text, 'UTF8')), revision, deadline + n % 3600,
    last_seen, value, index_keys, card
FROM generate_series(1, $1) AS n, (SELECT * FROM starsessions LIMIT 1) AS one";
