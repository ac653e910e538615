//! From an id that has ended to the one that has come after it.

use std::sync::Arc;
use std::time::Duration;

use super::server_side::ServerSide;
use super::vault::{ENDING, FORWARD};
use super::{Credential, Live};
use crate::clock::Timestamp;
use crate::crypto::{self, ReferenceToken};
use crate::error::SessionError;
use crate::store::{Listing, Row, packed};

/// What a rotation leaves under the old id.
pub(super) struct Way {
    /// Requests with the old id go on under the new one.
    pub(super) is_forward: bool,
    /// What was written under the old id by requests that had loaded it before may be in the successor,
    /// which is the same session.
    pub(super) carries: bool,
    pub(super) successor: Arc<ReferenceToken>,
    /// From this second on the way leads nowhere.
    pub(super) until: Timestamp,
    /// The row of the successor, as long as it may not be there yet.
    pub(super) row: Option<Row>,
}

impl Way {
    /// The way of a rotation: short for requests that go on, longer for those that end the session.
    pub(super) fn new(
        is_forward: bool,
        successor: &Arc<ReferenceToken>,
        renewal_grace: Duration,
        now: Timestamp,
    ) -> Self {
        let for_how_long = if is_forward {
            renewal_grace
        } else {
            ENDING_GRACE
        };
        Self {
            is_forward,
            carries: true,
            successor: Arc::clone(successor),
            until: now + for_how_long,
            row: None,
        }
    }

    /// The way to a session that a sign-in has begun in the place of another one.
    pub(super) fn of_another_session(successor: &Arc<ReferenceToken>, now: Timestamp) -> Self {
        Self {
            carries: false,
            ..Self::new(false, successor, Duration::ZERO, now)
        }
    }

    /// The row that holds the way in the place of `before`.
    pub(super) fn close(
        &self,
        token: &ReferenceToken,
        before: &Row,
        listing: Option<Arc<Listing>>,
    ) -> Result<Row, SessionError> {
        let (kind, key) = kind(self.is_forward);
        let row = self.row.as_ref().map(packed::pack);
        let payload = [
            &[u8::from(self.carries)],
            row.as_deref().unwrap_or_default(),
        ]
        .concat();
        let sealed = token.seal_way(key, &self.successor, self.until, &payload)?;
        let mut row = Row::new(
            [&[kind], &*sealed].concat(),
            before.last_seen,
            self.end_of_row(),
        );
        row.revision = before.revision + 1;
        row.listing = listing;
        Ok(row)
    }

    /// A sign-in that has stopped half-way leaves a session whose id no browser has. Its place among the user's
    /// sessions is free as soon as the request cannot go on any more.
    fn end_of_row(&self) -> Timestamp {
        if self.row.is_some() && !self.is_forward {
            let earlier = (ENDING_GRACE - MOVING_TIME).as_secs();
            let until = self.until.as_unix_seconds();
            return Timestamp::from_unix_seconds(until.saturating_sub(earlier));
        }
        self.until
    }

    /// The same way to a row that is there.
    pub(super) fn without_row(&self) -> Self {
        Self {
            successor: Arc::clone(&self.successor),
            row: None,
            ..*self
        }
    }
}

impl ServerSide {
    /// The way in a row, as long as it leads anywhere.
    pub(super) fn way(&self, token: &ReferenceToken, row: &Row, now: Timestamp) -> Option<Way> {
        let (kind, sealed) = row.value.split_first()?;
        let is_forward = match *kind {
            FORWARD => true,
            ENDING => false,
            _ => return None,
        };
        let (_, key) = self::kind(is_forward);
        let opened = token.open_way(key, sealed, &self.context.keys, now).ok()?;
        let (carries, payload) = opened.payload.split_first()?;
        (now < opened.until && row.is_live(now)).then(|| Way {
            is_forward,
            carries: *carries != 0,
            successor: opened.successor,
            until: opened.until,
            row: packed::unpack(payload),
        })
    }
}

impl Live {
    /// The token, and the row that it led to; `None` if the session is its cookie.
    pub(super) fn reference(&self) -> Option<(Arc<ReferenceToken>, &Row)> {
        match &self.credential {
            Credential::Reference(token, row) => Some((Arc::clone(token), row)),
            Credential::Sealed(_) => None,
            #[cfg(feature = "python")]
            Credential::Shared(_) => None,
        }
    }
}

fn kind(is_forward: bool) -> (u8, crypto::WayKind) {
    if is_forward {
        (FORWARD, crypto::WayKind::Forward)
    } else {
        (ENDING, crypto::WayKind::Ending)
    }
}

/// How long a request may have been on its way that ends the session under a former id, or that had
/// loaded the session before.
pub(crate) const ENDING_GRACE: Duration = Duration::from_secs(60);
/// How long a session may be on its way from one key to the other.
const MOVING_TIME: Duration = Duration::from_secs(15);
