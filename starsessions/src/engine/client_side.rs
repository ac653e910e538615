//! Sessions inside their cookie: nothing is stored, except the ids of ended sessions.

use std::time::Duration;

use super::tombstones::{is_of_rotation, moved_to};
use super::{
    Context, CookieChange, Credential, Endable, Executed, Live, Presented, Work, why_unreadable,
};
use crate::clock::Timestamp;
use crate::crypto::{self, Binding, Fingerprint, KeyRing, RowKey};
use crate::error::SessionError;
use crate::lifecycle::plan::{Plan, Step};
use crate::observe::{Name, Refusal};
use crate::record::{ID_LENGTH, Payload, Record};
use crate::sentence::debug_as_name;
use crate::store::{CookieMode, ErasedStore, StoreError};

pub(crate) struct ClientSide {
    pub(super) context: Context,
    pub(super) mode: CookieMode,
    /// The store that remembers ended sessions until they would have expired anyway.
    pub(super) revocations: Option<ErasedStore>,
}

/// The id of a session that lives in its cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealedId(pub(super) [u8; ID_LENGTH]);

impl ClientSide {
    pub(super) async fn resolve(
        &self,
        candidate: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let Some((payload, is_under_active_key)) = self.open(candidate, now) else {
            return Ok(Presented::Nobody(Some(why_unreadable(candidate))));
        };
        let id = SealedId(payload.id);
        // Issued in the future: by a clock that is ahead, or never by us.
        if payload.record.last_seen_at > now + CLOCK_SKEW {
            return Ok(Presented::Nobody(Some(Refusal::Future)));
        }
        if !self.context.policy.is_live(&payload.record, now) {
            let why = self.context.policy.end_of(&payload.record, now);
            return Ok(Presented::Nobody(Some(why)));
        }
        let live = Live {
            credential: Credential::Sealed(id),
            record: payload.record,
            is_outdated: !is_under_active_key,
            is_unannounced: false,
        };
        if self.revocations.is_none() {
            return Ok(Presented::Live(live, Vec::new()));
        }
        // Boxed, so that it does not enlarge every request's future.
        Box::pin(self.unless_ended(id, live, now)).await
    }

    async fn unless_ended(
        &self,
        id: SealedId,
        live: Live,
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        Ok(match self.tombstone_of(id, now).await? {
            None => Presented::Live(live, Vec::new()),
            Some(tombstone) if moved_to(&tombstone, now).is_some() => Presented::Former {
                ends: vec![Endable::Live(live)],
                is_recent: true,
            },
            Some(_) => Presented::Nobody(Some(Refusal::Revoked)),
        })
    }

