//! Sessions in a store: the cookie is a reference, and concurrent requests are merged in the record.

use std::sync::Arc;
use std::time::Duration;

use super::vault::Opened;
use super::ways::left;
use super::{
    Context, CookieChange, Credential, Executed, Live, Presented, Vault, Watchers, Work,
    why_unreadable,
};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, Way, WayKind};
use crate::error::SessionError;
use crate::lifecycle::SessionLimit;
use crate::lifecycle::expiry::is_old_enough_for_new_id;
use crate::lifecycle::plan::{Next, Plan, Step};
use crate::observe::{Name, Refusal};
use crate::record::Record;
use crate::store::{Inserted, Replaced, Rotated, Rotation, Row, StoreError, Touch, Touched};

pub(crate) struct ServerSide {
    pub(super) context: Context,
    pub(super) vault: Vault,
    pub(crate) watchers: Watchers,
    pub(super) limit: Option<SessionLimit>,
}

impl ServerSide {
    /// The session that a cookie value refers to. A value that is not our token costs no store access.
    pub(super) async fn resolve(
        &self,
        candidate: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let Ok(mut token) = ReferenceToken::parse(candidate, &self.context.keys, now) else {
            return Ok(Presented::Nobody(Some(why_unreadable(candidate))));
        };
        let mut is_unannounced = false;
        for _ in 0..MAX_WAYS {
            let row = match self.vault.store.load(token.row_key(), now).await {
                Ok(Some(row)) => row,
                Ok(None) => break,
                // A corrupt row stays until a logout removes it; the store has logged the error.
                Err(StoreError::Corrupt(_)) => return Ok(Presented::former(token, false)),
                Err(error) => return Err(error),
            };
            let row = match self.vault.open(&self.context, &token, row) {
                Opened::Record(record, row) if self.context.policy.is_live(&record, now) => {
                    let live = Live {
                        is_outdated: !token.is_under_active_key(&self.context.keys)
                            && is_old_enough_for_new_id(&record, now),
                        credential: Credential::Reference(token, row),
                        record,
                        is_unannounced,
                    };
                    return Ok(Presented::Live(live, Vec::new()));
                }
                Opened::Record(record, _) => {
                    let why = self.context.policy.end_of(&record, now);
                    return Ok(Presented::Nobody(Some(why)));
                }
                Opened::Ended => return Ok(Presented::former(token, false)),
                Opened::Foreign => {
                    self.vault.report_foreign(now);
                    return Ok(Presented::former(token, false));
                }
                Opened::Way(row) => row,
            };
            // Boxed, so that a rare path does not enlarge every request's future.
            match Box::pin(self.follow(&token, row, now)).await? {
                Some(way) if way.kind.is_forward() => token = way.successor,
                Some(_) => return Ok(Presented::former(token, true)),
                None => break,
            }
            is_unannounced = true;
        }
        Ok(Presented::Nobody(Some(Refusal::Unknown)))
    }

    /// The way in a former id's row, once the session's move is complete; `None` if it leads nowhere.
    async fn follow(
        &self,
        token: &ReferenceToken,
        row: Row,
        now: Timestamp,
    ) -> Result<Option<Way>, StoreError> {
        let Some((way, carried)) = self.way(token, &row, now) else {
            return Ok(None);
        };
        if let Some(carried) = carried.filter(|_| way.kind.is_forward())
            && !self.finish(token, &row, &way, &carried, now).await?
        {
            return Ok(None);
        }
        Ok(Some(way))
    }

