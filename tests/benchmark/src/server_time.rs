//! The time that servers spend, by their own statistics: on the sessions of requests, and on a bare client that reads
//! and writes as many bytes.

use redis::aio::MultiplexedConnection;
use sqlx::{MySqlPool, PgPool};

use crate::contestants::stores;
use crate::measure::{Case, Kind};

/// The number of measurements of each case, alternating between the library and the bare client. The lowest counts,
/// because it is the least disturbed by other processes.
const ROUNDS: u32 = 15;
const REQUESTS: u32 = 1_000;

/// Measures the servers whose addresses are in the environment.
pub async fn run() {
    println!(
        "| µs of the server | read | of the bare client's | read + write | of the bare client's |"
    );
    println!("|---|---|---|---|---|");
    if let Ok(url) = std::env::var("BENCH_POSTGRES") {
        let pool = PgPool::connect(&url).await.expect("PostgreSQL is there");
        let create = sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        create
            .execute(&pool)
            .await
            .expect("the extension is loaded");
        measure(
            "PostgreSQL",
            stores::postgres(&url).await,
            Server::Postgres(pool),
        )
        .await;
    }
    if let Ok(url) = std::env::var("BENCH_MYSQL") {
        let pool = MySqlPool::connect(&url).await.expect("MariaDB is there");
        measure("MariaDB", stores::mysql(&url).await, Server::MySql(pool)).await;
    }
    for (name, variable) in [("Redis", "BENCH_REDIS"), ("Valkey", "BENCH_VALKEY")] {
        if let Ok(url) = std::env::var(variable) {
            let client = redis::Client::open(&*url).expect("a URL");
            let connection = client.get_multiplexed_async_connection();
            let server = Server::Redis(connection.await.expect("Redis is there"));
            measure(name, stores::redis(&url).await, server).await;
        }
    }
}

async fn measure(name: &str, cases: Vec<Case>, mut server: Server) {
    print!("| {name} |");
    for [ours, bare] in &mut cases_of(cases) {
        let (mut lowest, mut floor) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            lowest = lowest.min(server.time_of(ours).await);
            floor = floor.min(server.time_of(bare).await);
        }
        print!(" {lowest:.1} | {:.2} |", lowest / floor);
    }
    println!();
}

/// Pairs the cases of the library and the bare client: reads, then writes.
fn cases_of(cases: Vec<Case>) -> [[Case; 2]; 2] {
    let (mut read, mut write) = (Vec::new(), Vec::new());
    for case in cases {
        match case.kind {
            Kind::Read => read.push(case),
            Kind::Write => write.push(case),
            _ => {}
        }
    }
    [read, write].map(|both| both.try_into().ok().expect("ours and the bare client"))
}

enum Server {
    Postgres(PgPool),
    MySql(MySqlPool),
    Redis(MultiplexedConnection),
}

impl Server {
    /// The microseconds of one request.
    async fn time_of(&mut self, case: &mut Case) -> f64 {
        self.forget().await;
        case.serve(REQUESTS).await;
        self.spent().await / f64::from(REQUESTS)
    }

    async fn forget(&mut self) {
        match self {
            Self::Postgres(pool) => {
                let reset = sqlx::raw_sql("SELECT pg_stat_statements_reset()");
                reset.execute(&*pool).await.expect("PostgreSQL answers");
            }
            Self::MySql(pool) => {
                let truncate = sqlx::raw_sql(
                    "TRUNCATE performance_schema.events_statements_summary_global_by_event_name",
                );
                truncate.execute(&*pool).await.expect("MariaDB answers");
            }
            Self::Redis(connection) => {
                let mut reset = redis::cmd("CONFIG");
                let reset = reset.arg("RESETSTAT").exec_async(connection);
                reset.await.expect("Redis answers");
            }
        }
    }

    async fn spent(&mut self) -> f64 {
        match self {
            Self::Postgres(pool) => {
                let sum =
                    "SELECT 1000 * sum(total_exec_time + total_plan_time) FROM pg_stat_statements
                           WHERE query NOT LIKE '%pg_stat%'";
                let sum = sqlx::query_scalar(sum).fetch_one(&*pool);
                sum.await.expect("PostgreSQL answers")
            }
            Self::MySql(pool) => {
                // Counts prepared statements, and the statements that begin and end a transaction.
                let sum = "SELECT CAST(SUM(SUM_TIMER_WAIT) / 1e6 AS DOUBLE)
                           FROM performance_schema.events_statements_summary_global_by_event_name
                           WHERE EVENT_NAME IN ('statement/com/Execute', 'statement/sql/begin', 'statement/sql/commit')";
                let sum = sqlx::query_scalar(sum).fetch_one(&*pool);
                sum.await.expect("MariaDB answers")
            }
            Self::Redis(connection) => {
                let info = redis::cmd("INFO").arg("commandstats").to_owned();
                let info: String = info.query_async(connection).await.expect("Redis answers");
                let calls = info.lines().filter_map(Call::parse);
                let calls: Vec<_> = calls.collect();
                // The server counts a command called by a script twice: for the script and for itself.
                let has_scripts = calls.iter().any(|call| call.name == "evalsha");
                let each = calls.iter().filter_map(|call| match call.name {
                    "get" => Some(call.each),
                    "set" if has_scripts => None,
                    "set" | "evalsha" => Some(call.each),
                    _ => None,
                });
                each.sum::<f64>() * f64::from(REQUESTS)
            }
        }
    }
}

/// A line such as `cmdstat_get:calls=2000,usec=1500,usec_per_call=0.75`.
struct Call<'a> {
    name: &'a str,
    each: f64,
}

impl<'a> Call<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let each = numbers
            .split(',')
            .find_map(|it| it.strip_prefix("usec_per_call="))?;
        Some(Self {
            name,
            each: each.parse().ok()?,
        })
    }
}
