//! A rotation in a store that cannot change two keys at once.
//!
//! 1. A reserved row takes the new key.
//! 2. The way to the new id replaces the old row and carries a copy of the new row: from now on the session has moved.
//! 3. The new row replaces the reserved row.
//! 4. The way gives up its copy.
//!
//! If a request crashes before step 3 or 4, or several are here at once, each request that follows the way completes
//! these steps, so no session is lost. The new row replaces nothing but the reserved row. If the session has ended, the
//! reserved row is gone or has another revision, so a late request restores no session. Until the way gives up its
//! copy, it is listed instead of the session, so that a revocation finds it: ending a way also ends the row at its
//! successor's key, and without the way no new row can follow.

use super::server_side::ServerSide;
use super::vault::{ENDED, RESERVED, unlisted};
use super::ways::{left, left_with};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, Way};
use crate::error::SessionError;
use crate::store::{Inserted, Replaced, Rotated, Row, StoreError};

impl ServerSide {
    pub(super) async fn rotate_by_parts(
        &self,
        token: &ReferenceToken,
        seen: &Row,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<Rotated, SessionError> {
        let listing = self.listing_while_moving(token, seen, way.successor.row_key(), now)?;
        let full = left_with(token, way, row, seen, listing)?;
        if self.reserve(way, row, now).await? == Inserted::Exists {
            return Ok(Rotated::Exists);
        }
        let replaced = self.vault.store.replace(token.row_key(), seen, &full, now);
        let rotated = Rotated::from(replaced.await?);
        if rotated != Rotated::Rotated {
            self.give_back(way, now).await;
            return Ok(rotated);
        }
        let is_there = self.finish(token, &full, way, row, now).await?;
        Ok(if is_there { rotated } else { Rotated::Gone })
    }

    /// Reserves the key of the successor for `row`, before a way leads to it.
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

    /// Frees the key of a successor to which no way was written.
    pub(super) async fn give_back(&self, way: &Way, now: Timestamp) {
        // If the store fails here, the reserved row expires by itself.
        let _ = self.vault.store.remove(way.successor.row_key(), now).await;
    }

    /// The last two steps. Each request that follows the way completes those that are not done yet; returns `false` if
    /// the session has ended meanwhile.
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
        // The way of another library's session outlives its copy: it keeps its longer deadline.
        empty.deadline = empty.deadline.max(full.deadline);
        let emptied = store.replace(token.row_key(), full, &empty, now).await?;
        let is_over = match &emptied {
            Replaced::Replaced => false,
            // By a clock that is behind, the row that marks the end has not expired yet.
            Replaced::Stale(row) => *row.value == [ENDED],
            Replaced::Gone => true,
        };
        if is_over {
            if placed == Replaced::Replaced {
                // The request that has ended the way loads this key next: it must find a reserved row, as before, and
                // report the end. The revision differs, so that no third request puts the new row there again.
                let taken_back = Row {
                    revision: row.next_revision(),
                    ..reserved(way, row)
                };
                store.replace(new, row, &taken_back, now).await?;
            }
            return Ok(false);
        }
        // If several requests are here at once, each step is done by one of them.
        Ok(placed != Replaced::Gone)
    }
}

/// The row that reserves the successor's key for `row`.
fn reserved(way: &Way, row: &Row) -> Row {
    let mut reserved = Row::new([RESERVED], row.last_seen, way.until);
    reserved.revision = row.revision.wrapping_sub(1);
    reserved.listing = unlisted(row.listing.is_some());
    reserved
}
