//! One request's use of its session: what the layer, the extractors and the handles share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;

use super::explain::Explanation;
use super::flash;
use super::realm::Realm;
use super::state::{Phase, State};
use crate::clock::Timestamp;
use crate::cookie::{self, Candidates, Values};
use crate::crypto::RowKey;
use crate::data::{Absent, Changed, SessionData};
use crate::engine::{Base, Change, CookieChange, Live, Presented};
use crate::error::SessionError;
use crate::lifecycle::FailurePolicy;
use crate::observe::{self, Refusal};
use crate::record::Record;
use crate::store::StoreError;

/// One request's use of its session.
///
/// The state is behind a plain lock that is never held across an await. The gate is only there to
/// put this request's own store calls in order (two extractors at once: one load); no other request
/// ever waits for it.
pub(crate) struct Slot {
    realm: Arc<Realm>,
    /// The slot of a layer further out, for another realm.
    outer: Option<Arc<Self>>,
    is_passive: AtomicBool,
    /// Whoever only looks sees a guest when the store fails.
    shows_guest: AtomicBool,
    /// Nobody may ever look at the response.
    is_unseen: AtomicBool,
    /// The layer is done with the request, or was given up with it: nobody writes any more what is
    /// not committed at once.
    is_over: AtomicBool,
    pub(super) gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// In development only.
    explanation: Option<Box<Explanation>>,
}

/// What a view was read from.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) record: Option<Record>,
    /// A value that was alive then was seen, even if it runs out in the hands of the handler.
    at: Timestamp,
    epoch: u32,
}

/// What the layer has to tell the browser and the caches.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) cookie: CookieChange,
    /// The request brought the session's cookie and another of its name, or two of two sessions.
    pub(crate) has_stale_cookie: bool,
}

impl Slot {
    pub(crate) fn new(realm: Arc<Realm>, outer: Option<Arc<Self>>) -> Self {
        Self {
            shows_guest: AtomicBool::new(shows_guest(realm.failure_policy)),
            realm,
            outer,
            is_passive: AtomicBool::new(false),
            is_unseen: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            gate: tokio::sync::Mutex::new(()),
            state: Mutex::default(),
            explanation: None,
        }
    }

    /// Keeps in mind why things go as they go.
    pub(crate) fn explain_to(&mut self, headers: &HeaderMap) {
        self.explanation = Some(Box::new(Explanation::new(headers)));
    }

    pub(super) fn explanation(&self) -> Option<&Explanation> {
        self.explanation.as_deref()
    }

    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    /// The slot of a realm, at this layer or further out.
    pub(crate) fn find(self: &Arc<Self>, realm: &str) -> Option<Arc<Self>> {
        let mut slot = self;
        while slot.realm.name != realm {
            slot = slot.outer.as_ref()?;
        }
        Some(Arc::clone(slot))
    }

    /// Whether a layer further out, of another realm, can still fail.
    pub(crate) fn has_outer(&self) -> bool {
        self.outer.is_some()
    }

    /// This request does not count as activity.
    pub(crate) fn set_passive(&self) {
        self.is_passive.store(true, Ordering::Relaxed);
        if let Some(outer) = &self.outer {
            outer.set_passive();
        }
    }

    /// This route has a policy of its own.
    pub(crate) fn set_failure_policy(&self, policy: FailurePolicy) {
        let shows_guest = shows_guest(policy);
        self.shows_guest.store(shows_guest, Ordering::Relaxed);
        if let Some(outer) = &self.outer {
            outer.set_failure_policy(policy);
        }
    }

    /// Nobody may ever look at the response: a message must wait for the next one.
    pub(super) fn set_unseen(&self) {
        self.is_unseen.store(true, Ordering::Relaxed);
    }

    /// Keeps the cookies that may be ours, for when the session is asked for.
    pub(crate) fn see(&self, headers: &HeaderMap) {
        let mut state = self.state();
        if state.kept_cookies.is_none() && matches!(state.phase, Phase::Unread) {
            let cookies = cookie::candidates(headers, self.realm.cookie.name());
            state.see(&cookies);
            self.realm.learn_transport(headers, !cookies.is_empty());
            state.kept_cookies = Some(
                cookies
                    .values()
                    .iter()
                    .map(|value| Box::from(*value))
                    .collect(),
            );
        }
    }

