//! Sessions in a store: the cookie is a reference, and concurrent requests meet in the record.

use std::sync::Arc;

use bytes::Bytes;

use super::forward::{ENDING_GRACE, follow, follow_to_end, is_overtaken};
use super::{
    CookieChange, Credential, Done, Engine, Live, Presented, Vault, Watchers, Work, why_expired,
    why_unreadable,
};
use crate::clock::Timestamp;
use crate::crypto::ReferenceToken;
use crate::error::SessionError;
use crate::lifecycle::expiry::is_settled;
use crate::lifecycle::plan::Step;
use crate::observe::{self, Ended, Name, Refusal};
use crate::record::{Commit, Forward, Record, Rotation};
use crate::store::{Committed, Created, Loaded, Rotated, StoreError, Touched};

pub(crate) struct ServerSide {
    pub(crate) vault: Vault,
    pub(crate) watchers: Watchers,
}

impl ServerSide {
    /// The session that a cookie value refers to. An id that is not ours costs no store access.
    pub(crate) async fn resolve(
        &self,
        engine: &Engine,
        candidate: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let Ok(mut token) = ReferenceToken::parse(candidate, &engine.keys, now) else {
            return Ok(Presented::Nobody(why_unreadable(candidate)));
        };
        let mut is_news = false;
        let mut why = Refusal::Unknown;
        for _ in 0..MAX_FORWARDS {
            match self.vault.load(&token, now).await? {
                Some(Loaded::Live(record)) if engine.policy.is_live(&record, now) => {
                    return Ok(Presented::Live(Live {
                        is_outdated: !token.is_under_active_key(&engine.keys)
                            && is_settled(&record, now),
                        credential: Credential::Reference(token),
                        record,
                        is_news,
                    }));
                }
                Some(Loaded::Live(record) | Loaded::Expired(record)) => {
                    why = why_expired(&engine.policy, &record, now);
                    break;
                }
                None => break,
                Some(Loaded::Moved(forward)) => match follow(engine, &token, &forward, now) {
                    Some(successor) => token = successor,
                    None if is_overtaken(engine, &token, &forward, now) => {
                        return Ok(Presented::Former);
                    }
                    None => break,
                },
            }
            is_news = true;
        }
        Ok(Presented::Nobody(why))
    }

    /// The session as it is stored now. What the browser has yet to be told stays to be told.
    pub(crate) async fn refresh(
        &self,
        engine: &Engine,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Credential::Reference(token) = &live.credential else {
            return Ok(None);
        };
        let found = self.look(engine, token, now).await?;
        Ok(found.map(|fresh| Live {
            is_news: fresh.is_news || live.is_news,
            ..fresh
        }))
    }

    /// What an id leads to now. A key that has retired since is not honoured.
    pub(super) async fn look(
        &self,
        engine: &Engine,
        token: &ReferenceToken,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let found = self.resolve(engine, token.encode().as_bytes(), now).await?;
        Ok(found.live())
    }

    pub(crate) async fn execute(
        &self,
        engine: &Engine,
        mut work: Box<Work>,
    ) -> Result<Done, SessionError> {
        let Some(live) = work.live.take() else {
            return match work.step {
                Step::Create => self.create(engine, &work).await,
                _ => Ok(Done::kept(None)),
            };
        };
        let (mut live, Some(token)) = with_token(live) else {
            return Ok(Done::gone());
        };
        match work.step {
            Step::Nothing | Step::Create => Ok(engine.announce(live, work.now)),
            Step::Touch => Ok(self.touch(engine, live, &token, &work).await),
            Step::Commit => {
                let is_there = self.commit(engine, &mut live, token, &work).await?;
                Ok(engine.announce_if(is_there, live, work.now))
            }
            // In boxes: what is rare and large would make the future of every request as large.
            Step::Rotate { grace } => {
                Box::pin(self.rotate(engine, live, token, grace, &work)).await
            }
            Step::Replace => Box::pin(self.replace(engine, token, &work)).await,
            Step::Delete => {
                Box::pin(self.delete(engine, token, work.now)).await?;
                Ok(Done::ended())
            }
        }
    }

    async fn create(&self, engine: &Engine, work: &Work) -> Result<Done, SessionError> {
        let record = self.first_record(engine, work)?;
        for _ in 0..MAX_ID_COLLISIONS {
            let token = ReferenceToken::mint(&engine.keys)?;
            if self.vault.create(&token, &record, work.now).await? == Created::Applied {
                observe::created(Name::Token(&token), &record);
                return Ok(engine.issue(token, record, work.now));
            }
        }
        Err(SessionError::contention())
    }

