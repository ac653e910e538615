//! One request's use of its session: what the layer, the extractors and the handles share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request};

use super::explain::Explanation;
use super::flows::FlowCookie;
use super::found::Found;
use super::gate::Gate;
use super::state::{Door, State};
use super::{Realm, provenance};
use crate::clock::Timestamp;
use crate::crypto::{Fingerprint, RowKey};
use crate::engine::{CookieChange, Endable, Live};
use crate::error::SessionError;
use crate::lifecycle::FailurePolicy;
use crate::lifecycle::changes::with_changes;
use crate::local_path::LocalPath;
use crate::record::{Edit, Record};
use crate::schema::{Absent, Changed, ChangedFields, Schema, SessionData, is_same_realm};

/// One request's use of its session.
///
/// The state is behind a plain lock that is never held across an await. The gate only puts this request's own store
/// calls in order (two extractors at once: one load); no other request ever waits for it.
pub(crate) struct Slot {
    realm: Arc<Realm>,
    /// The slot of a layer further out, for another realm.
    pub(super) outer: Option<Arc<Self>>,
    /// The path of the request; `None` if no browser can be led back to it, because a redirect cannot repeat its
    /// method.
    target: Option<PathAndQuery>,
    /// The host that was asked for over HTTP/2, which has no header for it; only until the layer knows its transport.
    authority: Option<Authority>,
    pub(super) gate: Gate,
    state: Mutex<State>,
    /// Only in a layer that explains its requests.
    explanation: Option<Box<Explanation>>,
    /// For a function under test, which has no layer.
    #[cfg(feature = "testing")]
    pub(crate) is_of_any_realm: bool,
}

/// The state that a view was read from.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) record: Option<Record>,
    /// When it was read: a value that was live then was seen, even if it expires while the handler runs.
    at: Timestamp,
    pub(super) epoch: u32,
    /// The struct's `validate` has refused the stored fields, which count as absent.
    pub(crate) is_refused: bool,
}

/// The effects of the session on the response.
#[derive(Debug)]
pub(crate) struct ResponseEffects {
    pub(crate) cookie: CookieChange,
    /// The cookies of flows that the response sets and removes.
    pub(crate) flows: Vec<FlowCookie>,
    /// The request brought the session's cookie and another of its name, or two of two sessions.
    pub(crate) has_stale_cookie: bool,
    /// The response may be about one user.
    pub(crate) has_session: bool,
    /// The response holds a token.
    pub(crate) has_token: bool,
}

impl Seen {
    /// Makes the view compare with the changes that it has just handed over.
    pub(crate) fn go_on_from(&mut self, changed: &ChangedFields, now: Timestamp) {
        if changed.is_empty() {
            return;
        }
        let changed: Vec<_> = changed.iter().collect();
        let changed = changed
            .iter()
            .map(|(spec, value)| (*spec, value.as_deref()));
        self.record = with_changes(self.record.take(), changed, now);
        self.is_refused = false;
    }
}

impl Slot {
    /// The slot of a request as the layer sees it; without a request, a slot that belongs to none.
    pub(crate) fn new<B>(
        realm: Arc<Realm>,
        outer: Option<Arc<Self>>,
        request: Option<&Request<B>>,
    ) -> Arc<Self> {
        let explained = request.filter(|_| realm.explains);
        let authority = request.and_then(|it| it.uri().authority());
        let explanation = explained.map(|it| {
            Box::new(Explanation::new(
                it.headers(),
                authority.map(Authority::as_str),
            ))
        });
        let target = match request {
            Some(request) => match *request.method() {
                Method::GET | Method::HEAD => {
                    provenance::address(request).path_and_query().cloned()
                }
                _ => None,
            },
            None => Some(PathAndQuery::from_static("/")),
        };
        // `new_cyclic` allocates first, so that the slot is made where it stays: `new` would move it there.
        Arc::new_cyclic(|_| Self {
            outer,
            target,
            authority: authority.filter(|_| !realm.knows_transport()).cloned(),
            gate: Gate::default(),
            state: Mutex::new(State::new(&realm)),
            explanation,
            #[cfg(feature = "testing")]
            is_of_any_realm: false,
            realm,
        })
    }