    /// Loads the session, the first time that it is asked for.
    ///
    /// # Errors
    /// If the store fails: then, and at every further call in this request.
    pub(crate) async fn ready(&self) -> Result<(), SessionError> {
        self.ready_with(None).await
    }

    /// The same with the request's headers at hand, so that no cookie need be kept.
    pub(crate) async fn ready_with(&self, headers: Option<&HeaderMap>) -> Result<(), SessionError> {
        if let Some(known) = self.state().known() {
            return known;
        }
        let _gate = self.gate.lock().await;
        self.read(headers).await
    }

    /// The same for one who only looks: a store that fails shows a guest, where the layer has it so.
    ///
    /// # Errors
    /// If the store fails and the layer does not have it so.
    pub(crate) async fn ready_to_read(
        &self,
        headers: Option<&HeaderMap>,
    ) -> Result<(), SessionError> {
        let shows_guest = self.shows_guest.load(Ordering::Relaxed);
        match self.ready_with(headers).await {
            Err(SessionError::Unavailable(_)) if shows_guest => Ok(()),
            result => result,
        }
    }

    /// Asks the store again.
    pub(crate) async fn refresh(&self) -> Result<(), SessionError> {
        let _gate = self.gate.lock().await;
        self.read(None).await?;
        let Some(live) = self.state().live.clone() else {
            return Ok(());
        };
        let now = self.realm.engine.now();
        let refreshed = self.realm.engine.refresh(live, now).await;
        let mut state = self.state();
        match refreshed {
            Ok(live) => {
                state.is_gone = live.is_none();
                state.live = live;
                Ok(())
            }
            Err(error) => self.fail_reading(&mut state, error),
        }
    }

    /// Builds a view of the session as this request has left it so far.
    pub(crate) fn view<T: SessionData>(&self) -> Result<(T, Seen), Absent> {
        let mut state = self.state();
        // The view that the session was loaded for sees it as of then, at the cost of no clock.
        let just_now = state.just_read_at.take();
        let at = just_now.unwrap_or_else(|| self.realm.engine.now());
        state.use_view(T::SCHEMA);
        let (mut record, epoch) = (state.working_record(at), state.epoch);
        drop(state);
        if self.is_unseen.load(Ordering::Relaxed) {
            flash::hide(T::SCHEMA, record.as_mut());
        }
        let seen = Seen { record, at, epoch };
        let value = self.realm.read_view(seen.record.as_ref(), at)?;
        Ok((value, seen))
    }

