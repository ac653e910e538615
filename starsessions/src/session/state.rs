//! What one request knows of its session and wants of it. Nothing here waits for anything.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::cookie::Candidates;
use crate::engine::{Changes, CookieChange, Engine, Live, Work};
use crate::error::SessionError;
use crate::lifecycle::plan::{Situation, Step};
use crate::record::{Field, FieldName, Fields, Record, Touch};
use crate::schema::{FieldSpec, Schema};
use crate::store::StoreError;

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// The cookies that may be ours, for one who may ask for the session when the headers are gone.
    pub(super) kept_cookies: Option<Arc<[Box<[u8]>]>>,
    has_cookie: bool,
    pub(super) has_duplicates: bool,
    /// Two of the cookies led to two different sessions.
    pub(super) is_ambiguous: bool,
    pub(super) was_used: bool,
    pub(super) read_at: Timestamp,
    pub(super) just_read_at: Option<Timestamp>,
    pub(super) is_closed: bool,
    pub(super) live: Option<Live>,
    /// The session was there when the request came, and has ended since.
    pub(super) is_gone: bool,
    /// A sign-in had just ended the id that the request came with. What the request begins would
    /// take the place of that sign-in in the browser, so it may begin nothing less than another.
    pub(super) is_behind: bool,
    pub(super) changes: Changes,
    /// Counts the times that all changes were thrown away; views of an earlier epoch write no more.
    pub(super) epoch: u32,
    destroy: bool,
    pub(super) rotate: bool,
    pub(super) remember: Option<bool>,
    used: Vec<&'static Schema>,
    pub(super) failure: Option<SessionError>,
    pub(super) cookie: CookieChange,
}

#[derive(Default)]
pub(super) enum Phase {
    #[default]
    Unread,
    Read,
    Failed(Arc<StoreError>),
}

/// Which of a request's turns to write it is.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// Within the handler, which leaves timers to the end.
    Commit,
    /// When the handler has answered.
    Last { is_passive: bool },
}

impl Turn {
    fn is_passive(self) -> bool {
        match self {
            Self::Commit => true,
            Self::Last { is_passive } => is_passive,
        }
    }
}

impl State {
    /// The result of the load, once there is one.
    pub(super) fn known(&self) -> Option<Result<(), SessionError>> {
        match &self.phase {
            Phase::Unread => None,
            Phase::Read => Some(Ok(())),
            Phase::Failed(error) => Some(Err(SessionError::Unavailable(Arc::clone(error)))),
        }
    }

    /// Notes which cookies there are.
    pub(super) fn see(&mut self, cookies: &Candidates<'_>) {
        self.has_cookie = !cookies.is_empty();
        self.has_duplicates = cookies.is_repeated();
    }

    pub(super) fn use_view(&mut self, schema: &'static Schema) {
        self.was_used = true;
        let has_idle_fields = schema.fields.iter().any(|spec| spec.idle.is_some());
        if has_idle_fields && !self.used.iter().any(|used| std::ptr::eq(*used, schema)) {
            self.used.push(schema);
        }
    }

    pub(super) fn destroy(&mut self) {
        self.rollback();
        self.destroy = true;
    }

    /// The store has nothing left to destroy: the browser is told, and what is written from now on
    /// begins another session. Returns whether it was to be destroyed.
    pub(super) fn note_destroyed(&mut self) -> bool {
        let was_to_end = std::mem::take(&mut self.destroy);
        if was_to_end {
            self.live = None;
            self.cookie = CookieChange::Remove;
        }
        was_to_end
    }

