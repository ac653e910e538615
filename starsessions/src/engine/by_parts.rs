//! A rotation in a store that cannot change two keys at once.
//!
//! A reserved row takes the new key. Then the old row is replaced by the way to the new id, which carries the new
//! row with it: from then on the session has moved. The new row replaces the reserved one, and the way gives up
//! its copy. Each request that goes that way does what is left to do, if another one has crashed there or is
//! beside it, so no session is lost. The row comes only in the place of the reserved one. Where the session has ended,
//! that is gone or has another revision, so a late request brings none back. Until the way has given up its copy, it
//! is listed in the place of the session, so that a revocation meets it: what ends a way ends also what is in the
//! place that it leads to, and a way that is gone lets no row follow.

use std::sync::Arc;

use super::server_side::ServerSide;
use super::vault::{RESERVED, is_ended};
use super::ways::{left, left_with};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, Way};
use crate::error::SessionError;
use crate::store::{Inserted, Listing, Replaced, Rotated, Row, StoreError};

impl ServerSide {
    pub(super) async fn rotate_by_parts(
        &self,
        token: &ReferenceToken,
        seen: &Row,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<Rotated, SessionError> {
        let listing = self.listing_while_moving(token, seen, way.successor.row_key())?;
        let full = left_with(token, way, row, seen, listing)?;
        if self.reserve(way, row, now).await? == Inserted::Exists {
            return Ok(Rotated::Exists);
        }
        let replaced = self.vault.store.replace(token.row_key(), seen, &full, now);
        let overtaken = match replaced.await? {
            Replaced::Replaced => None,
            Replaced::Stale(row) => Some(Rotated::Stale(row)),
            Replaced::Gone => Some(Rotated::Gone),
        };
        if let Some(overtaken) = overtaken {
            self.give_back(way, now).await;
            return Ok(overtaken);
        }
        let is_there = self.finish(token, &full, way, row, now).await?;
        Ok(if is_there {
            Rotated::Rotated
        } else {
            Rotated::Gone
        })
    }

    /// Keeps the key of the successor for `row`, before there is a way to it.
    pub(super) async fn reserve(
        &self,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let reserved = reserved(way, row);
        let new = way.successor.row_key();
        self.vault.store.insert(new, &reserved, now).await
    }

    /// Frees the key of a successor to which no way has come to be.
    pub(super) async fn give_back(&self, way: &Way, now: Timestamp) {
        // A key that stays because the store fails ends by itself.
        let _ = self.vault.store.remove(way.successor.row_key(), now).await;
    }

    /// The last two steps. Each request that follows the way does what is left of them; `false` if the session was ended
    /// meanwhile.
    pub(super) async fn finish(
        &self,
        token: &ReferenceToken,
        full: &Row,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (store, new) = (&self.vault.store, way.successor.row_key());
        let placed = store.replace(new, &reserved(way, row), row, now).await?;
        let mut empty = left(way, full);
        // The row of a session of another library stays when its way gives up its copy.
        empty.deadline = empty.deadline.max(full.deadline);
        let emptied = store.replace(token.row_key(), full, &empty, now).await?;
        let is_over = match &emptied {
            Replaced::Replaced => false,
            // To a clock that is behind, the end is still there.
            Replaced::Stale(row) => is_ended(row),
            Replaced::Gone => true,
        };
        if is_over {
            if placed == Replaced::Replaced {
                // The request that has ended the way looks here next: it finds the place reserved, as it was, and
                // reports the end. The revision is another, so that no third request puts the row there again.
                let taken_back = Row {
                    revision: row.next_revision(),
                    ..reserved(way, row)
                };
                store.replace(new, row, &taken_back, now).await?;
            }
            return Ok(false);
        }
        // Each step is done by one of the requests that are here at once.
        Ok(placed != Replaced::Gone)
    }
}

/// The row that keeps the successor's key for `row`. It takes no place in a list.
fn reserved(way: &Way, row: &Row) -> Row {
    let mut reserved = Row::new([RESERVED], row.last_seen, way.until);
    reserved.revision = row.revision.wrapping_sub(1);
    // A flood of visitors must not push a user's row out.
    let listing = row.listing.as_ref();
    reserved.listing = listing.map(|_| Arc::new(Listing::new(Vec::new(), b"")));
    reserved
}
