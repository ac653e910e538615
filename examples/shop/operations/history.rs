//! Ten minutes, second by second.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The second that is not over yet.
    pub(super) now: Second,
    /// The latest one is the last.
    past: VecDeque<Second>,
    /// When each session was used last, by its fingerprint.
    used: HashMap<String, Instant>,
}

/// What happens in a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    in_use: u64,
    /// Changes that were merged with those of another request.
    pub(super) merged: u64,
    /// Sessions: signed out, ended elsewhere, timed out, unknown.
    pub(super) ended: [u64; 4],
    /// How many milliseconds each operation of the store took.
    pub(super) store: Vec<f64>,
}

/// Ten seconds of a picture.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// `None` before the process began.
    pub(super) in_use: Option<u64>,
    pub(super) merged: u64,
    pub(super) ended: [u64; 4],
    pub(super) store: Vec<f64>,
}

impl History {
    /// A session was used.
    pub(super) fn used(&mut self, session: String) {
        self.used.insert(session, Instant::now());
    }

    /// A session is no more, or goes by another name.
    pub(super) fn left(&mut self, session: &str) {
        self.used.remove(session);
    }

    /// Notes how long an operation of the store took.
    pub(super) fn store_took(&mut self, milliseconds: f64) {
        // Enough to see how it is.
        if self.now.store.len() < 1_000 {
            self.now.store.push(milliseconds);
        }
    }

    /// The next second begins.
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

    /// Everything, the oldest step first.
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

/// The value that so many percent do not exceed.
pub(super) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.checked_sub(1)?).copied()
}

/// Ten minutes.
const STEPS: usize = 60;
/// Of a step.
const SECONDS: usize = 10;
/// As long as a visitor may think about what to click on.
const IN_USE: Duration = Duration::from_secs(300);
