//! The state of a request: its session, its changes so far, and the work that they leave.

use http::Extensions;

use super::Realm;
#[cfg(feature = "dbsc")]
use super::device_proof::Arrival;
use super::flows::FlowCookie;
use super::found::Found;
use super::pending::{Moment, Pending};
use super::reading::Brought;
use super::slot::ResponseEffects;
use crate::clock::Timestamp;
use crate::engine::{CookieChange, Endable, Work};
use crate::error::SessionError;
use crate::lifecycle::FailurePolicy;
use crate::lifecycle::plan::{Plan, Step};
use crate::schema::Schema;

/// All of it is behind the lock of the [slot](super::Slot).
#[derive(Default)]
pub(super) struct State {
    pub(super) found: Found,
    pub(super) pending: Pending,
    pub(super) door: Door,
    pub(super) cookie: CookieChange,
    pub(super) flows: Vec<FlowCookie>,
    pub(super) was_used: bool,
    /// The request came with a session, which may have ended since: the response may be about its user.
    pub(super) came_with_session: bool,
    /// The data changes are dropped at the end, as with a 5xx.
    pub(super) discards: bool,
    /// The views with idle fields that the request has used.
    pub(super) views: Vec<&'static Schema>,
    /// One value of each type: they are made once for the request.
    pub(super) made: Extensions,
    /// Counts how often all changes were thrown away; views of an earlier epoch write nothing.
    pub(super) epoch: u32,
    pub(super) brought: Brought,
    #[cfg(feature = "dbsc")]
    pub(super) arrival: Arrival,
    pub(super) manner: Manner,
    /// Sessions of other cookies, beside the one that the request uses: a logout ends them.
    pub(super) ends: Vec<Endable>,
    /// A logout is still to end the sessions in `ends`.
    pub(super) is_to_end: bool,
    /// The handler has taken the session's token.
    pub(super) has_handed_out: bool,
    /// The view by which a task has changed the session after the request was cancelled; `None` once the task commits.
    pub(super) late: Option<&'static str>,
    pub(super) read_at: Timestamp,
    pub(super) just_read_at: Option<Timestamp>,
}

/// Whether the request still takes changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Door {
    #[default]
    Open,
    /// The request was cancelled, and its handler is being dropped: the changes of its views may be incomplete.
    Leaving,
    /// The request was cancelled: a change that a task does not commit is lost.
    Left,
    /// The handler has answered: no further change is taken.
    Closed,
}

/// How the request is to be treated.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    /// The request does not count as activity.
    pub(super) is_passive: bool,
    pub(super) failure_policy: FailurePolicy,
    /// The response may never be shown (HEAD, prefetch): a message must wait for the next one.
    pub(super) is_unseen: bool,
    /// The request is no navigation, but a script, for example, so a redirect leads to no other page.
    pub(super) is_no_navigation: bool,
}

impl State {
    #[inline]
    pub(super) fn new(realm: &Realm) -> Self {
        let mut state = Self::default();
        state.manner.failure_policy = realm.failure_policy;
        state.brought.by_token = !realm.carriers.has_cookie;
        state
    }

    pub(super) fn use_view(&mut self, schema: &'static Schema) {
        self.was_used = true;
        let has_idle_fields = schema.fields.iter().any(|spec| spec.idle.is_some());
        if has_idle_fields && !self.views.iter().any(|used| std::ptr::eq(*used, schema)) {
            self.views.push(schema);
        }
    }

    pub(super) fn rollback(&mut self) {
        self.pending = Pending::default();
        self.epoch += 1;
    }

    /// After a logout whose cookie leads nowhere, the browser may as well forget it.
    pub(super) fn forget_cookie(&mut self) {
        if self.found.live().is_none() && self.brought.any {
            self.cookie = CookieChange::Remove;
        }
    }

    /// Takes the effects on the response, once.
    pub(super) fn effects(&mut self) -> ResponseEffects {
        // If two sessions are found, the former cookie is the one to remove: otherwise no browser could ever sign in.
        let is_decided = matches!(self.found, Found::Live(_) | Found::Ambiguous);
        let cookie = std::mem::take(&mut self.cookie);
        ResponseEffects {
            cookie: if self.brought.by_token {
                CookieChange::Keep
            } else {
                cookie
            },
            flows: std::mem::take(&mut self.flows),
            has_stale_cookie: self.brought.duplicates && is_decided,
            has_session: self.came_with_session,
            has_token: self.has_handed_out,
        }
    }

    /// Takes everything that is to be done; `None` if that is nothing.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if there is something to write to a session that has ended;
    /// `NotHandedOut` if its client would not learn of its id.
    pub(super) fn take_work(
        &mut self,
        realm: &Realm,
        moment: Moment,
        now: Timestamp,
    ) -> Result<Option<Work>, SessionError> {
        let is_unannounced = self.found.live().is_some_and(|live| live.is_unannounced);
        if self.pending.is_empty() && !is_unannounced && !self.is_to_end {
            // Most requests leave nothing to do, or a timer to move.
            if self.situation(&realm.engine, moment, now).step == Step::Nothing {
                return Ok(None);
            }
        }
        let destroys = self.pending.destroy;
        #[cfg(feature = "dbsc")]
        self.set_aside_unproven()?;
        if destroys && self.found.has_ended() {
            self.found = Found::Nobody;
        }
        self.is_to_end |= destroys && (!self.ends.is_empty() || self.brought.too_many);
        if destroys && !self.is_to_end {
            self.forget_cookie();
        }
        let situation = self.situation(&realm.engine, moment, now);
        let mut pending = std::mem::take(&mut self.pending);
        self.pending.failure = pending.failure.take();
        let mut plan = Plan {
            changes: pending.changes,
            remember: pending.remember,
            ..situation
        };
        let signs_in = matches!(self.found, Found::Behind) && plan.changes.identify();
        if self.found.has_ended() && !signs_in {
            return if plan.changes.is_empty() {
                Ok(None)
            } else {
                Err(SessionError::Gone)
            };
        }
        if self.brought.by_token && moment != Moment::HandOut {
            plan = self.without_new_id(plan)?;
        }
        if plan.step == Step::Nothing && !is_unannounced && !self.is_to_end {
            return Ok(None);
        }
        // Cloned, so that an error leaves the session as it was.
        let live = self.found.live().cloned();
        Ok(Some(Work { live, plan }))
    }
}
