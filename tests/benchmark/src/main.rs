//! Measures the cost of sessions, in one run with other libraries. See `tests/bench`.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::large_enum_variant,
    reason = "a floor has few of them, and one step less"
)]

mod contestants;
mod growth;
mod load;
mod measure;
mod rows;
mod server_time;
mod table;
mod targets;
mod visitor;

use contestants::{actix, axum_session, bare, floor, honest, layers, ours, stores, tower_sessions};
use measure::{Case, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|it| it.starts_with("--"));
    let number = |name: &str, default: u32| {
        let prefix = format!("--{name}=");
        let given = options.iter().find_map(|it| it.strip_prefix(&prefix));
        given.map_or(default, |it| it.parse().expect("a number"))
    };
    let (rounds, requests) = (number("rounds", 40), number("requests", 1_000));
    let svg = options.iter().find_map(|it| it.strip_prefix("--svg="));
    if let Some(place) = options.iter().find_map(|it| it.strip_prefix("--serve=")) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        return runtime.block_on(load::serve(place));
    }
    // A second thread, as in a server, so that the allocator takes locks.
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        if let Some(largest) = options.iter().find_map(|it| it.strip_prefix("--growth=")) {
            return grow(largest.parse().expect("a number")).await;
        }
        if options.iter().any(|it| it == "--servers") {
            return server_time::run().await;
        }
        let mut cases = all().await;
        cases.retain(|case| case.contestant.starts_with("bare a") || case.is_meant_by(&words));
        if options.iter().any(|it| it == "--once") {
            // For callgrind: serves exactly one case, `requests` times.
            for case in cases.iter_mut().filter(|case| case.is_meant_by(&words)) {
                case.serve(requests).await;
            }
            return;
        }
        let costs = measure::run(&mut cases, rounds, requests).await;
        let rows = table::rows(&cases, &costs);
        println!("{}", table::text(&rows));
        print!("{}", targets::text(&rows));
        if let Some(path) = svg {
            std::fs::write(path, table::svg(&rows)).expect("the plot is written");
        }
    });
}

async fn grow(largest: usize) {
    let up_to_largest = |sizes: &[usize]| -> Vec<usize> {
        let fitting = sizes.iter().copied().filter(|it| *it <= largest);
        fitting.collect()
    };
    growth::memory(&up_to_largest(&[1_000, 10_000, 100_000, 1_000_000])).await;
    growth::sockets(&up_to_largest(&[1_000, 10_000, 100_000])).await;
    let sizes = up_to_largest(&[10_000, 1_000_000, 10_000_000]);
    if let Ok(folder) = std::env::var("BENCH_FOLDER") {
        rows::sqlite(&folder, &sizes).await;
    }
    if let Ok(url) = std::env::var("BENCH_POSTGRES") {
        rows::postgres(&url, &sizes).await;
    }
    if let Ok(url) = std::env::var("BENCH_REDIS") {
        growth::redis(&url).await;
    }
}

async fn all() -> Vec<Case> {
    let mut cases = bare();
    cases.extend(layers::cases());
    cases.extend(floor::cases().await);
    cases.extend(honest::cases().await);
    cases.extend(ours::cases().await);
    cases.extend(tower_sessions::cases().await);
    cases.extend(axum_session::cases().await);
    cases.extend(actix::cases().await);
    let mut waiting = Vec::new();
    if let Ok(url) = std::env::var("BENCH_REDIS") {
        waiting.extend(stores::redis(&url).await);
        waiting.extend(tower_sessions::redis(&url).await);
        waiting.extend(axum_session::redis(&url).await);
    }
    if let Ok(url) = std::env::var("BENCH_POSTGRES") {
        waiting.extend(stores::postgres(&url).await);
    }
    if let Ok(url) = std::env::var("BENCH_MYSQL") {
        waiting.extend(stores::mysql(&url).await);
    }
    if let Ok(path) = std::env::var("BENCH_SQLITE") {
        waiting.extend(stores::sqlite(&path).await);
    }
    cases.extend(waiting.into_iter().map(Case::waiting));
    cases
}
