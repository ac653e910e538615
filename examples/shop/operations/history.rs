//! The statistics of the last ten minutes, by second.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct History {
    /// The current second.
    pub(super) now: Second,
    /// The past seconds, the latest last.
    past: VecDeque<Second>,
    /// The time of the last use of each session, by fingerprint.
    used: HashMap<String, Instant>,
}

/// The statistics of one second.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    in_use: u64,
    /// The number of changes that were merged with those of another request.
    pub(super) merged: u64,
    /// The number of sessions: signed out, ended elsewhere, timed out, unknown.
    pub(super) ended: [u64; 4],
    /// The duration of each store operation, in milliseconds.
    pub(super) store: Vec<f64>,
}

/// Ten seconds, drawn as one column of a chart.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// `None` before the process began.
    pub(super) in_use: Option<u64>,
    pub(super) merged: u64,
    pub(super) ended: [u64; 4],
    pub(super) store: Vec<f64>,
}

impl History {
    /// Records that a session was used.
    pub(super) fn used(&mut self, session: String) {
        self.used.insert(session, Instant::now());
    }

    /// Forgets a session that has ended or has a new fingerprint.
    pub(super) fn left(&mut self, session: &str) {
        self.used.remove(session);
    }

    /// Records the duration of a store operation.
    pub(super) fn store_took(&mut self, milliseconds: f64) {
        // A thousand samples per second are enough for the percentiles.
        if self.now.store.len() < 1_000 {
            self.now.store.push(milliseconds);
        }
    }

    /// Begins the next second.
    pub(super) fn end_second(&mut self) {
        self.used.retain(|_, last| last.elapsed() < IN_USE);
        let next = Second {
            in_use: self.in_use(),
            ..Second::default()
        };
        self.now.in_use = self.now.in_use.max(next.in_use);
        self.past.push_back(std::mem::replace(&mut self.now, next));
        if self.past.len() == STEPS * SECONDS {
            self.past.pop_front();
        }
    }

    /// All steps, the oldest first.
    pub(super) fn steps(&mut self) -> Vec<Step> {
        self.now.in_use = self.in_use();
        let seconds: Vec<&Second> = self.past.iter().chain([&self.now]).collect();
        let mut steps: Vec<Step> = seconds.rchunks(SECONDS).map(Step::of).collect();
        steps.resize_with(STEPS, Step::default);
        steps.reverse();
        steps
    }

    fn in_use(&self) -> u64 {
        self.used.len() as u64
    }
}

impl Step {
    fn of(seconds: &[&Second]) -> Self {
        let mut step = Self::default();
        for second in seconds {
            step.in_use = step.in_use.max(Some(second.in_use));
            step.merged += second.merged;
            for (sum, ended) in step.ended.iter_mut().zip(second.ended) {
                *sum += ended;
            }
            step.store.extend(&second.store);
        }
        step
    }
}

/// The percentile of the values (nearest rank); `None` without values.
pub(super) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.checked_sub(1)?).copied()
}

/// The number of steps in ten minutes.
const STEPS: usize = 60;
/// The length of a step.
const SECONDS: usize = 10;
/// A session counts as in use for this long after its last request.
const IN_USE: Duration = Duration::from_secs(300);
