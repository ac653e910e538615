//! From an id that has ended to the one that has come after it.

use std::sync::Arc;
use std::time::Duration;

use super::{Credential, Engine, Live, ServerSide};
use crate::clock::Timestamp;
use crate::crypto::ReferenceToken;
use crate::lifecycle::expiry::is_settled;
use crate::record::{Forward, Record};
use crate::store::StoreError;

/// The successor of an id, as long as it may be followed.
pub(super) fn follow(
    engine: &Engine,
    token: &ReferenceToken,
    forward: &Forward,
    now: Timestamp,
) -> Option<Arc<ReferenceToken>> {
    if forward.until <= now {
        return None;
    }
    let successor = token.open_forward(&forward.to, &engine.keys, now);
    successor.ok()
}

/// Also where nobody may go on: a logout that has begun ends the session, even when a sign-in beside
/// it has given it a new id meanwhile.
pub(super) fn follow_to_end(
    engine: &Engine,
    token: &ReferenceToken,
    forward: &Forward,
    now: Timestamp,
) -> Option<Arc<ReferenceToken>> {
    follow(engine, token, forward, now).or_else(|| {
        let successor = token.open_ending(&forward.to, &engine.keys, now);
        successor.ok()
    })
}

/// Whether a sign-in has ended the id so short a time ago that its response may still be on its way.
pub(super) fn is_overtaken(
    engine: &Engine,
    token: &ReferenceToken,
    forward: &Forward,
    now: Timestamp,
) -> bool {
    forward.until.since(now) > ENDING_GRACE - RESPONSE_TIME
        && token.open_ending(&forward.to, &engine.keys, now).is_ok()
}

impl ServerSide {
    /// The session that the successor of an id leads to.
    pub(super) async fn follow_live(
        &self,
        engine: &Engine,
        token: &ReferenceToken,
        forward: &Forward,
        now: Timestamp,
    ) -> Result<Option<(Arc<ReferenceToken>, Record)>, StoreError> {
        let Some(successor) = follow(engine, token, forward, now) else {
            return Ok(None);
        };
        let found = self
            .resolve(engine, successor.encode().as_bytes(), now)
            .await?;
        Ok(found.live().and_then(|live| match live.credential {
            Credential::Reference(token) => Some((token, live.record)),
            Credential::Sealed(_) => None,
        }))
    }
}

impl Engine {
    /// Whether the id stands under a key that is not the active one, but is too young for a new one.
    pub(crate) fn waits_for_new_id(&self, live: &Live, now: Timestamp) -> bool {
        let Credential::Reference(token) = &live.credential else {
            return false;
        };
        !token.is_under_active_key(&self.keys) && !is_settled(&live.record, now)
    }
}

/// How long a request may have been on its way that ends the session under a former id.
pub(super) const ENDING_GRACE: Duration = Duration::from_secs(60);
/// How long a browser may wait for the response to its sign-in. After that it has lost it, and what
/// it does with its former id counts again.
const RESPONSE_TIME: Duration = Duration::from_secs(10);
