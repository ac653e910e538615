//! Records the metrics of the library.

use std::sync::Arc;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Metadata, Recorder,
    SharedString, Unit,
};

use super::Operations;
use super::history::Second;

/// A counter in the current second.
struct Tally {
    operations: Operations,
    what: fn(&mut Second) -> &mut u64,
}

impl Recorder for Operations {
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let label = key.labels().next().map_or("", Label::value);
        let what: fn(&mut Second) -> &mut u64 = match (key.name(), label) {
            ("starsessions_commits_total", "true") => |now| &mut now.merged,
            ("starsessions_ended_total", "logout") => |now| &mut now.ended[0],
            ("starsessions_ended_total", "revoked") => |now| &mut now.ended[1],
            ("starsessions_refused_cookies_total", "idle" | "absolute" | "expired") => {
                |now| &mut now.ended[2]
            }
            ("starsessions_refused_cookies_total", "unknown") => |now| &mut now.ended[3],
            _ => return Counter::noop(),
        };
        let operations = self.clone();
        Counter::from_arc(Arc::new(Tally { operations, what }))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match key.name() {
            "starsessions_store_seconds" => Histogram::from_arc(Arc::new(self.clone())),
            _ => Histogram::noop(),
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
}

impl CounterFn for Tally {
    fn increment(&self, value: u64) {
        *(self.what)(&mut self.operations.history().now) += value;
    }

    /// The library never sets an absolute value.
    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Operations {
    fn record(&self, seconds: f64) {
        self.history().store_took(seconds * 1_000.0);
    }
}
