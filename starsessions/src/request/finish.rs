//! Writes what a request has changed: when its handler commits, and after the handler has answered.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::explain::Explanation;
use super::flows::FlowCookie;
use super::found::Found;
use super::gate::Pass;
use super::pending::Moment;
use super::slot::{ResponseEffects, Slot};
use super::state::{Door, State};
use crate::clock::Timestamp;
use crate::engine::{CookieChange, ENDING_GRACE, Endable, Executed, Live, Work};
use crate::error::{SessionError, TransportError};
use crate::lifecycle::OnServerError;
use crate::lifecycle::plan::Plan;
use crate::observe;
use crate::store::{StoreError, to_its_end};

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// With an answer whose changes count.
    Answer,
    /// With an answer whose handler has dropped the changes.
    Discarded,
    /// With a 5xx, a time-out or a panic.
    ServerError,
    /// With an error of its session, which says that nothing has changed.
    Failed,
    /// With a rejection by an extractor of ours, so that the handler did not run.
    Rejection,
}

/// The work that is left after the handler has answered.
#[derive(Debug)]
pub(crate) enum Remaining {
    /// Nothing is left: the request has not used its session.
    Untouched,
    /// Nothing is left: the result, and its effects on the response.
    Told(Result<(), SessionError>, ResponseEffects),
    /// This write; `None` if it is known only after the session was read, or after an earlier write has ended.
    ToWrite(Option<LastWork>),
}

/// The last write of a request.
pub(crate) type CommitFuture = Pin<Box<dyn Future<Output = Result<(), SessionError>> + Send>>;

/// The work of a request that was answered, and how it is to be done.
#[derive(Debug)]
pub(crate) struct LastWork {
    work: Work,
    /// The work completes even if the request is cancelled.
    ends_id: bool,
    /// The work includes a logout, which also ends the other sessions that the cookies lead to.
    ends_beside: bool,
    /// A session that has ended meanwhile is an error.
    must_report_loss: bool,
}

impl Slot {
    /// Writes the changes so far at once.
    pub(crate) async fn commit(self: &Arc<Self>) -> Result<(), SessionError> {
        let may_end_id = self.may_end_id(&*self.open_state()?);
        if !may_end_id {
            return self.commit_in_turn(Moment::Commit).await;
        }
        let slot = Arc::clone(self);
        to_its_end(async move { slot.commit_in_turn(Moment::Commit).await }).await
    }

    pub(super) async fn commit_in_turn(&self, moment: Moment) -> Result<(), SessionError> {
        let _gate = self.gate.lock().await;
        // From here on, the caller gets the outcome.
        self.state().late = None;
        if let Some(failure) = self.take_failure() {
            return Err(failure);
        }
        self.read(None).await?;
        let now = self.now();
        let (work, ends_beside) = {
            let mut state = self.state();
            (state.take_work(self.realm(), moment, now)?, state.is_to_end)
        };
        let Some(mut work) = work else { return Ok(()) };
        self.carry_out(&mut work, ends_beside).await?;
        // The logout has taken place; the session that was to begin in its place has not begun.
        if let Some(refusal) = self.take_refusal() {
            return Err(refusal);
        }
        if self.has_ended() {
            return Err(SessionError::Gone);
        }
        Ok(())
    }

    /// Closes the slot after the handler has answered: it accepts no further change.
    pub(crate) fn close(&self, response: ResponseKind) -> Remaining {
        let mut state = self.state();
        state.door = Door::Closed;
        let response = match response {
            ResponseKind::Answer | ResponseKind::ServerError if state.discards => {
                ResponseKind::Discarded
            }
            response => response,
        };
        if !self.keeps_data(response) {
            if state.pending.discard_data() {
                observe::dropped();
                self.explain(|explanation| explanation.dropped(response));
            }
            state.flows.retain(FlowCookie::is_removal);
        }
        if !state.was_used {
            return Remaining::Untouched;
        }
        // A store call that the handler did not wait for is still running: the response must reflect its result.
        let is_busy = self.gate.is_taken();
        if is_busy || (state.found.is_open() && !state.pending.is_empty()) {
            return Remaining::ToWrite(None);
        }
        if state.found.is_open() {
            return Remaining::Told(Ok(()), state.effects());
        }
        if state.pending.failure.is_some() {
            return Remaining::ToWrite(None);
        }
        match self.take_last_work(&mut state) {
            Ok(None) => Remaining::Told(Ok(()), state.effects()),
            Ok(last) => Remaining::ToWrite(last),
            Err(error) => Remaining::Told(Err(error), state.effects()),
        }
    }

