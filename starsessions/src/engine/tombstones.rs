//! Tombstones: the memory of ended sessions and ended ids, whose cookies browsers may still send.
//!
//! ```text
//! tombstone = "" of a session | 1 u8 ‖ id(16) of an id, with that of its successor
//! ```
//!
//! An id opens nothing without its cookie. The one in a tombstone leads a logout to the session that a sign-in has just
//! moved.

use super::client_side::{CLOCK_SKEW, ClientSide, SealedId};
use super::server_side::MAX_ATTEMPTS;
use super::vault::unlisted;
use super::ways::ENDING_GRACE;
use crate::clock::Timestamp;
use crate::observe::{EndCause, Known};
use crate::record::Record;
use crate::store::{Inserted, Row, StoreError};

/// The id under which a rotated session goes on, while requests with the old id may still arrive.
pub(super) fn moved_to(tombstone: &Row, now: Timestamp) -> Option<SealedId> {
    let id = tombstone.value.strip_prefix(ROTATED)?;
    let seen = tombstone.last_seen;
    let is_recent = seen <= now + CLOCK_SKEW && now < seen + ENDING_GRACE;
    is_recent.then(|| id.try_into().map(SealedId).ok())?
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
        let Some(store) = &self.revocations else {
            return Ok(None);
        };
        // Boxed, so that the future of a layer without a list has no room for it.
        match Box::pin(store.load(&id.row_key(), now)).await {
            // The list holds only ids that have ended, so a damaged entry also means that its id has ended.
            Err(StoreError::Corrupt(_)) => {
                let long_ago = Timestamp::default();
                Ok(Some(Row::new([], long_ago, long_ago)))
            }
            found => found,
        }
    }

    /// Ends a session for its user, under the id that it has by now; `to` is the id that a sign-in begins in its place.
    pub(super) async fn end(
        &self,
        mut id: SealedId,
        to: Option<SealedId>,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tombstone = self.tombstone(record, to, now);
        // Bounded, because the list is not sealed: a program that writes to it can make it lead in a circle.
        for _ in 0..MAX_ATTEMPTS {
            if self.revoke(id, &tombstone, now).await? {
                let name = id.name(&self.context.keys);
                let observer = &self.context.observer;
                observer.ended(name, EndCause::Logout, || Known::of(record));
                return Ok(());
            }
            let other = self.tombstone_of(id, now).await?;
            let Some(successor) = other.and_then(|other| moved_to(&other, now)) else {
                return Ok(());
            };
            id = successor;
            // The successor's record is in a cookie that this request does not have.
            let end = self.context.policy.last_deadline(now) + CLOCK_SKEW;
            tombstone.deadline = tombstone.deadline.max(end);
        }
        let circle = StoreError::Corrupt("the list of ended sessions leads in a circle".into());
        if let Some(store) = &self.revocations {
            store.report(&circle, now);
        }
        Err(circle)
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
        match store.insert(&id.row_key(), tombstone, now).await {
            Err(StoreError::Corrupt(_)) => Ok(false),
            inserted => Ok(inserted? == Inserted::Inserted),
        }
    }

    /// The row that stands for a session that has ended, or for the id from which it has moved.
    pub(super) fn tombstone(&self, record: &Record, to: Option<SealedId>, now: Timestamp) -> Row {
        // An older copy of the cookie may be remembered where the newest is not.
        let last = self.context.policy.last_deadline(record.created_at);
        let end = last.max(record.expires_at) + CLOCK_SKEW;
        let value = to.map(|SealedId(id)| [ROTATED.as_slice(), &id].concat());
        let mut tombstone = Row::new(value.unwrap_or_default(), now, end);
        tombstone.listing = unlisted(record.identified);
        tombstone
    }
}

const ROTATED: &[u8; 1] = &[1];
