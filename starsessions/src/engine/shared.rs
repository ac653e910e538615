//! Sessions that Python reads and writes too, in its own format and under its own ids.
//!
//! A write replaces the bytes that were read, and only these, so two of our writers never overwrite each other, and our
//! changes are merged into what Python has written before. Python itself overwrites whatever is stored: if it reads
//! before our write and writes after it, our write is lost, even the end of a session.

use std::sync::Arc;
use std::time::Duration;

use super::client_side::SealedId;
use super::server_side::{MAX_ATTEMPTS, MAX_ID_COLLISIONS, back_off};
use super::{Context, CookieChange, Credential, Executed, Live, Presented, Work};
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::lifecycle::plan::{Next, Plan, Step};
use crate::observe::{EndCause, Known, Outages, Refusal};
use crate::python::{Content, Replaced, Sessions, Stored};
use crate::record::Record;
use crate::sentence::debug_as_name;
use crate::store::{StoreError, within};
use crate::takeover::Source;

pub(crate) struct SharedSide {
    pub(super) context: Context,
    pub(super) sessions: Sessions,
    /// How long each call of the store may take.
    pub(super) limit: Duration,
    pub(super) outages: Outages,
}

/// A session as Python has it.
#[derive(Clone)]
pub(crate) struct SharedId {
    /// The cookie's value: an id, or the session.
    cookie: Arc<str>,
    stored: Arc<Stored>,
    pub(super) id: SealedId,
}

debug_as_name!(SharedId);