    async fn touch(
        &self,
        engine: &Engine,
        mut live: Live,
        token: &ReferenceToken,
        work: &Work,
    ) -> Done {
        let Some(touch) = &work.touch else {
            return engine.announce(live, work.now);
        };
        match self.vault.touch(token, touch, work.now).await {
            Ok(Touched::Gone) => gone(token),
            Ok(Touched::Applied) => {
                observe::touched(Name::Token(token));
                let deadline = live.record.expires_at;
                touch.apply(&mut live.record);
                live.is_news |= engine.is_visible(deadline, &live.record);
                engine.announce(live, work.now)
            }
            Err(error) => Done {
                untouched: Some(error),
                ..engine.announce(live, work.now)
            },
        }
    }

    /// Commits to what is stored, and keeps in `live` what that is now; `false` if it has ended.
    async fn commit(
        &self,
        engine: &Engine,
        live: &mut Live,
        mut token: Arc<ReferenceToken>,
        work: &Work,
    ) -> Result<bool, SessionError> {
        for conflicts in 0..MAX_ATTEMPTS {
            let commit = self.commit_for(engine, &live.record, work)?;
            engine.check_size_after(&commit, &live.record)?;
            let created_at = live.record.created_at;
            let committed = self.vault.commit(&token, created_at, &commit, work.now);
            match committed.await? {
                Committed::Applied(revision) => {
                    self.watchers.changed(token.row_key());
                    let (deadline, remembered) = (live.record.expires_at, live.record.remembered);
                    // Others may have committed to other fields: the fields are marked as they are
                    // in the store, or the next commit of this request would meet itself.
                    let before = live.record.revision;
                    live.record.revision = revision.saturating_sub(1);
                    let has_missed_others = live.record.revision != before;
                    commit.apply(&mut live.record);
                    observe::committed(Name::Token(&token), &commit, conflicts, &live.record);
                    if has_missed_others {
                        // A rotation of this record must not pass for one of what is stored.
                        live.record.revision = before;
                    }
                    live.is_news |= engine.is_visible(deadline, &live.record)
                        || live.record.remembered != remembered;
                    return Ok(true);
                }
                Committed::Conflict(theirs) if engine.policy.is_live(&theirs, work.now) => {
                    observe::retried(Name::Token(&token));
                    live.record = theirs;
                }
                Committed::Moved(forward) => {
                    let found = Box::pin(self.follow_live(engine, &token, &forward, work.now));
                    match found.await? {
                        Some((successor, record)) => {
                            live.credential = Credential::Reference(Arc::clone(&successor));
                            token = successor;
                            live.record = record;
                            live.is_news = true;
                        }
                        None => return Ok(false),
                    }
                }
                Committed::Conflict(_) | Committed::Gone => return Ok(false),
            }
        }
        Err(SessionError::contention())
    }

    async fn rotate(
        &self,
        engine: &Engine,
        mut live: Live,
        mut token: Arc<ReferenceToken>,
        grace: bool,
        work: &Work,
    ) -> Result<Done, SessionError> {
        for _ in 0..MAX_ATTEMPTS {
            let mut record = live.record.clone();
            self.commit_for(engine, &live.record, work)?
                .apply(&mut record);
            record.issued_at = work.now;
            engine.check_size(&record)?;
            let successor = ReferenceToken::mint(&engine.keys)?;
            let mut rotation = Rotation::new(record, Some(live.record.revision));
            let (way, for_how_long) = if grace {
                (token.seal_forward(&successor)?, engine.policy.renewal_grace)
            } else {
                (token.seal_ending(&successor)?, ENDING_GRACE)
            };
            rotation.forward = Some(Forward::new(Bytes::from(way), work.now + for_how_long));
            match self
                .vault
                .rotate(&token, &successor, &rotation, work.now)
                .await?
            {
                Rotated::Applied => {
                    if grace {
                        self.watchers.moved(token.row_key(), &successor);
                    } else {
                        // Who held the session before a sign-in does not come along.
                        self.watchers.changed(token.row_key());
                    }
                    let (old, new) = (Name::Token(&token), Name::Token(&successor));
                    observe::rotated(old, new, grace, &rotation.record);
                    return Ok(engine.issue(successor, rotation.record, work.now));
                }
                Rotated::Exists => {}
                Rotated::Conflict(theirs) if engine.policy.is_live(&theirs, work.now) => {
                    observe::retried(Name::Token(&token));
                    live.record = theirs;
                }
                Rotated::Moved(forward) => {
                    match self.follow_live(engine, &token, &forward, work.now).await? {
                        // Somebody else has renewed the id: what is left to do is the commit.
                        Some((successor, record)) if grace => {
                            live.record = record;
                            live.is_news = true;
                            live.credential = Credential::Reference(successor.clone());
                            if !work.changes.affect(Some(&live.record)) && work.remember.is_none() {
                                return Ok(engine.announce(live, work.now));
                            }
                            let is_there = self.commit(engine, &mut live, successor, work).await?;
                            return Ok(engine.announce_if(is_there, live, work.now));
                        }
                        Some((successor, record)) => {
                            token = successor;
                            live.record = record;
                        }
                        None => return Ok(gone(&token)),
                    }
                }
                Rotated::Conflict(_) | Rotated::Gone => return Ok(gone(&token)),
            }
        }
        Err(SessionError::contention())
    }

