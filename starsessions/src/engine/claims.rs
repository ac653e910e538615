//! Claims: the places of sign-ins that are under way.
//!
//! A store has no transaction over several sessions, so a sign-in files a claim before it counts: of concurrent
//! sign-ins, the one that counts last sees the claims of all. A sign-in holds its claim before its session begins, and
//! only a claim that is not held yet can be taken away; each is one conditional replacement. So the last sign-in has
//! counted all claims that are held.

use std::sync::Arc;
use std::time::Duration;

use super::server_side::ServerSide;
use super::vault::{CLAIMED, ENDED, HELD};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, RowKey};
use crate::error::SessionError;
use crate::lifecycle::changes::Lookup;
use crate::record::Card;
use crate::store::{Inserted, Replaced, Row, StoreError};

pub(super) struct Claim {
    token: Arc<ReferenceToken>,
    row: Row,
}

impl Claim {
    pub(super) fn key(&self) -> &RowKey {
        self.token.row_key()
    }
}

impl ServerSide {
    /// Files a claim for a session that is to be found by these values.
    pub(super) async fn claim(
        &self,
        lookups: &[Lookup],
        now: Timestamp,
    ) -> Result<Claim, SessionError> {
        let token = ReferenceToken::mint(&self.context.keys)?;
        let card = Card {
            created_at: now,
            issued_at: now,
            is_claim: true,
            ..Card::default()
        };
        let keys = lookups
            .iter()
            .map(|lookup| self.index_key(&lookup.name, &lookup.value));
        let mut row = Row::new([CLAIMED], now, now + CLAIM_LIFE);
        row.listing = Some(self.close_listing(&token, keys.collect(), &card)?);
        match self.vault.store.insert(token.row_key(), &row, now).await? {
            Inserted::Inserted => Ok(Claim { token, row }),
            Inserted::Exists => Err(SessionError::contention()),
        }
    }

    /// Holds the claim, so that no other sign-in takes it away; `false` if one has.
    pub(super) async fn hold(&self, claim: &Claim, now: Timestamp) -> Result<bool, StoreError> {
        let held = with_value(&claim.row, HELD);
        let replaced = self
            .vault
            .store
            .replace(claim.key(), &claim.row, &held, now);
        Ok(replaced.await? == Replaced::Replaced)
    }

    /// Another sign-in's claim, and whether it is held; `None` if that sign-in is over.
    pub(super) async fn look_at_claim(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<(Row, bool)>, StoreError> {
        let row = self.vault.store.load(key, now).await?;
        Ok(row.and_then(|row| match *row.value {
            [CLAIMED] => Some((row, false)),
            [HELD] => Some((row, true)),
            _ => None,
        }))
    }

    /// Takes another sign-in's claim away; `false` if that sign-in holds it by now, or is over.
    pub(super) async fn take_away(&self, key: &RowKey, now: Timestamp) -> Result<bool, StoreError> {
        let Some((row, false)) = self.look_at_claim(key, now).await? else {
            return Ok(false);
        };
        let mut ended = with_value(&row, ENDED);
        ended.listing = None;
        let replaced = self.vault.store.replace(key, &row, &ended, now);
        Ok(replaced.await? == Replaced::Replaced)
    }
}

/// Whether the claim's sign-in may still be under way. The time in the sealed card decides,
/// because the store could change the row's deadline.
pub(super) fn is_current(card: &Card, now: Timestamp) -> bool {
    now < card.created_at + CLAIM_LIFE
}

fn with_value(row: &Row, value: u8) -> Row {
    let mut next = row.clone();
    next.value = Arc::new([value]);
    next.revision = row.next_revision();
    next
}

/// Longer than a sign-in takes and than clocks differ; the claim of an interrupted sign-in expires after it.
const CLAIM_LIFE: Duration = Duration::from_secs(120);
