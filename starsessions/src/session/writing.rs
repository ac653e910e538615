//! Writing what a request has changed: when its handler says so, and when it is over.

use std::sync::Arc;

use super::slot::Slot;
use super::state::{Phase, Turn};
use super::task::to_its_end;
use crate::engine::{CookieChange, Done, Work};
use crate::error::SessionError;
use crate::lifecycle::ServerErrors;
use crate::observe;

/// How the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an answer whose changes count.
    Answer,
    /// With a 5xx, or a panic.
    ServerError,
    /// An extractor of ours has turned it away, so that the handler did not run.
    Rejection,
}

/// What a request that is over leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing: it has not even looked at its session.
    Untouched,
    /// To tell what has become of it.
    Told,
    /// To write first.
    ToWrite,
}

impl Slot {
    /// Writes what has been changed so far, now.
    pub(crate) async fn commit(self: &Arc<Self>) -> Result<(), SessionError> {
        drop(self.open_state()?);
        if !self.may_end_id() {
            return self.commit_in_turn().await;
        }
        let slot = Arc::clone(self);
        to_its_end(Box::pin(async move { slot.commit_in_turn().await })).await
    }

    async fn commit_in_turn(&self) -> Result<(), SessionError> {
        let _gate = self.gate.lock().await;
        self.read(None).await?;
        let now = self.now();
        let work = self
            .state()
            .take_work(&self.realm().engine, Turn::Commit, now);
        match work {
            Ok(Some(work)) => self.carry_out(work).await?,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.state().is_gone {
            return Err(SessionError::Gone);
        }
        Ok(())
    }

    /// The request is over: no further change is taken.
    pub(crate) fn close(&self, ending: Ending) -> Left {
        let engine = &self.realm().engine;
        self.leave();
        let mut state = self.state();
        state.is_closed = true;
        let keeps_data = match ending {
            Ending::Answer => true,
            Ending::ServerError => engine.policy.server_errors == ServerErrors::Commit,
            Ending::Rejection => false,
        };
        if !keeps_data {
            if state.has_changes() {
                observe::dropped();
                if let Some(explanation) = self.explanation() {
                    explanation.dropped(ending);
                }
            }
            state.discard_data();
        }
        if !state.was_used {
            return Left::Untouched;
        }
        // Something is under way that the handler did not wait for: the browser is to know how it ends.
        if self.gate.try_lock().is_err() {
            return Left::ToWrite;
        }
        let has_work = match &state.phase {
            Phase::Unread | Phase::Failed(_) => state.has_orders(),
            Phase::Read => {
                // A touch or renewal is due if it was when the request came.
                let now = state.read_at;
                state.failure.is_some() || state.needs_work(engine, self.is_passive(), now)
            }
        };
        if has_work { Left::ToWrite } else { Left::Told }
    }

    /// Writes what is left to write; call it once, after `close`.
    pub(crate) async fn finish(self: Arc<Self>) -> Result<(), SessionError> {
        if !self.may_end_id() {
            return self.finish_in_turn().await;
        }
        to_its_end(Box::pin(async move { self.finish_in_turn().await })).await
    }

    async fn finish_in_turn(&self) -> Result<(), SessionError> {
        let _gate = self.gate.lock().await;
        let failure = {
            let mut state = self.state();
            let failure = state.failure.take();
            if failure.is_some() {
                // A change that cannot be made takes the others with it: one unit.
                state.discard_data();
            }
            failure
        };
        self.read(None).await?;
        let now = self.now();
        let is_passive = self.is_passive();
        let (uses_up, work) = {
            let mut state = self.state();
            let uses_up = state.changes.use_up();
            let work = state.take_work(&self.realm().engine, Turn::Last { is_passive }, now);
            (uses_up, work)
        };
        match work {
            Ok(Some(work)) => self.carry_out(work).await?,
            Ok(None) => {}
            // Ended elsewhere: there is nothing left to write to, and nothing to tell.
            Err(SessionError::Gone) => {
                if let Some(explanation) = self.explanation() {
                    explanation.gone();
                }
            }
            Err(error) => return Err(error),
        }
        if uses_up && self.state().has_ended() {
            // But what can be used once may live on under another id, and was not used.
            return Err(SessionError::Gone);
        }
        failure.map_or(Ok(()), Err)
    }

    /// Whether the id may end by what is to be done. Then it is done to its end, even when nobody
    /// waits for it any more: a logout or rotation that has begun takes place.
    fn may_end_id(&self) -> bool {
        let engine = &self.realm().engine;
        self.state()
            .may_end_id(engine, self.is_passive(), self.now())
    }

    /// Has the engine do it, and keeps what has become of the session.
    pub(super) async fn carry_out(&self, work: Box<Work>) -> Result<(), SessionError> {
        let step = work.step;
        let explained = self
            .explanation()
            .map(|it| (it, work.changes.iter().count()));
        let done = self.realm().engine.execute(work).await;
        if let Some((explanation, fields)) = explained {
            explanation.written(step, fields, &done);
        }
        if let Err(SessionError::Unavailable(error)) = &done {
            self.realm().report_unavailable(error);
        }
        let Done {
            live,
            cookie,
            is_gone,
            untouched,
        } = done?;
        if let Some(error) = untouched {
            self.realm().report_unavailable(&error);
        }
        let mut state = self.state();
        state.live = live;
        // After an end elsewhere only a new beginning is carried out.
        state.is_gone = is_gone;
        if !matches!(cookie, CookieChange::Keep) {
            state.cookie = cookie;
        }
        Ok(())
    }
}