    /// The session as its cookie has it; `None` if it has been ended since.
    pub(super) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Credential::Sealed(id) = live.credential else {
            return Ok(None);
        };
        Ok(self.tombstone_of(id, now).await?.is_none().then_some(live))
    }

    pub(super) async fn execute(&self, work: &mut Work) -> Result<Executed, SessionError> {
        let Work { live: place, plan } = work;
        let Some(live) = place else {
            return match plan.step {
                Step::Create => {
                    let (begun, done) = self.begin(plan)?;
                    self.note_begun(place.insert(begun), plan);
                    Ok(done)
                }
                _ => Ok(Executed::kept()),
            };
        };
        let Credential::Sealed(id) = live.credential else {
            return Ok(Executed::gone());
        };
        match plan.step {
            Step::Nothing | Step::Create => return Ok(Executed::kept()),
            // Boxed, so that a rare path does not enlarge every request's future.
            Step::Delete => {
                Box::pin(self.end(id, None, &live.record, plan.now)).await?;
                *place = None;
                return Ok(Executed::ended());
            }
            // The old session may have ended already; the new one begins in any case.
            Step::Replace => {
                let (begun, done) = self.begin(plan)?;
                // A sign-in: the former id leads to the new one, as after any other sign-in.
                let next = match begun.credential {
                    Credential::Sealed(next) if plan.changes.identify() => Some(next),
                    _ => None,
                };
                Box::pin(self.end(id, next, &live.record, plan.now)).await?;
                *live = begun;
                self.note_begun(live, plan);
                return Ok(done);
            }
            Step::Touch | Step::Commit | Step::Rotate { .. } => {}
        }
        let (keys, observer) = (&self.context.keys, &self.context.observer);
        // Ended by another request while this one was running: no cookie may bring it back.
        match self.tombstone_of(id, plan.now).await {
            Ok(None) => {}
            // The session lives on in another cookie, which this request cannot write.
            Ok(Some(tombstone)) if is_of_rotation(&tombstone) => {
                return self.context.lost(id.name(keys), plan);
            }
            Ok(Some(_)) => return Ok(self.context.gone(id.name(keys))),
            Err(error) if plan.step == Step::Touch => {
                return Ok(Executed {
                    untouched: Some(error),
                    ..Executed::kept()
                });
            }
            Err(error) => return Err(error.into()),
        }
        if !plan.is_passive {
            // The new cookie also records that the session was used.
            let used = || self.context.policy.used(&live.record, plan.now);
            plan.due.get_or_insert_with(used);
        }
        // A renewal seals the session again under the same id; a change of privileges gets another id.
        let is_privilege = plan.step == Step::Rotate { grace: false };
        let next = if is_privilege { new_id()? } else { id };
        let end = is_privilege.then(|| self.tombstone(&live.record, Some(next), plan.now));
        let signs_in = plan.signs_in(Some(&live.record));
        live.record = self.context.next(plan, &live.record)?.record;
        live.credential = Credential::Sealed(next);
        let done = self.seal(next, &live.record, plan.now)?;
        if let Some(end) = end
            && !Box::pin(self.revoke(id, &end, plan.now)).await?
        {
            // A logout or another sign-in has ended the id first, so the session has ended; it must not go on under the
            // new id.
            return self.context.lost(id.name(keys), plan);
        }
        let name = next.name(keys);
        match plan.step {
            Step::Commit => {
                observer.committed(name, plan.changes.len(), 0, &live.record, signs_in);
            }
            Step::Rotate { grace } => {
                observer.rotated(id.name(keys), name, grace, &live.record, signs_in);
            }
            _ => observer.touched(name),
        }
        Ok(done)
    }

    fn begin(&self, plan: &Plan) -> Result<(Live, Executed), SessionError> {
        let id = new_id()?;
        let live = Live {
            credential: Credential::Sealed(id),
            record: self.context.begin(plan)?,
            is_outdated: false,
            is_unannounced: false,
        };
        let done = self.seal(id, &live.record, plan.now)?;
        Ok((live, done))
    }

    fn note_begun(&self, live: &Live, plan: &Plan) {
        let name = live.name(&self.context.keys);
        let observer = &self.context.observer;
        observer.created(name, &live.record, plan.signs_in(None));
    }

    pub(super) fn fingerprint(&self, cookie: &[u8], now: Timestamp) -> Option<Fingerprint> {
        let (payload, _) = self.open(cookie, now)?;
        let name = SealedId(payload.id).name(&self.context.keys);
        Some(name.fingerprint())
    }

    fn seal(
        &self,
        SealedId(id): SealedId,
        record: &Record,
        now: Timestamp,
    ) -> Result<Executed, SessionError> {
        let payload = Payload {
            id,
            record: record.clone(),
        };
        let bytes = payload.pack();
        let (keys, binding) = (&self.context.keys, self.binding());
        let value = match self.mode {
            CookieMode::Sealed => crypto::seal_cookie(keys, binding, &bytes)?,
            CookieMode::Signed => crypto::sign_cookie(keys, binding, &bytes),
        };
        let size = self.context.cookie_name.len() + value.len();
        if size > COOKIE_LIMIT {
            return Err(SessionError::too_large_cookie(record, size, COOKIE_LIMIT));
        }
        Ok(Executed {
            cookie: CookieChange::Set {
                value: value.into(),
                max_age: self.context.max_age(record, now),
            },
            ..Executed::kept()
        })
    }

    fn open(&self, candidate: &[u8], now: Timestamp) -> Option<(Payload, bool)> {
        let (keys, binding) = (&self.context.keys, self.binding());
        let opened = match self.mode {
            CookieMode::Sealed => crypto::open_cookie(keys, binding, candidate, now),
            CookieMode::Signed => crypto::verify_cookie(keys, binding, candidate, now),
        };
        let opened = opened.ok()?;
        Some((Payload::parse(opened.payload())?, opened.under_active_key))
    }

    /// The cookie name and audience that a cookie of this layer is valid for.
    fn binding(&self) -> Binding<'_> {
        Binding {
            cookie_name: &self.context.cookie_name,
            audience: &self.context.audience,
        }
    }
}

impl SealedId {
    pub(super) fn name(self, keys: &KeyRing) -> Name<'_> {
        Name::Row(keys, self.row_key())
    }

    pub(super) fn row_key(self) -> RowKey {
        let mut key = [0; 32];
        key[..ID_LENGTH].copy_from_slice(&self.0);
        RowKey::from_bytes(key)
    }
}

debug_as_name!(SealedId);

fn new_id() -> Result<SealedId, SessionError> {
    Ok(SealedId(crypto::random_bytes()?))
}

/// RFC 6265bis, section 5.7: a browser ignores a cookie whose name and value are longer.
const COOKIE_LIMIT: usize = 4096;
/// How far the clocks of two servers may be apart.
pub(super) const CLOCK_SKEW: Duration = Duration::from_secs(60);