    pub(super) fn rollback(&mut self) {
        self.changes.clear();
        self.epoch += 1;
        self.destroy = false;
        self.rotate = false;
        self.remember = None;
        self.failure = None;
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Drops what a failed request may not write.
    pub(super) fn discard_data(&mut self) {
        self.changes.retain_always();
        self.remember = None;
        self.failure = None;
    }

    /// Whether the request wants anything of a session that it has not looked at.
    pub(super) fn has_orders(&self) -> bool {
        self.failure.is_some()
            || self.destroy
            || self.rotate
            || self.remember.is_some()
            || !self.changes.is_empty()
    }

    /// The revision that a value has in the store which a view has seen. What this request wrote
    /// itself has one since it was committed.
    pub(super) fn revision_of(&self, name: &str, seen: &Field) -> u64 {
        if seen.revision != NOT_STORED {
            return seen.revision;
        }
        self.live
            .as_ref()
            .and_then(|live| live.record.fields.get(name))
            .filter(|stored| stored.value == seen.value)
            .map_or(NOT_STORED, |stored| stored.revision)
    }

    /// The record with this request's changes in it.
    pub(super) fn working_record(&self, now: Timestamp) -> Option<Record> {
        let mut record = self
            .live
            .as_ref()
            .filter(|_| !self.destroy)
            .map(|live| live.record.clone());
        for change in self.changes.iter() {
            let fields = &mut record.get_or_insert_with(|| Record::new(now, now)).fields;
            write(fields, change.spec, change.value.clone());
        }
        record
    }

    /// Whether the id ends with this request, as far as it is known.
    pub(super) fn is_to_move(&self, record: &Record) -> bool {
        self.destroy || self.rotate || self.changes.rotate(record)
    }

    /// Whether the session that the request came with has ended, and not by this request.
    pub(super) fn has_ended(&self) -> bool {
        self.is_gone || self.is_behind
    }

    pub(super) fn needs_work(&self, engine: &Engine, is_passive: bool, now: Timestamp) -> bool {
        let (situation, _) = self.situation(engine, is_passive, now);
        situation.step() != Step::Nothing
            || self.live.as_ref().is_some_and(|live| live.is_news)
            || self.is_cookie_to_remove()
    }

    /// Whether the id may end by what is to be done; a session that was not read yet may turn out
    /// to be due for a new one.
    pub(super) fn may_end_id(&self, engine: &Engine, is_passive: bool, now: Timestamp) -> bool {
        let (situation, _) = self.situation(engine, is_passive, now);
        let is_unread = matches!(self.phase, Phase::Unread);
        let counts = engine.limit.is_some() && self.changes.may_sign_in();
        is_unread || counts || situation.step().ends_id()
    }

    /// Hands out everything that is to be done, and forgets it.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if there is something to write to a session that has ended.
    pub(super) fn take_work(
        &mut self,
        engine: &Engine,
        turn: Turn,
        now: Timestamp,
    ) -> Result<Option<Box<Work>>, SessionError> {
        let is_passive = turn.is_passive();
        let (situation, touch) = self.situation(engine, is_passive, now);
        let step = situation.step();
        if self.is_cookie_to_remove() {
            self.cookie = CookieChange::Remove;
        }
        let changes = std::mem::take(&mut self.changes);
        let remember = self.remember.take();
        let was_destroyed = std::mem::take(&mut self.destroy);
        self.rotate = false;
        let signs_in = self.is_behind && changes.identify();
        if was_destroyed || signs_in {
            self.is_behind = false;
        }
        if self.has_ended() && !was_destroyed {
            return if changes.is_empty() {
                Ok(None)
            } else {
                Err(SessionError::Gone)
            };
        }
        let is_news = self.live.as_ref().is_some_and(|live| live.is_news);
        if step == Step::Nothing && !is_news {
            return Ok(None);
        }
        let live = match turn {
            // What cannot be put back is taken by clone: an error leaves the session as it was.
            Turn::Commit => self.live.clone(),
            // A record that nobody shares is changed in place.
            Turn::Last { .. } => self.live.take(),
        };
        Ok(Some(Box::new(Work {
            step,
            live,
            changes,
            remember,
            touch,
            is_passive,
            now,
        })))
    }

    /// A new id for a session whose id is old, and nothing else; `None` if it is not due, or will change
    /// for another reason.
    pub(super) fn renewal(&self, engine: &Engine, now: Timestamp) -> Option<Work> {
        let (situation, _) = self.situation(engine, false, now);
        let is_due = situation.step() == Step::Rotate { grace: true };
        let live = self.live.as_ref().filter(|_| is_due && !self.is_gone)?;
        live.row_key()?;
        Some(Work {
            step: Step::Rotate { grace: true },
            live: Some(live.clone()),
            changes: Changes::default(),
            remember: None,
            touch: None,
            is_passive: true,
            now,
        })
    }

    /// Whether the session that the request came with is to end.
    pub(super) fn ends(&self) -> bool {
        self.destroy
    }

    fn situation(
        &self,
        engine: &Engine,
        is_passive: bool,
        now: Timestamp,
    ) -> (Situation, Option<Touch>) {
        let record = self.live.as_ref().map(|live| &live.record);
        let remembers = record
            .zip(self.remember)
            .is_some_and(|(record, remember)| record.remembered != remember);
        let touch = record
            .filter(|_| !is_passive)
            .and_then(|record| engine.policy.due_touch(record, &self.used, now));
        let renew = !is_passive
            && self.live.as_ref().is_some_and(|live| {
                live.is_outdated || engine.policy.is_renewal_due(&live.record, now)
            });
        let base = record.filter(|_| !self.destroy);
        let situation = Situation {
            exists: record.is_some(),
            destroy: self.destroy,
            changes: self.changes.affect(base) || (remembers && !self.destroy),
            rotate: self.rotate || base.is_some_and(|record| self.changes.rotate(record)),
            renew,
            touch: touch.is_some(),
        };
        (situation, touch)
    }

    /// A logout whose cookie led nowhere: the browser may as well forget it.
    fn is_cookie_to_remove(&self) -> bool {
        self.destroy && self.live.is_none() && self.has_cookie
    }
}

/// Makes a change of this request in fields that only this request sees.
pub(super) fn write(fields: &mut Fields, spec: &'static FieldSpec, value: Option<Bytes>) {
    for name in std::iter::once(&spec.name).chain(spec.aliases) {
        fields.remove(name);
    }
    if let Some(value) = value {
        fields.insert(
            FieldName::Borrowed(spec.name),
            Field::new(value, NOT_STORED),
        );
    }
}

/// The revision of a value that this request has written and no store has seen.
const NOT_STORED: u64 = u64::MAX;
