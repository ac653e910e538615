//! A page for the operators of the shop, with charts about its sessions.
//!
//! The numbers come from the library's feature `metrics` and from its log events. A shop with more than one process
//! exports them to a monitoring system instead.

mod chart;
mod events;
mod history;
mod recorder;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use maud::{Markup, html};

use self::chart::{Chart, Series, Shape};
use self::history::{History, Step};
use super::page::Page;

/// The statistics of the last ten minutes.
#[derive(Clone, Debug, Default)]
pub struct Operations(Arc<Mutex<History>>);

impl Operations {
    /// Ends the current second of the history, once per second.
    pub(super) async fn keep_time(self) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            self.history().end_second();
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page with the charts.
pub(super) async fn show(State(operations): State<Operations>, page: Page) -> Markup {
    let steps = operations.history().steps();
    let charts = [in_use(&steps), merged(&steps), ended(&steps), store(&steps)];
    let body = html! {
        h1 { "Operations" }
        p.hint {
            "The last ten minutes, in steps of ten seconds. "
            a href="/operations" { "Refresh" }
        }
        div.charts { @for chart in &charts { (chart.figure()) } }
    };
    page.show("Operations", &body)
}

fn in_use(steps: &[Step]) -> Chart {
    let values = || steps.iter().filter_map(|step| step.in_use);
    let (now, most) = (
        values().next_back().unwrap_or(0),
        values().max().unwrap_or(0),
    );
    Chart {
        id: "in-use",
        title: "Active sessions",
        value: format!("{now} now, {most} at peak"),
        about: "Used within the last five minutes, and not ended.".to_owned(),
        unit: "sessions",
        nothing: "No session has been used yet.",
        shape: Shape::Lines,
        series: vec![Series {
            name: "Sessions".to_owned(),
            values: steps.iter().map(|step| step.in_use.map(count)).collect(),
        }],
    }
}

fn merged(steps: &[Step]) -> Chart {
    let total: u64 = steps.iter().map(|step| step.merged).sum();
    Chart {
        id: "merged",
        title: "Conflicts merged",
        value: format!("{total} in ten minutes"),
        about: "Saved together with the change of another request.".to_owned(),
        unit: "changes per 10 s",
        nothing: "No change had to be merged.",
        shape: Shape::Bars,
        series: vec![Series {
            name: format!("Merged: {total}"),
            values: steps.iter().map(|step| Some(count(step.merged))).collect(),
        }],
    }
}

fn ended(steps: &[Step]) -> Chart {
    let causes = ["Signed out", "Ended elsewhere", "Timed out", "Unknown"];
    let series = causes.iter().enumerate().map(|(i, cause)| {
        let total: u64 = steps.iter().map(|step| step.ended[i]).sum();
        Series {
            name: format!("{cause}: {total}"),
            values: (steps.iter().map(|step| Some(count(step.ended[i])))).collect(),
        }
    });
    let total: u64 = steps.iter().flat_map(|step| step.ended).sum();
    Chart {
        id: "ended",
        title: "Sessions ended, by cause",
        value: format!("{total} in ten minutes"),
        about: "Unknown: the cookie came, the session was no longer there.".to_owned(),
        unit: "sessions per 10 s",
        nothing: "No session has ended.",
        shape: Shape::Bars,
        series: series.collect(),
    }
}

fn store(steps: &[Step]) -> Chart {
    let of = |percent| {
        let percentile = |step: &Step| history::percentile(&step.store, percent);
        let values = steps.iter().map(percentile);
        let all: Vec<f64> = steps.iter().flat_map(|step| step.store.clone()).collect();
        let all = history::percentile(&all, percent).map_or("–".to_owned(), chart::number);
        (all, values.collect())
    };
    let ((half, half_values), (most, most_values)) = (of(50), of(99));
    let total: usize = steps.iter().map(|step| step.store.len()).sum();
    Chart {
        id: "store",
        title: "Store latency",
        value: format!("p50 {half} ms, p99 {most} ms"),
        about: format!("Over {total} operations of the store."),
        unit: "milliseconds",
        nothing: "No operation to measure.",
        shape: Shape::Lines,
        series: vec![
            Series {
                name: format!("p50: {half} ms"),
                values: half_values,
            },
            Series {
                name: format!("p99: {most} ms"),
                values: most_values,
            },
        ],
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "ten minutes do not count so far"
)]
fn count(number: u64) -> f64 {
    number as f64
}