    /// Writes what is left to write; call it once, after `close` and with the work that it has returned.
    ///
    /// The work is moved into the future: an async function would store it twice as its argument.
    pub(crate) fn finish(self: Arc<Self>, mut last: Option<LastWork>) -> CommitFuture {
        // A session that was not read yet may turn out to be due for a new id.
        let ends_id = last.as_ref().is_none_or(|last| last.ends_id);
        let work = async move { self.finish_in_turn(&mut last).await };
        if ends_id {
            Box::pin(to_its_end(work))
        } else {
            Box::pin(work)
        }
    }

    async fn finish_in_turn(&self, last: &mut Option<LastWork>) -> Result<(), SessionError> {
        let _gate = self.last_turn().await?;
        let mut failure = None;
        if last.is_none() {
            failure = self.take_failure();
            // Boxed, so that it does not enlarge the future of a request that has read its session.
            Box::pin(self.read(None)).await?;
            *last = self.take_last_work(&mut self.state())?;
        }
        if let Some(last) = last {
            self.carry_out(&mut last.work, last.ends_beside).await?;
            if last.must_report_loss && self.has_ended() {
                return Err(SessionError::Gone);
            }
        }
        // A logout is carried out before its error is returned.
        failure.or_else(|| self.take_refusal()).map_or(Ok(()), Err)
    }