    /// The session as it is stored now. An announcement that the browser has yet to get is kept.
    pub(super) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Some(token) = live.token() else {
            return Ok(None);
        };
        let found = self.look(token, now).await?;
        Ok(found.map(|fresh| Live {
            is_unannounced: fresh.is_unannounced || live.is_unannounced,
            ..fresh
        }))
    }

    /// The session that an id leads to now. A key that has retired since is not accepted.
    pub(super) async fn look(
        &self,
        token: &ReferenceToken,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        Ok(self.resolve(token.encode().as_bytes(), now).await?.live())
    }

    pub(super) async fn execute(&self, work: &mut Work) -> Result<Executed, SessionError> {
        match self.limit {
            Some(limit) if work.plan.changes.may_sign_in() => {
                Box::pin(self.execute_within(limit, work)).await
            }
            _ => self.carry_out(work).await,
        }
    }

    pub(super) async fn carry_out(&self, work: &mut Work) -> Result<Executed, SessionError> {
        let Work { live: place, plan } = work;
        let Some(live) = place else {
            return Ok(match plan.step {
                Step::Create => self.announce(place.insert(self.create(plan).await?), plan.now),
                _ => Executed::kept(),
            });
        };
        match plan.step {
            Step::Nothing | Step::Create => Ok(self.announce(live, plan.now)),
            Step::Commit => self.commit(live, plan).await,
            // Boxed, so that a rare path does not enlarge every request's future.
            Step::Touch => Ok(Box::pin(self.touch(live, plan)).await),
            Step::Rotate { grace } => Box::pin(self.rotate(live, grace, plan)).await,
            Step::Replace => Box::pin(self.begin_anew(live, plan)).await,
            Step::Delete => {
                if let Some(token) = live.token().cloned() {
                    Box::pin(self.end(token, plan.now)).await?;
                }
                *place = None;
                Ok(Executed::ended())
            }
        }
    }

    pub(super) async fn create(&self, plan: &Plan) -> Result<Live, SessionError> {
        let record = self.context.begin(plan)?;
        for _ in 0..MAX_ID_COLLISIONS {
            let token = ReferenceToken::mint(&self.context.keys)?;
            let row = self.row(&token, &record)?;
            let inserted = self.vault.store.insert(token.row_key(), &row, plan.now);
            if inserted.await? == Inserted::Inserted {
                let observer = &self.context.observer;
                observer.created(Name::Token(&token), &record, plan.signs_in(None));
                return Ok(Live::issued(token, record, row));
            }
        }
        Err(SessionError::contention())
    }

    /// Moves the timers. If this fails, the session only expires earlier, so the request goes on.
    async fn touch(&self, live: &mut Live, plan: &Plan) -> Executed {
        match self.try_touch(live, plan).await {
            Ok(done) => done,
            Err(error) => {
                let untouched = match error {
                    SessionError::Unavailable(error) => Arc::into_inner(error),
                    error => Some(StoreError::Unavailable(error.into())),
                };
                Executed {
                    untouched,
                    ..self.announce(live, plan.now)
                }
            }
        }
    }

    async fn try_touch(&self, live: &mut Live, plan: &Plan) -> Result<Executed, SessionError> {
        let Some(due) = &plan.due else {
            return Ok(self.announce(live, plan.now));
        };
        // The deadlines of fields are part of the record, so moving them is a commit.
        if !due.idle.is_empty() {
            return self.commit(live, plan).await;
        }
        let touch = Touch {
            last_seen: due.last_seen_at,
            deadline: due.expires_at,
        };
        let Credential::Reference(token, row) = &mut live.credential else {
            return Ok(Executed::gone());
        };
        let store = &self.vault.store;
        match store.touch(token.row_key(), row, touch, plan.now).await? {
            Touched::Touched => {
                self.context.observer.touched(Name::Token(token));
                row.touch(touch);
                let before = live.record.expires_at;
                due.move_times(&mut live.record);
                live.is_unannounced |= self.is_visible(before, &live.record);
                Ok(self.announce(live, plan.now))
            }
            // Another request has written, or the session has ended.
            Touched::Stale => {
                let name = Arc::clone(token);
                let Some(fresh) = self.refresh(live.clone(), plan.now).await? else {
                    return Ok(self.context.gone(Name::Token(&name)));
                };
                *live = fresh;
                // The other request may have been passive, so that the deadline is still due.
                if due.moves(&live.record) {
                    return self.commit(live, plan).await;
                }
                Ok(self.announce(live, plan.now))
            }
        }
    }

    pub(super) async fn commit(
        &self,
        live: &mut Live,
        plan: &Plan,
    ) -> Result<Executed, SessionError> {
        for conflicts in 0..MAX_ATTEMPTS {
            let Credential::Reference(token, seen) = &mut live.credential else {
                return Ok(Executed::gone());
            };
            let next = self.context.next(plan, &live.record)?;
            let row = self.next_row(token, &next, seen)?;
            let replace = (self.vault.store).replace(token.row_key(), seen, &row, plan.now);
            let stored = match replace.await? {
                Replaced::Replaced => {
                    self.watchers.changed(token.row_key());
                    let (name, observer) = (Name::Token(token), &self.context.observer);
                    if plan.step == Step::Touch {
                        observer.touched(name);
                    } else {
                        let fields = plan.changes.len();
                        let signs_in = plan.signs_in(Some(&live.record));
                        observer.committed(name, fields, conflicts, &next.record, signs_in);
                    }
                    *seen = row;
                    live.is_unannounced |= self.is_visible(live.record.expires_at, &next.record)
                        || live.record.remembered != next.record.remembered;
                    live.record = next.record;
                    return Ok(self.announce(live, plan.now));
                }
                Replaced::Stale(stored) => stored,
                Replaced::Gone => return Ok(self.context.gone(Name::Token(token))),
            };
            // Boxed, so that a rare path does not enlarge every request's future.
            if let Some(done) = Box::pin(self.go_on(live, stored, conflicts, plan)).await? {
                return Ok(done);
            }
        }
        Err(SessionError::contention())
    }

    async fn rotate(
        &self,
        live: &mut Live,
        grace: bool,
        plan: &Plan,
    ) -> Result<Executed, SessionError> {
        for conflicts in 0..MAX_ATTEMPTS {
            let Some((token, seen)) = live.reference() else {
                return Ok(Executed::gone());
            };
            let Next { record, .. } = self.context.next(plan, &live.record)?;
            let kind = if grace {
                WayKind::Forward
            } else {
                WayKind::Ending
            };
            let way = self.succeed(&token, kind, plan.now)?;
            let row = self.row(&way.successor, &record)?;
            let rotated = self.rotate_rows(&token, seen, &way, &row, plan.now);
            match rotated.await? {
                Rotated::Rotated => {
                    let successor = way.successor;
                    if grace {
                        self.watchers.moved(token.row_key(), &successor);
                    } else {
                        // Handles from before a sign-in do not move to the new id.
                        self.watchers.changed(token.row_key());
                    }
                    let (old, new) = (Name::Token(&token), Name::Token(&successor));
                    let signs_in = plan.signs_in(Some(&live.record));
                    let observer = &self.context.observer;
                    observer.rotated(old, new, grace, &record, signs_in);
                    *live = Live::issued(successor, record, row);
                    return Ok(self.announce(live, plan.now));
                }
                Rotated::Exists | Rotated::Unsupported => back_off(conflicts).await,
                Rotated::Stale(row) => {
                    // Boxed, so that a rare path does not enlarge every rotation's future.
                    let overtaken = Box::pin(self.go_on(live, row, conflicts, plan));
                    if let Some(done) = overtaken.await? {
                        return Ok(done);
                    }
                    // Another request has renewed the id, or has bound a device, which knows the session by this id:
                    // only the changes are left to write.
                    let is_moved = live.row_key() != Some(*token.row_key());
                    if grace && (is_moved || live.record.is_bound()) {
                        return Box::pin(self.after_renewal(live, plan)).await;
                    }
                }
                Rotated::Gone => return Ok(self.context.gone(Name::Token(&token))),
            }
        }
        Err(SessionError::contention())
    }

    async fn after_renewal(&self, live: &mut Live, plan: &Plan) -> Result<Executed, SessionError> {
        let step = match &plan.due {
            // Removing a field that the other request has removed is a change, too: the field may be exclusive.
            _ if plan.writes() => Step::Commit,
            // The other request may have used other fields.
            Some(due) if due.moves(&live.record) => Step::Touch,
            _ => return Ok(self.announce(live, plan.now)),
        };
        let plan = Plan {
            step,
            ..plan.clone()
        };
        self.commit(live, &plan).await
    }

    pub(super) async fn rotate_rows(
        &self,
        token: &ReferenceToken,
        seen: &Row,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<Rotated, SessionError> {
        let left = left(way, seen);
        let rotation = Rotation {
            old: token.row_key(),
            seen,
            left: &left,
            new: way.successor.row_key(),
            row,
        };
        match self.vault.store.rotate(rotation, now).await? {
            // Boxed, so that it does not enlarge the future of a store that rotates by itself.
            Rotated::Unsupported => {
                Box::pin(self.rotate_by_parts(token, seen, way, row, now)).await
            }
            rotated => Ok(rotated),
        }
    }

    /// Sets the cookie if the browser does not have this id or its deadline yet.
    pub(super) fn announce(&self, live: &mut Live, now: Timestamp) -> Executed {
        let mut done = Executed::kept();
        if let Credential::Reference(token, _) = &live.credential
            && std::mem::take(&mut live.is_unannounced)
        {
            done.cookie = CookieChange::Set {
                value: token.encode(),
                max_age: self.context.max_age(&live.record, now),
            };
        }
        done
    }

    /// Whether the deadline has moved and the cookie's `Max-Age` shows it.
    fn is_visible(&self, before: Timestamp, record: &Record) -> bool {
        (self.context.persistent_cookie || record.remembered) && before != record.expires_at
    }
}

impl Live {
    /// A session under a new id, which the next response announces to the browser.
    pub(super) fn issued(token: Arc<ReferenceToken>, record: Record, row: Row) -> Self {
        Self {
            credential: Credential::Reference(token, row),
            record,
            is_outdated: false,
            is_unannounced: true,
        }
    }
}

/// A writer that was overtaken [`PATIENCE`] times waits before its next try.
pub(super) async fn back_off(conflicts: u32) {
    if conflicts >= PATIENCE {
        let pause = Duration::from_millis(u64::from(conflicts.min(LONGEST_PAUSE)));
        tokio::time::sleep(pause).await;
    }
}

/// The most rows to load along renewed ids. An id lives at least twice as long as a grace, so a longer chain of ways is
/// not to be expected.
const MAX_WAYS: usize = 4;
/// Random ids do not collide; a store that says so twice is broken.
pub(super) const MAX_ID_COLLISIONS: usize = 3;
/// Each failed attempt means that another request has succeeded, so a queue of writers drains.
pub(super) const MAX_ATTEMPTS: u32 = 128;
/// After so many conflicts a writer pauses.
const PATIENCE: u32 = 8;
/// In milliseconds.
const LONGEST_PAUSE: u32 = 20;
