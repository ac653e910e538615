//! The sessions that hold a value.
//!
//! Beside the sessions there is a sorted set for each index key, with the keys of the sessions that hold
//! the value. In a Cluster it lies in another slot, so no script can change both. Therefore a session
//! is entered *before* its record says so, and taken out *after* its record is gone; whoever looks
//! something up reads the record behind each entry, and believes the record. A crash in between
//! leaves an entry that leads nowhere, never a session that cannot be found.
//!
//! An entry has a horizon of its own, a month beyond the session's end. The session knows the
//! horizon of its entries (`x`), and a write that would outlive it is refused until the entries
//! have been prolonged.

use std::collections::BTreeSet;
use std::time::Duration;

use redis::Value;
use tokio::task::JoinSet;

use super::change::Indexed;
use super::packed::{self, Malformed};
use super::records::{Access, Contended, failed, found, read};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::Record;
use crate::store::{Loaded, StoreError};

impl Access {
    /// A session that is given a new id between the look at the index and that at the records is
    /// entered under it by then: when an entry leads nowhere, the index is read once more.
    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let mut entries = self.entries(index, now).await?;
        for _ in 0..MAX_LOOKS {
            let mut sessions = self.load_all(&entries, now).await?;
            if sessions.len() < entries.len() {
                let later = self.entries(index, now).await?;
                if !later.is_subset(&entries) {
                    entries = later;
                    continue;
                }
            }
            sessions.retain(|(_, record)| record.is_filed_under(index, now));
            return Ok(sessions);
        }
        Err(StoreError::Unavailable(Box::new(Contended)))
    }

    async fn entries(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<BTreeSet<RowKey>, StoreError> {
        let mut find = redis::cmd("ZRANGEBYSCORE");
        find.arg(self.index_name(index))
            .arg(packed::seconds(now))
            .arg("+inf");
        let entries: Vec<Vec<u8>> = read(self.connection.send(&find).await.map_err(failed)?)?;
        let keys = entries
            .into_iter()
            .map(|entry| entry.try_into().map(RowKey::from_bytes));
        Ok(keys.collect::<Result<_, _>>().map_err(|_| Malformed)?)
    }

    /// The live ones. All are read at one moment, so that none is seen under two keys; but a Cluster
    /// has them in many places.
    async fn load_all(
        &self,
        keys: &BTreeSet<RowKey>,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if self.connection.is_cluster() {
            return self.load_each(keys, now).await;
        }
        let mut look = redis::cmd("MGET");
        for key in keys {
            look.arg(self.name(key));
        }
        let replies: Vec<Value> = read(self.connection.send(&look).await.map_err(failed)?)?;
        let mut sessions = Vec::new();
        for (key, reply) in keys.iter().zip(replies) {
            if let Some(record) = live_record(found(reply)?, now) {
                sessions.push((*key, record));
            }
        }
        Ok(sessions)
    }

    async fn load_each(
        &self,
        keys: &BTreeSet<RowKey>,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let mut loads = JoinSet::new();
        for key in keys {
            let (access, key) = (self.clone(), *key);
            loads.spawn(async move { (key, access.load(&key, now).await) });
        }
        let mut found = Vec::new();
        while let Some(loaded) = loads.join_next().await {
            let (key, loaded) = loaded.map_err(|error| StoreError::Unavailable(error.into()))?;
            if let Some(record) = live_record(loaded?, now) {
                found.push((key, record));
            }
        }
        Ok(found)
    }

    /// Enters a record that is about to be written; returns until when.
    pub(super) async fn index_record(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let keys = index_keys(record);
        self.index(key, &keys, record.expires_at, now).await?;
        Ok((!keys.is_empty()).then(|| horizon_of(record.expires_at)))
    }

    pub(super) async fn index(
        &self,
        key: &RowKey,
        index_keys: &[IndexKey],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // A day more than the record is told: two that enter at once need not agree.
        let horizon = packed::seconds(horizon_of(expires_at) + DAY).to_string();
        let now = packed::seconds(now).to_string();
        let arguments: [&[u8]; 3] = [now.as_bytes(), key.as_bytes(), horizon.as_bytes()];
        for index in index_keys {
            let name = self.index_name(index);
            let script = &self.records.scripts.index;
            self.connection
                .run(script, &[&name], &arguments)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Enters a session anew, under everything that it holds and is about to be given.
    pub(super) async fn prolong(
        &self,
        key: &RowKey,
        written: &[IndexKey],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Indexed, StoreError> {
        let mut keys = written.to_vec();
        let (mut end, mut seen) = (expires_at, None);
        if let Some(Loaded::Live(record)) = self.look(key).await? {
            keys.extend(index_keys(&record));
            end = end.max(record.expires_at);
            seen = Some(record.revision);
        }
        self.index(key, &keys, end, now).await?;
        Ok(Indexed {
            horizon: Some(horizon_of(end)),
            seen,
        })
    }

    /// An entry that stays leads nowhere: what has taken place has not failed for that.
    pub(super) async fn take_out(&self, key: &RowKey, index_keys: &[IndexKey]) {
        for index in index_keys {
            let mut remove = redis::cmd("ZREM");
            remove.arg(self.index_name(index)).arg(key.as_bytes());
            let _ = self.connection.send(&remove).await;
        }
    }

    fn index_name(&self, index: &IndexKey) -> Vec<u8> {
        self.named("index:", index.as_bytes())
    }
}

fn live_record(loaded: Option<Loaded>, now: Timestamp) -> Option<Record> {
    match loaded {
        Some(Loaded::Live(record)) if !record.is_expired(now) => Some(record),
        _ => None,
    }
}

pub(super) fn index_keys(record: &Record) -> Vec<IndexKey> {
    let mut keys: Vec<_> = record.index_keys().cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

pub(super) fn horizon_of(expires_at: Timestamp) -> Timestamp {
    expires_at + MONTH
}

/// Each means that another session was given a new id at this moment.
const MAX_LOOKS: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);