    /// Waits for the handler's own writes, for a limited time: a future that is kept and not polled never ends.
    async fn last_turn(&self) -> Result<Pass<'_>, SessionError> {
        if let Some(pass) = self.gate.try_lock() {
            return Ok(pass);
        }
        // Boxed, so that a rare path does not enlarge every request's future.
        let turn = Box::pin(tokio::time::timeout(LONGEST_TURN, self.gate.lock())).await;
        turn.map_err(|_| {
            let text = "a write of the handler does not end: poll the future of `commit` until it is ready, or drop it";
            tracing::error!("{text}");
            StoreError::Unavailable(text.into()).into()
        })
    }

    /// Renews the id of a session now, if it is old, instead of at the end of the request.
    pub(crate) async fn renew(self: &Arc<Self>) -> Result<(), SessionError> {
        let now = self.now();
        if self.state().renewal(&self.realm().engine, now).is_none() {
            return Ok(());
        }
        let slot = Arc::clone(self);
        to_its_end(async move {
            let _gate = slot.gate.lock().await;
            let renewal = slot.state().renewal(&slot.realm().engine, now);
            match renewal {
                Some(mut work) => slot.carry_out(&mut work, false).await,
                None => Ok(()),
            }
        })
        .await
    }

    fn keeps_data(&self, response: ResponseKind) -> bool {
        match response {
            ResponseKind::Answer => true,
            ResponseKind::ServerError => {
                self.realm().engine.policy().server_errors == OnServerError::Commit
            }
            ResponseKind::Discarded | ResponseKind::Failed | ResponseKind::Rejection => false,
        }
    }

    /// Takes the error of a change that cannot be made, and drops the other data changes: they are one unit.
    fn take_failure(&self) -> Option<SessionError> {
        let mut state = self.state();
        let failure = state.pending.failure.take();
        if failure.is_some() {
            state.pending.discard_data();
        }
        failure
    }

    fn take_last_work(&self, state: &mut State) -> Result<Option<LastWork>, SessionError> {
        // A touch or renewal is due if it was due when the session was read.
        let now = if state.pending.is_empty() {
            state.read_at
        } else {
            self.now()
        };
        let Some(work) = state.take_work(self.realm(), Moment::Last, now)? else {
            return Ok(None);
        };
        Ok(Some(LastWork {
            ends_id: self.ends_id(&work.plan, state),
            ends_beside: state.is_to_end,
            must_report_loss: self.must_report_loss(&work, state),
            work,
        }))
    }

    /// Whether the pending work may end the id. Such work completes even if the request is cancelled: a logout or
    /// rotation that has begun takes place.
    fn may_end_id(&self, state: &State) -> bool {
        let engine = &self.realm().engine;
        state.pending.destroy
            || matches!(state.found, Found::Unread)
            || engine.counts(&state.pending.changes)
            || state
                .situation(engine, Moment::Commit, self.now())
                .step
                .ends_id()
    }

    fn ends_id(&self, plan: &Plan, state: &State) -> bool {
        let engine = &self.realm().engine;
        plan.step.ends_id() || state.is_to_end || engine.counts(&plan.changes)
    }

    /// Whether the loss of these changes must be reported, because they cannot count as made before a logout that has
    /// ended the session meanwhile. A request that has taken long may have met a sign-in instead of a logout: the way
    /// to the new id has closed by then.
    fn must_report_loss(&self, work: &Work, state: &State) -> bool {
        let Work { live, plan } = work;
        let took = plan.now.since(state.read_at);
        let policy = self.realm().engine.policy();
        let has_expired = |live: &Live| !policy.is_live(&live.record, plan.now);
        plan.changes.must_report_loss()
            || (plan.writes() && took >= ENDING_GRACE && !live.as_ref().is_some_and(has_expired))
    }

    /// Lets the engine carry out the work, and keeps the resulting session.
    async fn carry_out(&self, work: &mut Work, ends_beside: bool) -> Result<(), SessionError> {
        let (step, fields) = (work.plan.step, work.plan.changes.len());
        if ends_beside {
            Box::pin(self.end_beside(work.plan.now)).await?;
        }
        let done = self.realm().engine.execute(work).await;
        self.explain(|explanation| explanation.written(step, fields, &done));
        if matches!(
            &done,
            Err(SessionError::Gone) | Ok(Executed { is_gone: true, .. })
        ) {
            let mut state = self.state();
            // The work had a copy of the session, so `found` still has it.
            if let Found::Live(live) = std::mem::replace(&mut state.found, Found::Ended) {
                state.ends.push(Endable::Live(live));
            }
        }
        let Executed {
            cookie, is_gone, ..
        } = done?;
        let mut state = self.state();
        #[cfg(feature = "dbsc")]
        if !state.brought.by_token {
            Self::note_new_id(&mut state, step, &cookie);
        }
        if !is_gone {
            state.found = work.live.take().map_or(Found::Nobody, Found::Live);
        }
        if !matches!(cookie, CookieChange::Keep) {
            state.cookie = cookie;
        }
        Ok(())
    }

    /// Ends all other sessions that the cookies lead to, as part of a logout.
    async fn end_beside(&self, now: Timestamp) -> Result<(), SessionError> {
        let (ends, too_many) = {
            let mut state = self.state();
            state.is_to_end = false;
            // Cloned: if the store fails, a second logout of this request must find them again.
            (state.ends.clone(), state.brought.too_many)
        };
        let has_any = !ends.is_empty();
        self.realm().engine.end(ends, now).await?;
        {
            let mut state = self.state();
            state.ends.clear();
            // Not before: a browser whose session could not be ended tries again.
            state.forget_cookie();
        }
        if has_any {
            self.explain(Explanation::ended);
        }
        if too_many {
            // The browser forgets its cookie, but a session behind a value that was not tried may live on.
            return Err(TransportError::TooManyCookies.into());
        }
        Ok(())
    }
}

/// How long the response waits for a write that the handler has begun. A store has answered by then, unless its
/// time-out is longer.
const LONGEST_TURN: Duration = Duration::from_secs(60);
