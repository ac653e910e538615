//! Sessions inside their cookie: nothing is stored, except the ids of those that were ended.

use std::time::Duration;

use super::timed::TimedStore;
use super::wire::{ID_LENGTH, Payload};
use super::{
    CookieChange, Credential, Done, Engine, Live, Presented, Work, why_expired, why_unreadable,
};
use crate::clock::Timestamp;
use crate::crypto::{self, Binding, KeyRing, RowKey};
use crate::error::SessionError;
use crate::lifecycle::plan::Step;
use crate::observe::{self, Ended, Name, Refusal};
use crate::record::{Record, Touch};
use crate::store::{Created, StoreError};

pub(crate) struct ClientSide {
    pub(crate) mode: CookieMode,
    /// Where ended sessions are remembered until they would have expired anyway.
    pub(crate) revocations: Option<TimedStore>,
    /// The cookie's name and the audience are part of what is authenticated.
    pub(crate) cookie_name: String,
    pub(crate) audience: String,
}

/// What a cookie's record is protected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieMode {
    /// Encrypted and authenticated.
    Sealed,
    /// Authenticated, readable by whoever has the cookie.
    Signed,
}

/// The id of a session that lives in its cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealedId([u8; ID_LENGTH]);

impl ClientSide {
    pub(crate) async fn resolve(
        &self,
        engine: &Engine,
        candidate: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let Some((payload, is_under_active_key)) = self.open(engine, candidate, now) else {
            return Ok(Presented::Nobody(why_unreadable(candidate)));
        };
        let id = SealedId(payload.id);
        // Issued in the future: by another clock, or never by us.
        if payload.record.last_seen_at > now + CLOCK_SKEW {
            return Ok(Presented::Nobody(Refusal::Future));
        }
        if !engine.policy.is_live(&payload.record, now) {
            let why = why_expired(&engine.policy, &payload.record, now);
            return Ok(Presented::Nobody(why));
        }
        if self.is_revoked(id, now).await? {
            return Ok(Presented::Nobody(Refusal::Revoked));
        }
        Ok(Presented::Live(Live {
            credential: Credential::Sealed(id),
            record: payload.record,
            is_outdated: !is_under_active_key,
            is_news: false,
        }))
    }

