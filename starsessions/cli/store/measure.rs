//! How fast a store is from here: rows of its own, under fresh keys, which are removed afterwards.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use starsessions::Timestamp;
use starsessions::config::{Clock, SystemClock};
use starsessions::store::{Inserted, Replaced, Row, RowKey, Store, StoreError};
use tokio::task::JoinSet;

use super::{Target, with_store};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Args, Debug)]
pub(crate) struct Measure {
    #[command(flatten)]
    target: Target,
    /// How many rows
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// The size of a row's value
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    bytes: u32,
    /// How many operations are under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    parallel: u32,
}

pub(crate) async fn measure(measure: &Measure) -> Result<Output, Failure> {
    let open = measure.target.open().await?;
    with_store!(open, store => run(measure, store).await)
}

async fn run(measure: &Measure, store: impl Store + Clone) -> Result<Output, Failure> {
    let keys: Vec<_> = (0..measure.rows)
        .map(|_| fresh_key())
        .collect::<Result<_, _>>()?;
    let now = SystemClock.now();
    let size = usize::try_from(measure.bytes).unwrap_or(1);
    // The rows expire if this process ends before it has removed them.
    let row = Row::new(vec![0; size], now, now + LIFETIME);
    let mut lines = vec![format!(
        "{:<8} {:>10} {:>10} {:>10} {:>10} {:>12}",
        "", "median", "95 %", "99 %", "slowest", "per second"
    )];
    let mut operations = serde_json::Map::new();
    let mut failed = None;
    for operation in [
        Operation::Insert,
        Operation::Load,
        Operation::Replace,
        Operation::Remove,
    ] {
        // The inserted rows are removed even if an operation has failed.
        if failed.is_some() && operation != Operation::Remove {
            continue;
        }
        match pass(measure, &store, operation, &keys, &row, now).await {
            Ok(times) => {
                lines.push(times.line(operation.name()));
                operations.insert(operation.name().to_owned(), times.json());
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let output = Output::new(json!({
        "rows": measure.rows,
        "bytes": measure.bytes,
        "parallel": measure.parallel,
        "operations": operations,
    }));
    let output = lines.into_iter().fold(output, Output::line);
    failed.map_or(Ok(output), Err)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Insert,
    Load,
    Replace,
    Remove,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Load => "load",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }

    /// Whether the store has done what was asked.
    async fn run(
        self,
        store: &impl Store,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Insert => store.insert(key, row, now).await? == Inserted::Inserted,
            Self::Load => store.load(key, now).await?.as_ref() == Some(row),
            Self::Replace => {
                let mut next = row.clone();
                next.revision += 1;
                store.replace(key, row, &next, now).await? == Replaced::Replaced
            }
            Self::Remove => store.remove(key).await?.is_some(),
        })
    }
}

/// Runs one operation on every row, `parallel` at a time.
async fn pass(
    measure: &Measure,
    store: &(impl Store + Clone),
    operation: Operation,
    keys: &[RowKey],
    row: &Row,
    now: Timestamp,
) -> Result<Times, Failure> {
    let begun = moment();
    let mut tasks = JoinSet::new();
    let share = keys
        .len()
        .div_ceil(usize::try_from(measure.parallel).unwrap_or(1));
    for keys in keys.chunks(share) {
        let (store, keys, row) = (store.clone(), keys.to_vec(), row.clone());
        tasks.spawn(async move {
            let (mut times, mut failed) = (Vec::with_capacity(keys.len()), None);
            for key in keys {
                let begun = moment();
                match operation.run(&store, &key, &row, now).await {
                    Ok(true) => times.push(begun.elapsed()),
                    Ok(false) => failed = failed.or(Some(lost(operation))),
                    Err(error) => failed = failed.or(Some(error.into())),
                }
                // Every row is to be removed; the other operations end with the first failure.
                if failed.is_some() && operation != Operation::Remove {
                    break;
                }
            }
            failed.map_or(Ok(times), Err)
        });
    }
    let (mut times, mut failed) = (Vec::new(), None);
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(Ok(more)) => times.extend(more),
            Ok(Err(failure)) => failed = Some(failure),
            Err(error) => failed = Some(Failure::failed(error)),
        }
    }
    times.sort_unstable();
    let elapsed = begun.elapsed();
    failed.map_or(Ok(Times { times, elapsed }), Err)
}

/// The times of one operation, in order.
struct Times {
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Times {
    /// In milliseconds: the least time that this share of the operations did not exceed.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.times.len() * percent).div_ceil(100).max(1);
        let time = self.times.get(rank - 1).copied().unwrap_or_default();
        time.as_secs_f64() * 1000.0
    }

    fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    fn line(&self, name: &str) -> String {
        let [median, most, nearly_all, slowest] =
            [50, 95, 99, 100].map(|percent| format!("{:.3} ms", self.percentile(percent)));
        let per_second = self.per_second();
        format!(
            "{name:<8} {median:>10} {most:>10} {nearly_all:>10} {slowest:>10} {per_second:>12.0}"
        )
    }

    fn json(&self) -> Value {
        json!({
            "median_ms": self.percentile(50),
            "p95_ms": self.percentile(95),
            "p99_ms": self.percentile(99),
            "slowest_ms": self.percentile(100),
            "per_second": self.per_second(),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured here is time")]
fn moment() -> Instant {
    Instant::now()
}

fn lost(operation: Operation) -> Failure {
    Failure::store(StoreError::Unavailable(
        format!(
            "a row was not there for `{}`: does another program remove rows, or is the server short of memory?",
            operation.name()
        )
        .into(),
    ))
}

fn fresh_key() -> Result<RowKey, Failure> {
    let mut key = [0; RowKey::LEN];
    match getrandom::fill(&mut key) {
        Ok(()) => Ok(RowKey::from_bytes(key)),
        Err(error) => Err(Failure::failed(format!(
            "the operating system gives no random bytes: {error}"
        ))),
    }
}

/// As long as the measurement may take.
const LIFETIME: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let times = Times {
            times: (1..=200).map(Duration::from_millis).collect(),
            elapsed: Duration::from_secs(2),
        };
        let found = [1, 50, 95, 99, 100].map(|percent| times.percentile(percent).round() as u32);
        assert_eq!(found, [2, 100, 190, 198, 200]);
        assert_eq!(times.per_second().round() as u32, 100);
    }
}
