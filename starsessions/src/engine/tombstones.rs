//! What remembers that a session, or an id of one, has ended whose cookie may still be shown.
//!
//! ```text
//! tombstone = "" of a session | 1 u8 ‖ id(16) of an id, with the one that the session goes on under
//! ```
//!
//! An id opens nothing without its cookie. It leads a logout to the session that a sign-in has just moved.

use std::sync::Arc;

use super::client_side::{CLOCK_SKEW, ClientSide, SealedId};
use super::ways::{ENDING_GRACE, is_news};
use crate::clock::Timestamp;
use crate::observe::{self, EndCause};
use crate::record::{ID_LENGTH, Record};
use crate::store::{Inserted, Listing, Row, StoreError};

/// Where a session goes on that has got a new id, as long as requests with the old one may be on their way.
pub(super) struct Moved {
    to: SealedId,
    /// The browser is about to hear of it.
    pub(super) is_news: bool,
}

impl Moved {
    pub(super) fn of(tombstone: &Row, now: Timestamp) -> Option<Self> {
        let id = tombstone.value.strip_prefix(ROTATED)?;
        let until = tombstone.last_seen + ENDING_GRACE;
        (now < until).then_some(Self {
            to: SealedId(<[u8; ID_LENGTH]>::try_from(id).ok()?),
            is_news: is_news(until, now),
        })
    }
}

pub(super) fn is_of_rotation(tombstone: &Row) -> bool {
    tombstone.value.starts_with(ROTATED)
}

impl ClientSide {
    pub(super) async fn tombstone_of(
        &self,
        id: SealedId,
        now: Timestamp,
    ) -> Result<Option<Row>, StoreError> {
        match &self.revocations {
            // Boxed, so that a layer without a list does not carry the room for it.
            Some(store) => Box::pin(store.load(&id.row_key(), now)).await,
            None => Ok(None),
        }
    }

    /// Ends a session for its user, under the id that it has by now.
    pub(super) async fn end(
        &self,
        mut id: SealedId,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tombstone = self.tombstone(record, None, now);
        while !self.revoke(id, &tombstone, now).await? {
            let other = self.tombstone_of(id, now).await?;
            let Some(moved) = other.and_then(|other| Moved::of(&other, now)) else {
                return Ok(());
            };
            id = moved.to;
            // Its record is in a cookie that this request does not have.
            let end = self.context.policy.last_deadline(now) + CLOCK_SKEW;
            tombstone.deadline = tombstone.deadline.max(end);
        }
        observe::ended(id.name(&self.context.keys), EndCause::Logout);
        Ok(())
    }

    /// Remembers that an id has ended, for as long as a copy of its cookie could be accepted. Returns
    /// `false` if another request has done so before.
    pub(super) async fn revoke(
        &self,
        id: SealedId,
        tombstone: &Row,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(store) = &self.revocations else {
            return Ok(true);
        };
        let inserted = store.insert(&id.row_key(), tombstone, now).await?;
        Ok(inserted == Inserted::Inserted)
    }

    /// What stands for a session that has ended, or for the id from which it has moved.
    pub(super) fn tombstone(&self, record: &Record, to: Option<SealedId>, now: Timestamp) -> Row {
        // An older copy may say that it is remembered where the newest says that it is not.
        let last = self.context.policy.last_deadline(record.created_at);
        let end = last.max(record.expires_at) + CLOCK_SKEW;
        let value = to.map(|SealedId(id)| [ROTATED.as_slice(), &id].concat());
        let mut tombstone = Row::new(value.unwrap_or_default(), now, end);
        // A user's is not to be pushed out by a flood of visitors, nor kept out by theirs.
        tombstone.listing = record
            .identified
            .then(|| Arc::new(Listing::new(Vec::new(), b"")));
        tombstone
    }
}

const ROTATED: &[u8; 1] = &[1];