    /// The session, unless it has been ended since: all else is in the cookie.
    pub(crate) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Credential::Sealed(id) = live.credential else {
            return Ok(None);
        };
        Ok((!self.is_revoked(id, now).await?).then_some(live))
    }

    pub(crate) async fn execute(
        &self,
        engine: &Engine,
        mut work: Box<Work>,
    ) -> Result<Done, SessionError> {
        let Some(mut live) = work.live.take() else {
            return match work.step {
                Step::Create => self.begin(engine, &work),
                _ => Ok(Done::kept(None)),
            };
        };
        let Credential::Sealed(id) = live.credential else {
            return Ok(Done::gone());
        };
        match work.step {
            Step::Nothing | Step::Create => return Ok(Done::kept(Some(live))),
            Step::Delete => {
                self.end(engine, id, &live.record, work.now).await?;
                return Ok(Done::ended());
            }
            // What was to end may have ended already; what is to begin begins.
            Step::Replace => {
                let done = self.begin(engine, &work)?;
                self.end(engine, id, &live.record, work.now).await?;
                return Ok(done);
            }
            Step::Touch | Step::Commit | Step::Rotate { .. } => {}
        }
        // Ended by another request while this one was running: no cookie may bring it back.
        match self.is_revoked(id, work.now).await {
            Ok(false) => {}
            Ok(true) => {
                observe::gone(id.name(&engine.keys));
                return Ok(Done::gone());
            }
            Err(error) if work.step == Step::Touch => {
                return Ok(Done {
                    untouched: Some(error),
                    ..Done::kept(Some(live))
                });
            }
            Err(error) => return Err(error.into()),
        }
        if !work.is_passive {
            // A new cookie is the occasion to write down that the session was used.
            work.touch.get_or_insert_with(|| {
                let (policy, before) = (&engine.policy, &live.record);
                let deadline = policy.deadline(before.created_at, before.remembered, work.now);
                Touch::new(work.now, deadline)
            });
        }
        let commit = engine.commit_for(&live.record, &work)?;
        // The old cookie of a renewal is only sealed anew; a change of privileges gets another id.
        let is_privilege = work.step == Step::Rotate { grace: false };
        let next = if is_privilege { new_id()? } else { id };
        let end = is_privilege.then(|| tombstone(engine, &live.record, work.now));
        // In place at the end of a request, when nobody else has the fields any more.
        commit.apply(&mut live.record);
        engine.check_size(&live.record)?;
        live.credential = Credential::Sealed(next);
        let done = self.seal(engine, next, live, work.now)?;
        if let Some(end) = end
            && !self.revoke(id, &end, work.now).await?
        {
            // A logout or another sign-in was faster, and what it has ended goes on nowhere else.
            observe::gone(id.name(&engine.keys));
            return Ok(Done::gone());
        }
        let (former, name) = (id.name(&engine.keys), next.name(&engine.keys));
        match (work.step, &done.live) {
            (Step::Commit, Some(live)) => observe::committed(name, &commit, 0, &live.record),
            (Step::Rotate { grace }, Some(live)) => {
                observe::rotated(former, name, grace, &live.record);
            }
            _ => observe::touched(name),
        }
        Ok(done)
    }

    fn begin(&self, engine: &Engine, work: &Work) -> Result<Done, SessionError> {
        let id = new_id()?;
        let live = Live {
            credential: Credential::Sealed(id),
            record: engine.first_record(work)?,
            is_outdated: false,
            is_news: false,
        };
        let done = self.seal(engine, id, live, work.now)?;
        if let Some(live) = &done.live {
            observe::created(live.name(&engine.keys), &live.record);
        }
        Ok(done)
    }

    fn seal(
        &self,
        engine: &Engine,
        SealedId(id): SealedId,
        live: Live,
        now: Timestamp,
    ) -> Result<Done, SessionError> {
        let payload = Payload {
            id,
            // Up to the deadline, the absolute one included: timeouts that are lengthened later are
            // for later cookies, since a list of revocations does not know them.
            idle: live.record.expires_at.since(live.record.last_seen_at),
            record: live.record.clone(),
        };
        let too_large =
            |size| SessionError::too_large_cookie(&live.record.fields, size, COOKIE_LIMIT);
        let bytes = payload
            .encode()
            .ok_or_else(|| too_large(live.record.fields.size()))?;
        let value_len = match self.mode {
            CookieMode::Sealed => crypto::sealed_len(bytes.len()),
            CookieMode::Signed => crypto::signed_len(bytes.len()),
        };
        let size = self.cookie_name.len() + value_len;
        if size > COOKIE_LIMIT {
            return Err(too_large(size));
        }
        let (keys, binding) = (&engine.keys, self.binding());
        let value = match self.mode {
            CookieMode::Sealed => crypto::seal_cookie(keys, binding, &bytes)?,
            CookieMode::Signed => crypto::sign_cookie(keys, binding, &bytes)?,
        };
        Ok(Done {
            cookie: CookieChange::Set {
                value,
                max_age: engine.max_age(&live.record, now),
            },
            ..Done::kept(Some(live))
        })
    }

    fn open(&self, engine: &Engine, candidate: &[u8], now: Timestamp) -> Option<(Payload, bool)> {
        let (keys, binding) = (&engine.keys, self.binding());
        let opened = match self.mode {
            CookieMode::Sealed => crypto::open_cookie(keys, binding, candidate, now),
            CookieMode::Signed => crypto::verify_cookie(keys, binding, candidate, now),
        };
        let opened = opened.ok()?;
        Some((Payload::decode(opened.payload)?, opened.under_active_key))
    }

    /// What a cookie of this layer is valid for.
    fn binding(&self) -> Binding<'_> {
        Binding {
            cookie_name: &self.cookie_name,
            audience: &self.audience,
        }
    }

    async fn is_revoked(&self, id: SealedId, now: Timestamp) -> Result<bool, StoreError> {
        match &self.revocations {
            // In a box: without a list there is nothing to wait for.
            Some(store) => Ok(Box::pin(store.load(&id.row_key(), now)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Ends a session for its user.
    async fn end(
        &self,
        engine: &Engine,
        id: SealedId,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let end = tombstone(engine, record, now);
        if self.revoke(id, &end, now).await? {
            observe::ended(id.name(&engine.keys), Ended::Logout);
        }
        Ok(())
    }

    /// Remembers that an id has ended, for as long as a copy of its cookie could be accepted. Returns
    /// whether nobody else has done so before.
    async fn revoke(
        &self,
        id: SealedId,
        tombstone: &Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(store) = &self.revocations else {
            return Ok(true);
        };
        let created = store.create(&id.row_key(), tombstone, now).await?;
        Ok(created == Created::Applied)
    }
}

/// What stands for a session that has ended.
fn tombstone(engine: &Engine, record: &Record, now: Timestamp) -> Record {
    // An older copy may say that it is remembered where the newest says that it is not.
    let last = engine.policy.last_deadline(record.created_at);
    let end = last.max(record.expires_at) + CLOCK_SKEW;
    let mut tombstone = Record::new(now, end);
    // A user's is not to be pushed out by a flood of visitors, nor kept out by theirs.
    tombstone.identified = record.identified;
    tombstone
}

impl SealedId {
    fn name(self, keys: &KeyRing) -> Name<'_> {
        Name::Row(keys, self.row_key())
    }

    pub(super) fn row_key(self) -> RowKey {
        let mut key = [0; 32];
        key[..ID_LENGTH].copy_from_slice(&self.0);
        RowKey::from_bytes(key)
    }
}

impl std::fmt::Debug for SealedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedId(..)")
    }
}

fn new_id() -> Result<SealedId, SessionError> {
    Ok(SealedId(crypto::random_bytes()?))
}

/// RFC 6265bis, section 5.7: a browser ignores a cookie whose name and value are longer.
const COOKIE_LIMIT: usize = 4096;
/// How far the clocks of two servers may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
