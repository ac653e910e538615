//! The sessions that are filed under an index key.
//!
//! Beside the rows there is a sorted set for each index key, with the keys of the rows that are filed under
//! it. In a Cluster it is in another slot, so no script can change both. Therefore a row is entered *before*
//! it is written and taken out *after* it is gone, and a list has what the rows themselves say. A crash
//! in between leaves an entry that leads nowhere, never a session that cannot be found.
//!
//! An entry ends with the day after the one in which the row's deadline is, so that it is entered again once
//! in a day and not with each request, and that clocks of nodes may differ.

use std::collections::BTreeSet;

use redis::Value;

use super::failure::{contended, failed, malformed};
use super::rows::{LAST_SECOND, Rows, row_of};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listed, Row, StoreError};

impl Rows {
    /// A session that is rotated between the look at the index and the look at the rows is entered
    /// under its new key by then: when an entry leads nowhere, the index is read once more.
    pub(super) async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut entries = self.entries(index_key, now).await?;
        for _ in 0..MAX_LOOKS {
            let rows = self.load_all(&entries).await?;
            let filed: Vec<_> = entries
                .iter()
                .zip(rows)
                .filter_map(|(key, row)| {
                    let row = row.filter(|row| row.is_live(now))?;
                    row.index_keys()
                        .contains(index_key)
                        .then(|| Listed::new(*key, &row))?
                })
                .collect();
            if filed.len() == entries.len() {
                return Ok(filed);
            }
            let later = self.entries(index_key, now).await?;
            if later.is_subset(&entries) {
                return Ok(filed);
            }
            entries = later;
        }
        Err(contended())
    }

    async fn entries(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<BTreeSet<RowKey>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        let name = self.index_name(index_key);
        command.arg(name).arg(now.as_unix_seconds()).arg("+inf");
        let value = self.link.send(&command).await.value.map_err(failed)?;
        let entries = redis::from_redis_value::<Vec<Vec<u8>>>(value).map_err(|_| malformed())?;
        let keys = entries
            .into_iter()
            .map(|entry| entry.try_into().map(RowKey::from_bytes));
        keys.collect::<Result<_, _>>().map_err(|_| malformed())
    }

    /// What is under each key. All are read at one moment, so that no session is seen under two keys; but a
    /// Cluster has them in many places. What is not a row is passed over: it is not a session either.
    async fn load_all(&self, keys: &BTreeSet<RowKey>) -> Result<Vec<Option<Row>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg(self.name(key));
        }
        let value = self.link.send(&command).await.value.map_err(failed)?;
        let values = redis::from_redis_value::<Vec<Value>>(value).map_err(|_| malformed())?;
        Ok(values
            .into_iter()
            .map(|value| row_of(value).unwrap_or_default())
            .collect())
    }

    /// Enters a row that is about to take the place of `seen`, where that is not entered or not for as long.
    pub(super) async fn file(
        &self,
        key: &RowKey,
        seen: Option<&Row>,
        row: &Row,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let end = end_of_entry(row.deadline);
        let entered = seen.filter(|seen| end <= end_of_entry(seen.deadline));
        let entered = entered.map_or(&[] as &[_], Row::index_keys);
        let [end, now] = [end, now.as_unix_seconds()].map(|second| second.to_string().into_bytes());
        let arguments = [key.as_bytes().to_vec(), end, now];
        for index_key in row.index_keys().iter().filter(|it| !entered.contains(it)) {
            let keys = [self.index_name(index_key)];
            let filed = self.link.run(&self.scripts.file, &keys, &arguments);
            filed.await.value.map_err(failed)?;
        }
        Ok(())
    }

    /// Takes out what a row, which has taken the place of `seen`, is not filed under any more. If another
    /// write has filed it again by then, it is entered again.
    pub(super) async fn unfile(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) {
        let index_keys: Vec<_> = left_behind(seen, row).copied().collect();
        if index_keys.is_empty() {
            return;
        }
        self.take_out(key, &index_keys).await;
        if let Ok(Some(row)) = self.load(key).await {
            let _: Result<(), StoreError> = self.file(key, None, &row, now).await;
        }
    }

    /// An entry that stays leads nowhere, so its removal may fail.
    pub(super) async fn take_out(&self, key: &RowKey, index_keys: &[IndexKey]) {
        for index_key in index_keys {
            let mut command = redis::cmd("ZREM");
            command.arg(self.index_name(index_key)).arg(key.as_bytes());
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

/// The same for all deadlines of a day.
fn end_of_entry(deadline: Timestamp) -> u64 {
    let day = deadline.as_unix_seconds() / DAY;
    (day.saturating_add(2)).saturating_mul(DAY).min(LAST_SECOND)
}

const DAY: u64 = 24 * 3_600;

/// Each means that another session was rotated at this moment.
const MAX_LOOKS: usize = 32;
