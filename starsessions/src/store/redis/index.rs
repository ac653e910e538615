//! The sessions that are filed under an index key.
//!
//! Beside the rows there is a sorted set for each index key, with the keys of the rows that are filed under
//! it. In a Cluster it is in another slot, so no script can change both. Therefore a row is entered *before*
//! it is written and taken out *after* it is gone, and a list has what the rows themselves say. A crash
//! in between leaves an entry that leads nowhere, never a session that cannot be found.
//!
//! If the key of an index holds something else, the next row to be entered begins the index anew, and the
//! store says so. Until then a list fails: a revocation that missed sessions is not to look complete.
//!
//! An entry ends with the day after the one in which the row's deadline is, so that it is entered again once
//! in a day and not with each request, and that clocks of nodes may differ.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{FromRedisValue, RedisResult, Value};

use super::failure::{contended, failed, lost_index, malformed};
use super::rows::{LAST_SECOND, Rows, SESSION, row_of};
use super::scripts;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listed, Row, StoreError};

impl Rows {
    pub(super) async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let found = if self.link.is_cluster() {
            self.found_by_looks(index_key, now).await?
        } else {
            self.found_at_one_moment(index_key, now).await?
        };
        let filed = found
            .iter()
            .filter(|(_, row)| is_filed(row, index_key, now));
        Ok(filed
            .filter_map(|(key, row)| Listed::new(*key, row))
            .collect())
    }

    /// The index and the rows, however fast sessions move.
    async fn found_at_one_moment(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Row)>, StoreError> {
        let keys = [self.index_name(index_key)];
        let now = now.as_unix_seconds().to_string().into_bytes();
        let arguments = [now, [&self.prefix, SESSION].concat().into_bytes()];
        let found = self.link.run(&scripts::LISTED, &keys, &arguments);
        let found: Vec<(Vec<u8>, Value)> = read(found.await.value)?;
        Ok(found
            .into_iter()
            .filter_map(|(entry, value)| Some((key_of(&entry)?, row_or_none(value)?)))
            .collect())
    }

    /// A session that moves between the look at the index and the look at the rows is entered under its new
    /// key by then, and its former key leads nowhere. So a look has missed nothing if whatever leads nowhere
    /// in it is as it was in the look before: then it had moved, or ended, before the index was read.
    async fn found_by_looks(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Row)>, StoreError> {
        let mut before = BTreeMap::new();
        for _ in 0..MAX_LOOKS {
            let entries = self.entries(index_key, now).await?;
            let rows = self.load_all(&entries).await?;
            let found = entries.into_iter().zip(rows).collect::<BTreeMap<_, _>>();
            let is_proven = |(key, row): (&RowKey, &Option<Row>)| {
                let revision = |row: &Option<Row>| row.as_ref().map(|row| row.revision);
                row.as_ref()
                    .is_some_and(|row| is_filed(row, index_key, now))
                    || before.get(key).map(revision) == Some(revision(row))
            };
            if found.iter().all(is_proven) {
                let rows = found.into_iter();
                return Ok(rows.filter_map(|(key, row)| Some((key, row?))).collect());
            }
            before = found;
        }
        Err(contended())
    }

    async fn entries(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<RowKey>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        let name = self.index_name(index_key);
        command.arg(name).arg(now.as_unix_seconds()).arg("+inf");
        let entries: Vec<Vec<u8>> = read(self.link.send(&command).await.value)?;
        Ok(entries.iter().filter_map(|entry| key_of(entry)).collect())
    }

    /// What is under each key. A Cluster has them in many places, so they are not read at one moment.
    async fn load_all(&self, keys: &[RowKey]) -> Result<Vec<Option<Row>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg(self.name(key));
        }
        let values: Vec<Value> = read(self.link.send(&command).await.value)?;
        Ok(values.into_iter().map(row_or_none).collect())
    }

    /// Enters a row that is about to take the place of `seen`, where that is not entered or not for as long.
    /// Returns what [`file_again`](Self::file_again) wants to know, if there was something to enter.
    pub(super) async fn file(
        &self,
        key: &RowKey,
        seen: Option<&Row>,
        row: &Row,
        now: Timestamp,
    ) -> Result<Option<Filed>, StoreError> {
        let end = end_of_entry(row.deadline);
        let lasts = seen.is_some_and(|seen| end <= end_of_entry(seen.deadline));
        let entered = seen.map_or(&[] as &[_], Row::index_keys);
        let times = [end, now.as_unix_seconds()];
        let [end, second] = times.map(|second| second.to_string().into_bytes());
        let mut filed = None;
        for index_key in row.index_keys() {
            let is_entered = entered.contains(index_key);
            if is_entered && lasts {
                continue;
            }
            if filed.is_none() {
                filed = Some(Filed(self.link.connections().await));
            }
            // In a Cluster, what is not entered any more has ended.
            let mode: &[u8] = if is_entered && self.link.is_cluster() {
                b"XX"
            } else {
                b""
            };
            let arguments = [entry_of(key), end.clone(), second.clone(), mode.to_vec()];
            let keys = [self.index_name(index_key)];
            let run = self.link.run(&scripts::FILE, &keys, &arguments);
            if run.await.value.map_err(failed)? == Value::Int(BEGUN_ANEW) {
                self.outages.report(&lost_index(), now);
            }
        }
        Ok(filed)
    }

    /// Enters a row that was written over another connection than its entry: it may lead to another server,
    /// which has taken over without the newest second.
    pub(super) async fn file_again(
        &self,
        filed: Option<Filed>,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match filed {
            Some(Filed(connections)) if self.link.connections().await != connections => {
                self.file(key, None, row, now).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Takes out what a row, which has taken the place of `seen`, is not filed under any more. If another
    /// write has filed it again by then, it is entered again.
    pub(super) async fn unfile(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) {
        let index_keys: Vec<_> = left_behind(seen, row).copied().collect();
        if index_keys.is_empty() {
            return;
        }
        self.take_out(key, &index_keys).await;
        if let Ok(Some(row)) = self.fetch(key).await {
            let _: Result<_, StoreError> = self.file(key, None, &row, now).await;
        }
    }

    /// An entry that stays leads nowhere, so its removal may fail.
    pub(super) async fn take_out(&self, key: &RowKey, index_keys: &[IndexKey]) {
        for index_key in index_keys {
            let mut command = redis::cmd("ZREM");
            command.arg(self.index_name(index_key)).arg(entry_of(key));
            self.link.send(&command).await;
        }
    }

    pub(super) fn index_name(&self, index_key: &IndexKey) -> Vec<u8> {
        self.named("index:", index_key.as_bytes())
    }
}

/// What `seen` is filed under, and the row in its place is not.
pub(super) fn left_behind<'a>(seen: &'a Row, row: &'a Row) -> impl Iterator<Item = &'a IndexKey> {
    let is_left = |it: &&IndexKey| !row.index_keys().contains(it);
    seen.index_keys().iter().filter(is_left)
}

/// How many connections there were when a row was entered.
pub(super) struct Filed(u64);

fn read<T: FromRedisValue>(reply: RedisResult<Value>) -> Result<T, StoreError> {
    redis::from_redis_value(reply.map_err(failed)?).map_err(|_| malformed())
}

fn is_filed(row: &Row, index_key: &IndexKey, now: Timestamp) -> bool {
    row.is_live(now) && row.index_keys().contains(index_key)
}

/// An entry is the last part of the name that the row's key has on the server.
pub(super) fn entry_of(key: &RowKey) -> Vec<u8> {
    Base64UrlUnpadded::encode_string(key.as_bytes()).into_bytes()
}

/// What is no entry leads to no row, and is passed over.
fn key_of(entry: &[u8]) -> Option<RowKey> {
    let mut key = [0; RowKey::LEN];
    let bytes = Base64UrlUnpadded::decode(entry, &mut key).ok()?;
    (bytes.len() == RowKey::LEN).then(|| RowKey::from_bytes(key))
}

/// What is not a row is passed over: it is not a session either.
fn row_or_none(value: Value) -> Option<Row> {
    row_of(value).unwrap_or_default()
}

/// What [`FILE`](super::scripts) returns if the key has held something else.
const BEGUN_ANEW: i64 = 2;

/// The same for all deadlines of a day.
fn end_of_entry(deadline: Timestamp) -> u64 {
    let day = deadline.as_unix_seconds() / DAY;
    (day.saturating_add(2)).saturating_mul(DAY).min(LAST_SECOND)
}

const DAY: u64 = 24 * 3_600;

/// Each but the first two means that another session has moved or ended at this moment.
const MAX_LOOKS: usize = 32;
