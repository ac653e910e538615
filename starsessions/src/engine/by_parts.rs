//! A rotation in a store that cannot change two keys at once.
//!
//! A reserved row takes the new key. Then the old row is replaced by the way to the new id, which carries the new
//! row with it: from then on the session has moved. The new row replaces the reserved one, and the way gives up
//! its copy. Each request that goes that way does what is left to do, if another one has crashed there or is
//! beside it, so no session is lost. The row comes only in the place of the reserved one, of which nothing is
//! left where a session has ended, so a late request brings none back. Until the way has given up its copy, it
//! is listed in the place of the session, so that a revocation meets it: what ends a way ends also what is in the
//! place that it leads to, and a way that is gone lets no row follow.

use std::sync::Arc;

use super::server_side::ServerSide;
use super::vault::RESERVED;
use super::ways::Way;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, ReferenceToken};
use crate::error::SessionError;
use crate::store::{Inserted, Listing, Replaced, Rotated, Row, StoreError};

impl ServerSide {
    pub(super) async fn rotate_by_parts(
        &self,
        token: &ReferenceToken,
        seen: &Row,
        mut way: Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<Rotated, SessionError> {
        way.row = Some(row.clone());
        let listing = self.listing_while_moving(token, seen, way.successor.row_key())?;
        let full = way.close(token, seen, listing)?;
        if self.reserve(&way, row, now).await? == Inserted::Exists {
            return Ok(Rotated::Exists);
        }
        let replaced = self.vault.store.replace(token.row_key(), seen, &full, now);
        let overtaken = match replaced.await? {
            Replaced::Replaced => None,
            Replaced::Stale(row) => Some(Rotated::Stale(row)),
            Replaced::Gone => Some(Rotated::Gone),
        };
        if let Some(overtaken) = overtaken {
            self.give_back(&way, now).await;
            return Ok(overtaken);
        }
        let is_there = self.finish(token, &full, &way, row, now).await?;
        Ok(if is_there {
            Rotated::Rotated
        } else {
            Rotated::Gone
        })
    }

    /// Does what a rotation has left to do, before a request goes that way; `false` if the session was ended meanwhile.
    pub(super) async fn resume_rotation(
        &self,
        token: &ReferenceToken,
        full: &Row,
        way: &Way,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match &way.row {
            Some(row) => self.finish(token, full, way, row, now).await,
            None => Ok(true),
        }
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
        // One that stays because the store fails ends by itself.
        let _ = self.vault.store.remove(way.successor.row_key(), now).await;
    }

    /// The last two steps; `false` if the session was ended meanwhile.
    async fn finish(
        &self,
        token: &ReferenceToken,
        full: &Row,
        way: &Way,
        row: &Row,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (store, new) = (&self.vault.store, way.successor.row_key());
        let placed = store.replace(new, &reserved(way, row), row, now).await?;
        let Ok(mut empty) = way.without_row().close(token, full, None) else {
            // Without its random bytes the way keeps its copy, which the next request drops.
            return Ok(placed != Replaced::Gone);
        };
        // What a session of another library has left stays when its way is closed.
        empty.deadline = empty.deadline.max(full.deadline);
        let emptied = store.replace(token.row_key(), full, &empty, now).await?;
        if emptied == Replaced::Gone {
            if placed == Replaced::Replaced {
                store.remove(new, now).await?;
            }
            return Ok(false);
        }
        // Of several requests at once, one has done each of the steps.
        Ok(placed != Replaced::Gone)
    }
}

/// What is under the key of the successor until `row` is. It takes no place in a list.
fn reserved(way: &Way, row: &Row) -> Row {
    let mut reserved = Row::new([RESERVED], row.last_seen, way.until);
    reserved.revision = row.revision.wrapping_sub(1);
    // A user's is not to be pushed out by a flood of visitors.
    let listing = row.listing.as_ref();
    reserved.listing = listing.map(|_| Arc::new(Listing::new(Vec::new(), b"")));
    reserved
}

/// A row as the payload of a way.
///
/// ```text
/// row = revision u64 ‖ deadline u64 ‖ last seen u64 ‖ keys u8 ‖ index key(32)* ‖ card length u32 ‖ card ‖ value
/// ```
///
/// `keys` is 255 for a row without a listing.
pub(super) fn pack(row: &Row) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + row.value.len());
    out.extend_from_slice(&row.revision.to_be_bytes());
    for time in [row.deadline, row.last_seen] {
        out.extend_from_slice(&time.as_unix_seconds().to_be_bytes());
    }
    match &row.listing {
        None => out.push(NO_LISTING),
        Some(listing) => {
            let keys = listing
                .index_keys()
                .iter()
                .take(usize::from(NO_LISTING - 1));
            out.push(keys.len() as u8);
            keys.for_each(|key| out.extend_from_slice(key.as_bytes()));
            out.extend_from_slice(&(listing.card().len() as u32).to_be_bytes());
            out.extend_from_slice(listing.card());
        }
    }
    out.extend_from_slice(&row.value);
    out
}

/// The row in a payload; `None` if there is none.
pub(super) fn unpack(mut payload: &[u8]) -> Option<Row> {
    let revision = u64::from_be_bytes(take(&mut payload)?);
    let deadline = u64::from_be_bytes(take(&mut payload)?);
    let last_seen = u64::from_be_bytes(take(&mut payload)?);
    let [keys] = take(&mut payload)?;
    let listing = if keys == NO_LISTING {
        None
    } else {
        let keys = (0..keys).map(|_| take(&mut payload).map(IndexKey::from_bytes));
        let keys = keys.collect::<Option<Vec<_>>>()?;
        let length = usize::try_from(u32::from_be_bytes(take(&mut payload)?)).ok()?;
        let (card, rest) = payload.split_at_checked(length)?;
        payload = rest;
        Some(Arc::new(Listing::new(keys, card)))
    };
    let at = Timestamp::from_unix_seconds;
    let mut row = Row::new(payload, at(last_seen), at(deadline));
    row.revision = revision;
    row.listing = listing;
    Some(row)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

const NO_LISTING: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_unpacked_as_it_was_packed() {
        let at = Timestamp::from_unix_seconds;
        let mut row = Row::new(*b"value", at(7), at(9));
        row.revision = 3;
        assert_eq!(unpack(&pack(&row)), Some(row.clone()));
        let keys = vec![IndexKey::from_bytes([1; 32]), IndexKey::from_bytes([2; 32])];
        row.listing = Some(Arc::new(Listing::new(keys, *b"card")));
        let packed = pack(&row);
        assert_eq!(unpack(&packed), Some(row));
        for length in 0..packed.len() - b"value".len() {
            assert_eq!(unpack(&packed[..length]), None, "{length}");
        }
    }
}