    /// Takes the changes of one view, measured against what it saw.
    pub(crate) fn push_seen(&self, seen: &Seen, fields: &[Changed]) -> Result<(), SessionError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(SessionError::Closed);
        }
        if state.epoch != seen.epoch {
            // Destroyed or rolled back since: these changes went with the rest.
            return Ok(());
        }
        let changes = fields.iter().map(|(spec, value)| {
            let record = seen.record.as_ref();
            let field = record
                .and_then(|record| spec.find(record))
                .filter(|(_, field)| field.is_live(seen.at));
            Change {
                spec,
                base: Base::Seen {
                    value: field.as_ref().map(|(_, field)| field.value.clone()),
                    revision: field.map_or(0, |(name, field)| state.revision_of(&name, field)),
                },
                value: value.clone(),
            }
        });
        let changes = changes.collect();
        state.changes.extend(changes)?;
        Ok(())
    }

    /// Takes changes that replace whatever is there.
    pub(crate) fn push_any(
        &self,
        fields: impl IntoIterator<Item = Changed>,
    ) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        for (spec, value) in fields {
            state.changes.push(Change {
                spec,
                base: Base::Any,
                value,
            });
        }
        Ok(())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whoever still holds the session holds it for itself.
    pub(crate) fn leave(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Keeps an error that had no other way to be seen; the response will tell.
    pub(crate) fn fail(&self, error: SessionError) {
        let mut state = self.state();
        state.failure.get_or_insert(error);
    }

    /// Drops the data changes so far: one of them cannot be made, and they are one unit.
    pub(crate) fn discard(&self) {
        self.state().discard_data();
    }

    pub(crate) fn destroy(&self) -> Result<(), SessionError> {
        self.open_state()?.destroy();
        Ok(())
    }

    /// What was to be destroyed is gone from the store already.
    pub(super) fn note_destroyed(&self) {
        if self.state().note_destroyed()
            && let Some(explanation) = self.explanation()
        {
            explanation.ended();
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state().is_gone
    }

    pub(crate) fn rotate(&self) -> Result<(), SessionError> {
        self.open_state()?.rotate = true;
        Ok(())
    }

    pub(crate) fn remember(&self, remember: bool) -> Result<(), SessionError> {
        self.open_state()?.remember = Some(remember);
        Ok(())
    }

    pub(crate) fn rollback(&self) {
        self.state().rollback();
    }

    pub(crate) fn record(&self) -> Option<Record> {
        let mut state = self.state();
        state.was_used = true;
        state.live.as_ref().map(|live| live.record.clone())
    }

    /// What the session is, to whoever looks for it in the store: its row, and its record with the
    /// changes of this request in it.
    pub(super) fn own(&self) -> (Option<RowKey>, Option<Record>) {
        let now = self.realm.engine.now();
        let state = self.state();
        let row_key = state.live.as_ref().and_then(Live::row_key);
        (row_key, state.working_record(now))
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let mut state = self.state();
        Outcome {
            cookie: std::mem::take(&mut state.cookie),
            // Of two sessions, the former cookie's is the one to go, or nobody could ever sign in.
            has_stale_cookie: state.has_duplicates && (state.live.is_some() || state.is_ambiguous),
        }
    }

    pub(super) async fn read(&self, headers: Option<&HeaderMap>) -> Result<(), SessionError> {
        let engine = &self.realm.engine;
        let kept;
        let cookies = {
            let mut state = self.state();
            if let Some(known) = state.known() {
                return known;
            }
            state.was_used = true;
            kept = state.kept_cookies.clone();
            let cookies: Candidates<'_> = match (&kept, headers) {
                (Some(kept), _) => kept.iter().map(|value| &**value).collect(),
                (None, Some(headers)) => {
                    let cookies = cookie::candidates(headers, self.realm.cookie.name());
                    state.see(&cookies);
                    self.realm.learn_transport(headers, !cookies.is_empty());
                    cookies
                }
                (None, None) => Candidates::default(),
            };
            cookies.into_values()
        };
        let now = engine.now();
        let presented = match cookies {
            Values::None => Ok(Presented::Nobody(Refusal::NoCookie)),
            Values::One(cookie) => engine.resolve(cookie, now).await,
            // In a box: what is rare would make the future of every request larger.
            Values::Several(cookies) => Box::pin(engine.choose(&cookies, now)).await,
        };
        if let Some(explanation) = self.explanation() {
            explanation.loaded(&presented, &self.realm, now);
        }
        let mut state = self.state();
        state.phase = Phase::Read;
        state.read_at = now;
        state.just_read_at = headers.map(|_| now);
        match presented {
            Ok(Presented::Live(live)) => {
                observe::loaded(live.name(&engine.keys), &live.record);
                state.live = Some(live);
            }
            Ok(Presented::Nobody(why)) => observe::refused(why),
            Ok(Presented::Former) => {
                observe::behind();
                state.is_behind = true;
            }
            Ok(Presented::Ambiguous) => {
                observe::ambiguous();
                state.is_ambiguous = true;
                self.realm.report_ambiguous();
            }
            Err(error) => {
                observe::load_failed();
                return self.fail_reading(&mut state, error);
            }
        }
        Ok(())
    }

    /// From here on the request knows nothing, and writes nothing.
    fn fail_reading(&self, state: &mut State, error: StoreError) -> Result<(), SessionError> {
        let error = Arc::new(error);
        self.realm.report_unavailable(&error);
        state.phase = Phase::Failed(Arc::clone(&error));
        state.live = None;
        Err(SessionError::Unavailable(error))
    }

    pub(super) fn is_passive(&self) -> bool {
        self.is_passive.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.realm.engine.now()
    }

    /// The state, if it still takes changes.
    pub(super) fn open_state(&self) -> Result<MutexGuard<'_, State>, SessionError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(SessionError::Closed);
        }
        state.was_used = true;
        Ok(state)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a whole one, so a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shows_guest(policy: FailurePolicy) -> bool {
    policy == FailurePolicy::ReadOnlyGuest
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("realm", &self.realm.name)
            .finish_non_exhaustive()
    }
}