impl SharedSide {
    /// Awaits the store's answer for a limited time, and logs an outage.
    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
        now: Timestamp,
    ) -> Result<T, StoreError> {
        let answer = within(self.limit, call).await;
        answer.inspect_err(|error| self.outages.report(error, now))
    }

    pub(super) async fn resolve(
        &self,
        candidate: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let Ok(cookie) = std::str::from_utf8(candidate) else {
            return Ok(Presented::Nobody(Some(Refusal::Malformed)));
        };
        if !self.sessions.accepts(cookie) {
            return Ok(Presented::Nobody(Some(Refusal::Malformed)));
        }
        let Some(stored) = self.ask(self.sessions.load(cookie, now), now).await? else {
            return Ok(Presented::Nobody(Some(Refusal::Unknown)));
        };
        let live = self.live(Arc::from(cookie), stored, now);
        if !self.context.policy.is_live(&live.record, now) {
            let why = self.context.policy.end_of(&live.record, now);
            return Ok(Presented::Nobody(Some(why)));
        }
        Ok(Presented::Live(live, Vec::new()))
    }

    pub(super) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Credential::Shared(shared) = &live.credential else {
            return Ok(None);
        };
        Ok(self.resolve(shared.cookie.as_bytes(), now).await?.live())
    }

    pub(super) async fn execute(&self, work: &mut Work) -> Result<Executed, SessionError> {
        let Work { live: place, plan } = work;
        let Some(live) = place else {
            return match plan.step {
                Step::Create => self.begin(place, plan).await,
                _ => Ok(Executed::kept()),
            };
        };
        match plan.step {
            Step::Nothing | Step::Create => Ok(Executed::kept()),
            Step::Commit | Step::Rotate { .. } => self.write(live, plan).await,
            // If this fails, the session only expires earlier, so the request goes on.
            Step::Touch => match self.write(live, plan).await {
                Err(SessionError::Unavailable(error)) => Ok(Executed {
                    untouched: Arc::into_inner(error),
                    ..Executed::kept()
                }),
                done => done,
            },
            Step::Replace => {
                self.end(live, plan.now).await?;
                self.begin(place, plan).await
            }
            Step::Delete => {
                self.end(live, plan.now).await?;
                *place = None;
                Ok(Executed::ended())
            }
        }
    }

    /// Ends a session. If the session is its cookie, only the browser can end it.
    pub(super) async fn end(&self, live: &Live, now: Timestamp) -> Result<(), SessionError> {
        if let Credential::Shared(shared) = &live.credential {
            self.ask(self.sessions.remove(&shared.cookie), now).await?;
            let name = live.name(&self.context.keys);
            let observer = &self.context.observer;
            observer.ended(name, EndCause::Logout, || Known::of(&live.record));
        }
        Ok(())
    }

    async fn begin(&self, place: &mut Option<Live>, plan: &Plan) -> Result<Executed, SessionError> {
        let record = self.context.begin(plan)?;
        let content = Sessions::renamed(Content::default(), plan.now)?;
        let (live, done) = self.insert(&content, &record, plan.now).await?;
        let name = live.name(&self.context.keys);
        let observer = &self.context.observer;
        observer.created(name, &record, plan.signs_in(None));
        *place = Some(live);
        Ok(done)
    }

    /// Writes the next state of the session; a rotation writes it under a new id.
    async fn write(&self, live: &mut Live, plan: &Plan) -> Result<Executed, SessionError> {
        let is_cookie = self.sessions.is_cookie();
        let rotates = matches!(plan.step, Step::Rotate { .. });
        let new: Option<Arc<str>> = match rotates && !is_cookie {
            true => Some(Sessions::new_id()?.into()),
            false => None,
        };
        for conflicts in 0..MAX_ATTEMPTS {
            let Credential::Shared(shared) = &live.credential else {
                return Ok(Executed::gone());
            };
            let Next { record, .. } = self.context.next(plan, &live.record)?;
            let content = &shared.stored.content;
            let stored = if rotates && is_cookie {
                // A form from before a sign-in is bound to the former name, and is invalid after it.
                self.store(&Sessions::renamed(content.clone(), plan.now)?, &record)?
            } else {
                self.store(content, &record)?
            };
            if is_cookie {
                let (next, done) = self.announce(stored, &record, plan.now)?;
                self.report([live, &next], &record, plan, conflicts);
                *live = next;
                return Ok(done);
            }
            let old = Arc::clone(&shared.cookie);
            let cookie = new.as_ref().unwrap_or(&old);
            let ttl = record.expires_at.since(plan.now);
            let ids = [&*old, &**cookie];
            let written = self.sessions.replace(ids, &shared.stored, &stored, ttl);
            match self.ask(written, plan.now).await? {
                Replaced::Done => {
                    let next = self.live(Arc::clone(cookie), stored, plan.now);
                    self.report([live, &next], &record, plan, conflicts);
                    let is_kept = self.context.persistent_cookie || record.remembered;
                    let is_visible =
                        new.is_some() || (is_kept && live.record.expires_at != record.expires_at);
                    let mut done = Executed::kept();
                    if is_visible {
                        done.cookie = self.set(cookie, &record, plan.now);
                    }
                    *live = next;
                    return Ok(done);
                }
                Replaced::Stale(stored) => {
                    self.context.observer.retried(live.name(&self.context.keys));
                    *live = self.live(old, stored, plan.now);
                }
                // Python's format has no way from a former id to the next one.
                Replaced::Gone => return self.context.lost(live.name(&self.context.keys), plan),
            }
            if !self.context.policy.is_live(&live.record, plan.now) {
                return Ok(self.context.gone(live.name(&self.context.keys)));
            }
            back_off(conflicts).await;
        }
        Err(SessionError::contention())
    }

    /// Reports the write.
    fn report(&self, [before, next]: [&Live; 2], record: &Record, plan: &Plan, conflicts: u32) {
        let (keys, observer) = (&self.context.keys, &self.context.observer);
        let name = next.name(keys);
        let signs_in = plan.signs_in(Some(&before.record));
        if before.key() != next.key() {
            observer.rotated(before.name(keys), name, false, record, signs_in);
        } else if plan.step == Step::Touch {
            observer.touched(name);
        } else {
            observer.committed(name, plan.changes.len(), conflicts, record, signs_in);
        }
    }

    /// Writes a session under a new id.
    async fn insert(
        &self,
        content: &Content,
        record: &Record,
        now: Timestamp,
    ) -> Result<(Live, Executed), SessionError> {
        let stored = self.store(content, record)?;
        if self.sessions.is_cookie() {
            return self.announce(stored, record, now);
        }
        let ttl = record.expires_at.since(now);
        for _ in 0..MAX_ID_COLLISIONS {
            let cookie: Arc<str> = Sessions::new_id()?.into();
            let inserted = self.sessions.insert(&cookie, &stored, ttl);
            if self.ask(inserted, now).await? {
                return Ok(self.with_cookie(cookie, stored, record, now));
            }
        }
        Err(SessionError::contention())
    }

    /// A session in a newly signed cookie.
    fn announce(
        &self,
        stored: Stored,
        record: &Record,
        now: Timestamp,
    ) -> Result<(Live, Executed), SessionError> {
        let cookie: Arc<str> = self.sessions.sign(&stored, now).into();
        let name = &self.context.cookie_name;
        let (size, limit) = (name.len() + cookie.len(), self.sessions.cookie_limit(name));
        if size > limit {
            return Err(SessionError::too_large_cookie(record, size, limit));
        }
        Ok(self.with_cookie(cookie, stored, record, now))
    }

    /// A session, and its cookie for the browser.
    fn with_cookie(
        &self,
        cookie: Arc<str>,
        stored: Stored,
        record: &Record,
        now: Timestamp,
    ) -> (Live, Executed) {
        let done = Executed {
            cookie: self.set(&cookie, record, now),
            ..Executed::kept()
        };
        (self.live(cookie, stored, now), done)
    }

    fn set(&self, cookie: &str, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::Set {
            value: cookie.to_owned().into(),
            max_age: self.context.max_age(record, now),
        }
    }

    fn store(&self, content: &Content, record: &Record) -> Result<Stored, SessionError> {
        let stored = self.sessions.close(content, record);
        stored.map_err(|error| SessionError::Unshareable(Arc::new(error)))
    }

    fn live(&self, cookie: Arc<str>, stored: Stored, now: Timestamp) -> Live {
        let mut record = stored.content.record(now);
        record.expires_at = (self.context.policy).deadline(&record, record.last_seen_at);
        let id = SealedId(stored.name(&cookie));
        let stored = Arc::new(stored);
        Live {
            credential: Credential::Shared(SharedId { cookie, stored, id }),
            record,
            is_outdated: false,
            is_unannounced: false,
        }
    }
}
