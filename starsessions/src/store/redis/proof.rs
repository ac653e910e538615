//! In a Cluster, a session is used only if its lists have it.
//!
//! A row and its entries are on different nodes, and a fail-over of one node may lose its last second. A row
//! without its entry could be used, but no list would show it, and its user could not end it. So a row that is
//! missing from one of its lists counts as ended: the fail-over loses the sign-in, as on a single server. A session
//! stays ended as long as one of the two nodes has kept the end.
//!
//! The lists are read at the same time as the row, if this process knows them from an earlier load.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join;
use redis::{Cmd, Value};

use super::link::contended;
use super::rows::{MAX_ATTEMPTS, Rows, encoded};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listing, Result, Row};

impl Rows {
    pub(super) async fn load(&self, key: &RowKey, _: Timestamp) -> Result<Option<Row>> {
        if !self.link.is_cluster {
            return self.fetch(key).await;
        }
        let known = self.known().get(key).cloned();
        let index_keys = known.as_deref().map_or(&[][..], Listing::index_keys);
        let is_entered = self.is_entered(key, index_keys);
        let (row, is_entered) = join(self.fetch(key), is_entered).await;
        match row? {
            Some(row) if row.index_keys() == index_keys && is_entered? => Ok(Some(row)),
            row => self.proven(key, row).await,
        }
    }

    /// Checks the lists after reading the row. An entry is taken out only after its row is gone, so the lists have every
    /// live row.
    async fn proven(&self, key: &RowKey, mut row: Option<Row>) -> Result<Option<Row>> {
        for _ in 0..MAX_ATTEMPTS {
            let Some(read) = row else { return Ok(None) };
            if self.is_entered(key, read.index_keys()).await? {
                if let Some(listing) = &read.listing {
                    let mut known = self.known();
                    // A forgotten listing costs one round trip.
                    if known.len() >= MAX_KNOWN {
                        known.clear();
                    }
                    known.insert(*key, Arc::clone(listing));
                }
                return Ok(Some(read));
            }
            // The row may have ended, or have left a list, since it was read.
            row = self.fetch(key).await?;
            if row.as_ref().map(|row| row.revision) == Some(read.revision) {
                return Ok(None);
            }
        }
        Err(contended())
    }

    async fn is_entered(&self, key: &RowKey, index_keys: &[IndexKey]) -> Result<bool> {
        for index_key in index_keys {
            let score = Cmd::zscore(self.index_name(index_key), encoded(key.as_bytes()));
            if self.link.send(&score).await.read::<Value>()? == Value::Nil {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<RowKey, Arc<Listing>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The listings of the sessions that this process has loaded.
pub(super) type Known = Mutex<HashMap<RowKey, Arc<Listing>>>;

/// A few megabytes.
const MAX_KNOWN: usize = 16_384;
