//! Chooses the next sample values.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::trace::fold;
use super::sample::ATTEMPTS;

/// The rounds, and the knowledge from earlier rounds.
pub(super) struct Plan {
    round: u64,
    rounds: u64,
    steps: usize,
    /// The sample to try at a place; the first sample if the place is not in the map.
    samples: HashMap<Site, u8>,
    /// Whether accepted values are varied, too.
    pub(super) varies: bool,
    /// How many samples of a place were accepted, one after the other.
    varied: HashMap<Site, u8>,
    /// Places where a sample other than the known one was refused.
    strict: HashSet<Site>,
    /// The number of variants at places that accept fewer than serde names, because serde names aliases too.
    variants: HashMap<Site, usize>,
}

/// A hash of the path from the type to one of its parts.
pub(super) type Site = u64;

impl Default for Plan {
    fn default() -> Self {
        Self {
            round: 0,
            rounds: FEWEST_ROUNDS,
            steps: MOST_STEPS,
            samples: HashMap::new(),
            varies: false,
            varied: HashMap::new(),
            strict: HashSet::new(),
            variants: HashMap::new(),
        }
    }
}

impl Plan {
    pub(super) fn goes_on(&self) -> bool {
        self.round < self.rounds
    }

    /// Starts a second pass over the rounds, with another sample each time that a place is reached, because
    /// `skip_serializing_if` depends on the value of a field. `false` if the second pass was done already.
    pub(super) fn vary(&mut self) -> bool {
        let begins = !self.varies;
        if begins {
            self.varies = true;
            self.round = 0;
        }
        begins
    }

    /// Goes to the next round, or repeats this one with another sample where the type stopped.
    pub(super) fn learn(&mut self, seen: &Seen, accepted: bool) {
        self.steps = seen.steps.get();
        if self.varies {
            return self.learn_variation(seen, accepted);
        }
        let wanted = ROUNDS_A_VARIANT * seen.widest.get();
        self.rounds = self.rounds.max(wanted.min(MOST_ROUNDS));
        let again = !accepted && (self.fewer_variants(seen) || self.next_sample(seen));
        if !again {
            self.round += 1;
        }
    }

    fn learn_variation(&mut self, seen: &Seen, accepted: bool) {
        if accepted {
            for site in seen.varied.borrow().iter() {
                let count = self.varied.entry(*site).or_default();
                *count = count.saturating_add(1);
            }
        }
        let is_strict = |site| !accepted && self.strict.insert(site);
        if !seen.last_leaf.get().is_some_and(is_strict) {
            self.round += 1;
        }
    }

    fn fewer_variants(&mut self, seen: &Seen) -> bool {
        let Some((site, index)) = seen.beyond.get() else {
            return false;
        };
        self.variants.insert(site, index);
        index > 0
    }

    /// Chooses another sample for the place that the type read last and refused.
    fn next_sample(&mut self, seen: &Seen) -> bool {
        let Some(site) = seen.last_leaf.get() else {
            return false;
        };
        let sample = self.samples.entry(site).or_default();
        *sample = (*sample + 1) % ATTEMPTS;
        *sample > 0
    }
}

/// The reading of one sample value.
pub(super) struct Run<'p> {
    plan: &'p Plan,
    pub(super) human_readable: bool,
    pub(super) seen: Seen,
}

/// Observations about the type. They are not in the errors, because a type may swallow errors.
#[derive(Default)]
pub(super) struct Seen {
    /// How many requests of the type will still be answered.
    pub(super) steps: Cell<usize>,
    pub(super) last_leaf: Cell<Option<Site>>,
    /// Places that were given another sample than the known one in this run.
    varied: RefCell<Vec<Site>>,
    /// The most variants of an enum.
    pub(super) widest: Cell<u64>,
    /// A variant that serde named and the type does not know.
    pub(super) beyond: Cell<Option<(Site, usize)>>,
    /// Where the type asked for a self-describing format.
    pub(super) asked: RefCell<Option<Arc<str>>>,
}

impl<'p> Run<'p> {
    pub(super) fn new(plan: &'p Plan, human_readable: bool) -> Self {
        let seen = Seen {
            steps: Cell::new(plan.steps),
            ..Seen::default()
        };
        Self {
            plan,
            human_readable,
            seen,
        }
    }

    /// Counts a request of the type; true once no answers are left.
    pub(super) fn is_over(&self) -> bool {
        let left = self.seen.steps.get().checked_sub(1);
        self.seen.steps.set(left.unwrap_or_default());
        left.is_none()
    }

    pub(super) fn sample(&self, site: Site) -> u8 {
        self.seen.last_leaf.set(Some(site));
        self.plan.samples.get(&site).copied().unwrap_or_default()
    }

    /// Another sample for a leaf, while accepted values are varied.
    pub(super) fn variation(&self, site: Site) -> Option<u8> {
        if !self.plan.varies || self.plan.strict.contains(&site) {
            return None;
        }
        self.seen.varied.borrow_mut().push(site);
        // Every place begins with the first sample, so variations begin with the second.
        let count = self.plan.varied.get(&site).copied().unwrap_or_default();
        Some(count.saturating_add(1))
    }

    /// One of `count` choices: the first in the first round, the last in the second, a pseudo-random one in the
    /// others. Far down always a pseudo-random one, so that a recursive type comes to an end.
    pub(super) fn choose(&self, site: Site, depth: usize, count: usize) -> usize {
        let any = fold(fold(site, self.plan.round), 1);
        match self.plan.round {
            0 if depth < DEEP => 0,
            1 if depth < DEEP => count.saturating_sub(1),
            _ => (any % count.max(1) as u64) as usize,
        }
    }

    pub(super) fn choose_variant(&self, site: Site, depth: usize, count: usize) -> usize {
        let count = self.plan.variants.get(&site).copied().unwrap_or(count);
        let widest = self.seen.widest.get().max(count as u64);
        self.seen.widest.set(widest);
        self.choose(site, depth, count)
    }
}

const FEWEST_ROUNDS: u64 = 24;
const ROUNDS_A_VARIANT: u64 = 6;
const MOST_ROUNDS: u64 = 192;
/// The limit over all rounds. A typical type of a session takes some hundreds.
const MOST_STEPS: usize = 1 << 16;
const DEEP: usize = 8;