    async fn replace(
        &self,
        engine: &Engine,
        mut token: Arc<ReferenceToken>,
        work: &Work,
    ) -> Result<Done, SessionError> {
        let rotation = Rotation::new(self.first_record(engine, work)?, None);
        for _ in 0..MAX_ATTEMPTS {
            let successor = ReferenceToken::mint(&engine.keys)?;
            match self
                .vault
                .rotate(&token, &successor, &rotation, work.now)
                .await?
            {
                Rotated::Applied => {
                    self.watchers.changed(token.row_key());
                    observe::ended(Name::Token(&token), Ended::Logout);
                    observe::created(Name::Token(&successor), &rotation.record);
                    return Ok(engine.issue(successor, rotation.record, work.now));
                }
                Rotated::Exists | Rotated::Conflict(_) => {}
                Rotated::Moved(forward) => {
                    match follow_to_end(engine, &token, &forward, work.now) {
                        Some(successor) => token = successor,
                        None => return self.create(engine, work).await,
                    }
                }
                // What was to end has ended already; what was to begin begins.
                Rotated::Gone => return self.create(engine, work).await,
            }
        }
        Err(SessionError::contention())
    }

    /// Ends a session under whichever id it stands by now.
    async fn delete(
        &self,
        engine: &Engine,
        mut token: Arc<ReferenceToken>,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        loop {
            let forward = self.vault.delete(&token, now).await?;
            self.watchers.changed(token.row_key());
            let Some(forward) = forward else {
                observe::ended(Name::Token(&token), Ended::Logout);
                break;
            };
            match follow_to_end(engine, &token, &forward, now) {
                Some(successor) => token = successor,
                None => break,
            }
        }
        Ok(())
    }

    fn commit_for(
        &self,
        engine: &Engine,
        record: &Record,
        work: &Work,
    ) -> Result<Commit, SessionError> {
        let mut commit = engine.commit_for(record, work)?;
        for (name, write) in &mut commit.set {
            if work.changes.is_indexed(name) {
                write.index = Some(self.index_key(engine, name, &write.value));
            }
        }
        Ok(commit)
    }

    fn first_record(&self, engine: &Engine, work: &Work) -> Result<Record, SessionError> {
        let mut record = engine.first_record(work)?;
        for change in work.changes.iter().filter(|change| change.spec.index) {
            let name = change.spec.name;
            record.fields.update(name, |field| {
                field.index = Some(self.index_key(engine, name, &field.value));
            });
        }
        Ok(record)
    }
}

/// There is nothing left to write to.
fn gone(token: &ReferenceToken) -> Done {
    observe::gone(Name::Token(token));
    Done::gone()
}

/// Not in line: what a future has borrowed once, it keeps.
fn with_token(live: Live) -> (Live, Option<Arc<ReferenceToken>>) {
    let token = match &live.credential {
        Credential::Reference(token) => Some(Arc::clone(token)),
        Credential::Sealed(_) => None,
    };
    (live, token)
}

impl Engine {
    /// A new credential: the browser is told.
    fn issue(&self, token: Arc<ReferenceToken>, record: Record, now: Timestamp) -> Done {
        let live = Live {
            credential: Credential::Reference(token),
            record,
            is_outdated: false,
            is_news: true,
        };
        self.announce(live, now)
    }

    /// Tells the browser what it does not know yet.
    fn announce(&self, mut live: Live, now: Timestamp) -> Done {
        let mut done = Done::kept(None);
        if let Credential::Reference(token) = &live.credential
            && std::mem::take(&mut live.is_news)
        {
            done.cookie = CookieChange::Set {
                value: token.encode().to_string(),
                max_age: self.max_age(&live.record, now),
            };
        }
        done.live = Some(live);
        done
    }

    /// Of a session that has ended meanwhile there is nothing to tell.
    fn announce_if(&self, is_there: bool, live: Live, now: Timestamp) -> Done {
        if is_there {
            return self.announce(live, now);
        }
        observe::gone(live.name(&self.keys));
        Done::gone()
    }

    /// Whether the browser can see that the deadline has moved.
    fn is_visible(&self, before: Timestamp, record: &Record) -> bool {
        (self.persistent_cookie || record.remembered) && before != record.expires_at
    }
}

/// A renewed id leads to its successor; two renewals within one grace are the most that a sane
/// configuration gives.
const MAX_FORWARDS: usize = 4;
/// 256 random bits do not collide; a store that says so twice is broken.
const MAX_ID_COLLISIONS: usize = 3;
/// Each failed attempt means that another request has succeeded, so a queue of writers drains.
const MAX_ATTEMPTS: usize = 128;
