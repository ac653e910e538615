//! The changes that a request wants, and how they become one plan.

use super::found::Found;
use super::state::{Door, State};
use crate::clock::Timestamp;
use crate::engine::{Engine, Live, Work};
use crate::error::SessionError;
use crate::lifecycle::changes::Changes;
use crate::lifecycle::plan::{Plan, Situation, Step};
use crate::record::Record;

/// The changes that a request wants, and that are not carried out yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) changes: Changes,
    pub(super) destroy: bool,
    pub(super) rotate: bool,
    pub(super) remember: Option<bool>,
    /// An error that could not be returned: the next commit drops the changes and returns it.
    pub(super) failure: Option<SessionError>,
}

/// When the changes of a request are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Within the handler: timers wait for the end of the request.
    Commit,
    /// Within the handler, which takes the token that the session then has.
    HandOut,
    /// When the handler has answered.
    Last,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.failure.is_none()
            && !self.destroy
            && !self.rotate
            && self.remember.is_none()
            && self.changes.is_empty()
    }

    /// Drops what a failed request may not write; returns whether there was any.
    pub(super) fn discard_data(&mut self) -> bool {
        let changes = self.changes.len();
        self.changes.retain_always();
        self.failure = None;
        self.remember.take().is_some() || self.changes.len() < changes
    }

    /// The record with this request's changes in it.
    pub(super) fn working_record(&self, found: &Found, now: Timestamp) -> Option<Record> {
        let live = found.live().filter(|_| !self.destroy);
        self.changes
            .on_top_of(live.map(|live| live.record.clone()), now)
    }

    /// Whether the id ends with this request, as far as it is known.
    pub(super) fn is_to_move(&self, record: &Record) -> bool {
        self.destroy || self.rotate || self.changes.rotate(record)
    }
}

impl State {
    /// A new id for a session whose id is old, and nothing else; `None` if it is not due, or will
    /// change for another reason.
    pub(super) fn renewal(&self, engine: &Engine, now: Timestamp) -> Option<Work> {
        let renews = Step::Rotate { grace: true };
        let is_due = self.situation(engine, Moment::Last, now).step == renews;
        // Once the head of the response has been sent, no browser can learn of the new id.
        let live = self
            .found
            .live()
            .filter(|_| is_due && self.door == Door::Open)?;
        live.row_key()?;
        Some(Work {
            live: Some(live.clone()),
            plan: Plan::new(renews, now),
        })
    }

    /// The one operation for all pending changes, as a plan that does not contain the changes yet.
    pub(super) fn situation(&self, engine: &Engine, moment: Moment, now: Timestamp) -> Plan {
        let (policy, pending) = (engine.policy(), &self.pending);
        let live = self.found.live();
        let record = live.map(|live| &live.record);
        // Within the handler, timers wait for the end of the request.
        let is_passive = self.manner.is_passive || moment == Moment::Commit;
        let used = record.filter(|_| !is_passive);
        let due = used.and_then(|record| policy.due(record, &self.views, now));
        // Whether the client would learn of the new id.
        let may_renew = !is_passive && (!self.brought.by_token || moment == Moment::HandOut);
        // A bound session is not renewed: its device knows it by its id, and the repeated proof replaces the renewal.
        let is_old = |live: &Live| {
            (live.is_outdated || policy.is_renewal_due(&live.record, now))
                && !live.record.is_bound()
        };
        let base = record.filter(|_| !pending.destroy);
        let remembers = base
            .zip(pending.remember)
            .is_some_and(|(record, remember)| record.remembered != remember);
        let situation = Situation {
            exists: record.is_some(),
            destroy: pending.destroy,
            changes: pending.changes.affect(base) || remembers,
            rotate: pending.rotate || base.is_some_and(|record| pending.changes.rotate(record)),
            renew: may_renew && live.is_some_and(is_old),
            touch: due.is_some(),
        };
        Plan {
            due,
            is_passive,
            ..Plan::new(situation.step(), now)
        }
    }
}