    /// See [`Schema::is_served_by`].
    pub(crate) fn serves(&self, schema: &Schema) -> Result<(), SessionError> {
        #[cfg(feature = "testing")]
        if self.is_of_any_realm {
            return Ok(());
        }
        schema.is_served_by(&self.realm.name)
    }

    /// The path to come back to, if the browser can repeat the request.
    pub(crate) fn local_path(&self) -> Option<LocalPath> {
        self.target.as_ref().map(LocalPath::of_request)
    }

    pub(super) fn authority(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::as_str)
    }

    pub(super) fn explain(&self, note: impl FnOnce(&Explanation)) {
        if let Some(explanation) = &self.explanation {
            note(explanation);
        }
    }

    /// The explanation of the request, with what the response does to the cookie at its end.
    pub(crate) fn explained(&self, cookie: &CookieChange) -> Option<String> {
        let explanation = self.explanation.as_ref()?;
        Some(explanation.conclude(cookie, &self.realm))
    }

    pub(crate) fn explain_failure(&self, error: &SessionError) {
        self.explain(|explanation| explanation.failed(error));
    }

    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.realm.engine.now()
    }

    /// The slot of a realm, at this layer or further out.
    pub(crate) fn find(self: &Arc<Self>, realm: &str) -> Option<Arc<Self>> {
        let mut slots = std::iter::successors(Some(self), |slot| slot.outer.as_ref());
        slots
            .find(|slot| is_same_realm(&slot.realm.name, realm))
            .cloned()
    }

    /// A slot, of this layer or further out, whose cookie has the name of that realm's cookie.
    pub(crate) fn same_cookie(&self, realm: &Realm) -> Option<&Self> {
        let mut slots = std::iter::successors(Some(self), |slot| slot.outer.as_deref());
        let has_same = |slot: &&Self| {
            slot.realm.carriers.has_cookie && slot.realm.cookie.name() == realm.cookie.name()
        };
        slots.find(has_same).filter(|_| realm.carriers.has_cookie)
    }

    /// Whether there is a layer further out, for another realm, which can still fail.
    pub(crate) fn has_outer(&self) -> bool {
        self.outer.is_some()
    }

    /// Marks the request as one that does not count as activity.
    pub(crate) fn set_passive(&self) {
        self.state().manner.is_passive = true;
        if let Some(outer) = &self.outer {
            outer.set_passive();
        }
    }

    /// Sets the route's own failure policy.
    pub(crate) fn set_failure_policy(&self, policy: FailurePolicy) {
        self.state().manner.failure_policy = policy;
        if let Some(outer) = &self.outer {
            outer.set_failure_policy(policy);
        }
    }

    /// Notes whether the response may be shown, and whether it may redirect to another page.
    pub(crate) fn note_manner(&self, parts: &Parts) {
        let (is_unseen, can_be_led) = (provenance::is_unseen(parts), self.can_be_led(parts));
        if is_unseen || !can_be_led {
            let mut state = self.state();
            state.manner.is_unseen |= is_unseen;
            state.manner.is_no_navigation |= !can_be_led;
        }
    }

    /// Whether the request is a navigation, which can be redirected to another page. If the layer takes tokens, a
    /// client that does not say that it is a browser counts as an application, even without a token.
    fn can_be_led(&self, parts: &Parts) -> bool {
        provenance::is_navigation(parts)
            && (!self.takes_tokens() || provenance::is_of_browser(&parts.headers))
    }

    /// Whether the response may redirect to another page, as far as it is known.
    pub(crate) fn may_lead(&self) -> bool {
        !self.is_for_tokens() && !self.state().manner.is_no_navigation
    }

    /// Builds a view of the session as this request has left it so far.
    pub(crate) fn view<T: SessionData>(&self) -> Result<(T, Seen), Absent> {
        let (mut seen, is_unseen) = self.look(T::SCHEMA);
        let (mut value, is_refused) = self.realm.read_view(seen.record.as_ref(), seen.at)?;
        seen.is_refused = is_refused;
        // The struct's rule has judged what is stored, messages included.
        if is_unseen
            && let Some(record) = &mut seen.record
            && hide_messages(T::SCHEMA, record)
            && !is_refused
        {
            value = self.realm.read_fields(seen.record.as_ref(), seen.at)?;
        }
        Ok((value, seen))
    }

    /// The state that a view is made from, and whether its messages are to be hidden.
    #[inline]
    fn look(&self, schema: &'static Schema) -> (Seen, bool) {
        let mut state = self.state();
        // The view for which the session was loaded uses the time of the load, which saves reading the clock.
        let just_now = state.just_read_at.take();
        let at = just_now.unwrap_or_else(|| self.now());
        state.use_view(schema);
        let seen = Seen {
            record: state.pending.working_record(&state.found, at),
            at,
            epoch: state.epoch,
            is_refused: false,
        };
        (seen, state.manner.is_unseen)
    }

    /// The value of this type that belongs to the request, however many handlers and extractors ask for it.
    pub(crate) fn once<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut state = self.state();
        state.made.get_or_insert_default::<Arc<T>>().clone()
    }

    /// Takes the changes of a view, if there are any.
    pub(crate) fn hand_over(
        &self,
        seen: &Seen,
        changed: &ChangedFields,
        schema: &'static Schema,
    ) -> Result<(), SessionError> {
        if changed.is_empty() {
            return Ok(());
        }
        let mut guard = self.to_change(schema.type_name)?;
        let state = &mut *guard;
        if state.door == Door::Leaving {
            return Ok(());
        }
        // The session was destroyed or rolled back since, and these changes with it.
        let is_late = state.epoch != seen.epoch;
        if !is_late {
            let stored = state.found.live().map(|live| &live.record);
            let before = (seen.record.as_ref(), seen.at);
            state.pending.changes.extend(changed, before, stored)?;
        }
        drop(guard);
        if is_late {
            self.explain(|explanation| explanation.late(schema));
        }
        #[cfg(debug_assertions)]
        self.report_refreshed(schema, seen, changed);
        Ok(())
    }

    pub(crate) fn push_any(
        &self,
        fields: impl IntoIterator<Item = Changed>,
    ) -> Result<(), SessionError> {
        let mut state = self.to_change(WHOLE)?;
        let is_unseen = state.manner.is_unseen;
        state.pending.changes.replace(fields, is_unseen);
        Ok(())
    }

    /// Whether the handler has answered, so that a change is lost.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().door == Door::Closed
    }

    /// Marks the request as cancelled, before its handler is dropped.
    pub(crate) fn begin_to_leave(&self) {
        self.state().door = Door::Leaving;
    }

    /// Marks the handler of a cancelled request as dropped. A task that goes on must commit its own changes.
    pub(crate) fn leave(&self) {
        self.state().door = Door::Left;
    }

    /// Keeps an error that could not be returned; the next commit or the response reports it. Returns `false` if the
    /// response has left, so that nothing will report the error.
    pub(crate) fn fail(&self, view: &'static str, error: SessionError) -> bool {
        let state = self.to_change(view);
        state.is_ok_and(|mut state| {
            state.pending.failure.get_or_insert(error);
            true
        })
    }

    /// Drops the data changes at the end of the request.
    pub(crate) fn discard_at_end(&self) -> Result<(), SessionError> {
        self.open_state()?.discards = true;
        Ok(())
    }

    pub(crate) fn destroy(&self) -> Result<(), SessionError> {
        let mut state = self.to_change(WHOLE)?;
        state.rollback();
        state.pending.destroy = true;
        Ok(())
    }

    /// The store has nothing left to destroy: the response removes the cookie, and a later write begins another
    /// session.
    pub(crate) fn note_destroyed(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.pending.destroy) {
            state.found = Found::Nobody;
            state.cookie = CookieChange::Remove;
            self.explain(Explanation::ended);
        }
    }

    /// Whether the cookies lead to several sessions, or may do so.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(self.state().found, Found::Ambiguous)
    }

    /// Ends all sessions that the cookies lead to, if one of them is meant; returns whether it is.
    pub(crate) fn destroy_if(
        &self,
        is_meant: impl Fn(&RowKey, &Record) -> bool,
    ) -> Result<bool, SessionError> {
        let is_one = self.state().ends.iter().any(|end| match end {
            Endable::Live(live) => live
                .row_key()
                .is_some_and(|key| is_meant(&key, &live.record)),
            Endable::Former(_) => false,
        });
        if is_one {
            self.destroy()?;
        }
        Ok(is_one)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state().found.has_ended()
    }

    pub(crate) fn rotate(&self) -> Result<(), SessionError> {
        self.to_change(WHOLE)?.pending.rotate = true;
        Ok(())
    }

    pub(crate) fn remember(&self, remember: bool) -> Result<(), SessionError> {
        self.to_change(WHOLE)?.pending.remember = Some(remember);
        Ok(())
    }

    pub(crate) fn rollback(&self) {
        self.state().rollback();
    }

    /// The session's fingerprint for logs.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        let state = self.state();
        let live = state.found.live()?;
        Some(live.name(self.realm.engine.keys()).fingerprint())
    }

    pub(crate) fn record(&self) -> Option<Record> {
        let state = self.state();
        state.found.live().map(|live| live.record.clone())
    }

    /// The session for a search in the store: its row, and its record with the changes of this request in it.
    pub(crate) fn own(&self) -> (Option<RowKey>, Option<Record>) {
        let now = self.now();
        let state = self.state();
        let row_key = state.found.live().and_then(Live::row_key);
        (row_key, state.pending.working_record(&state.found, now))
    }

    pub(crate) fn effects(&self) -> ResponseEffects {
        self.state().effects()
    }

    /// The state, to take a change by this view, or by `CurrentSession` ([`WHOLE`]).
    fn to_change(&self, by: &'static str) -> Result<MutexGuard<'_, State>, SessionError> {
        let mut state = self.open_state()?;
        if state.door == Door::Left {
            state.late = Some(by);
        }
        Ok(state)
    }

    /// The state, if it still takes changes.
    pub(super) fn open_state(&self) -> Result<MutexGuard<'_, State>, SessionError> {
        let mut state = self.state();
        if state.door == Door::Closed {
            return Err(SessionError::Closed);
        }
        state.was_used = true;
        Ok(state)
    }

    #[inline]
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete, so a panic elsewhere leaves it valid.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs a change that a task has made after its request was cancelled, and has not committed.
impl Drop for Slot {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if let Some(by) = state.unwrap_or_else(PoisonError::into_inner).late {
            self.realm.reporter.late_change(by);
        }
    }
}

/// Removes the flash messages from the record of a view: a view that does not see them cannot consume them. Returns
/// whether the view can have any.
fn hide_messages(schema: &'static Schema, record: &mut Record) -> bool {
    let messages = schema.fields.iter().filter(|spec| spec.flash);
    let names = messages.flat_map(|spec| std::iter::once(&spec.name).chain(spec.aliases));
    let edits: Vec<_> = names.map(|name| Edit::remove(name)).collect();
    let may_have = !edits.is_empty();
    if may_have {
        record.rewrite(edits);
    }
    may_have
}

/// Stands for a view in the log.
const WHOLE: &str = "CurrentSession";
