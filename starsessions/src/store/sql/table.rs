//! The operations of a store, made of the statements of a server.

use std::future::Future;

use super::connections::Connections;
use super::failure::malformed;
use super::request::{Reply, Request, Server};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe::Outages;
use crate::store::again::{self, Answer};
use crate::store::columns::seconds;
use crate::store::{
    Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, StoreCounts, StoreError, Touch,
    Touched,
};

/// The statements of a server for one table. What returns several of them is a transaction that changes
/// nothing unless the first one does.
pub(super) trait Dialect: Sized + Send + Sync + 'static {
    type Server: Server;

    /// Returns the [columns](crate::store::columns::Columns) of the row under a key.
    fn load(&self, key: &RowKey) -> Request<Self::Server>;

    /// Changes a row, unless a live one is there.
    fn insert(&self, key: &RowKey, row: &Row, now: Timestamp) -> Vec<Request<Self::Server>>;

    /// Removes an expired row that keeps [`insert`](Self::insert) from its key; `None` if none does.
    fn free(&self, key: &RowKey, now: Timestamp) -> Option<Request<Self::Server>> {
        let _ = (key, now);
        None
    }

    /// Changes the row under the key, if it still is the one that was seen.
    fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Vec<Request<Self::Server>>;

    /// Changes both rows or none.
    fn rotate(&self, rotation: &Rotation<'_>, now: Timestamp) -> Vec<Request<Self::Server>>;

    /// Changes the row under the key, if it still is the one that was seen.
    fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Request<Self::Server>;

    /// Removes whatever is under the key and returns it.
    fn remove(
        table: &Table<Self>,
        key: &RowKey,
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// Returns the columns of the rows under an index key, each with its key at the end.
    fn listed(&self, index_key: &IndexKey) -> Request<Self::Server>;

    /// Removes so many rows that have expired since `first`.
    fn sweep(&self, limit: i64, first: i64, now: Timestamp) -> Request<Self::Server>;

    /// How many rows [`sweep`](Self::sweep) has removed, and where it may go on.
    fn swept(reply: &Reply<Self::Server>) -> Result<(u64, Option<i64>), StoreError>;

    /// Returns the columns of [`StoreCounts`] for these times: now, and the beginnings of its spans.
    fn count(&self, times: [i64; 4]) -> Request<Self::Server>;

    /// What [`count`](Self::count) returns.
    fn counted(row: &ServerRow<Self>) -> Result<[i64; 6], StoreError>;

    /// The row that [`load`](Self::load) returns.
    fn row(row: &ServerRow<Self>) -> Result<Row, StoreError>;

    /// The key that [`listed`](Self::listed) returns beside a row.
    fn key(row: &ServerRow<Self>) -> Result<RowKey, StoreError>;
}

pub(super) type ServerRow<D> = <<D as Dialect>::Server as sqlx::Database>::Row;

/// A table of rows.
pub(super) struct Table<D: Dialect> {
    pub(super) connections: Connections<D::Server>,
    pub(super) dialect: D,
    pub(super) protection: Protection,
    pub(super) outages: Outages,
}

impl<D: Dialect> Table<D> {
    pub(super) async fn load(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let found = self.send(self.dialect.load(key)).await?.value.rows;
        found.first().map(D::row).transpose()
    }

    pub(super) async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let insert = || self.dialect.insert(key, row, now);
        let answer = self.write(insert, key, now).await?;
        if answer.value.changes > 0 {
            return Ok(Inserted::Inserted);
        }
        if answer.is_repeated {
            return again::inserted(row, self.load(key).await?.as_ref());
        }
        Ok(Inserted::Exists)
    }

    pub(super) async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let replace = self.dialect.replace(key, seen, row, now);
        let answer = self.connections.send(replace).await?;
        if answer.value.changes > 0 {
            return Ok(Replaced::Replaced);
        }
        let live = self.load(key).await?.filter(|row| row.is_live(now));
        let outcome = live.map_or(Replaced::Gone, Replaced::Stale);
        if answer.is_repeated {
            return again::replaced(outcome, row);
        }
        Ok(outcome)
    }

    pub(super) async fn rotate(
        &self,
        rotation: Rotation<'_>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let rotate = || self.dialect.rotate(&rotation, now);
        let answer = self.write(rotate, rotation.new, now).await?;
        if answer.value.changes > 0 {
            return Ok(Rotated::Rotated);
        }
        let live = self.load(rotation.old).await?;
        let outcome = match live.filter(|row| row.is_live(now)) {
            Some(old) if old.revision == rotation.seen.revision => Rotated::Exists,
            Some(old) => Rotated::Stale(old),
            None => Rotated::Gone,
        };
        if answer.is_repeated {
            let found = self.load(rotation.new).await?;
            return again::rotated(outcome, &rotation, found.as_ref());
        }
        Ok(outcome)
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let touch = self.dialect.touch(key, seen, touch, now);
        Ok(match self.send(touch).await?.value.changes {
            0 => Touched::Stale,
            _ => Touched::Touched,
        })
    }

    pub(super) async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let found = self.send(self.dialect.listed(index_key)).await?.value.rows;
        let mut listed = Vec::with_capacity(found.len());
        for found in &found {
            match D::row(found).and_then(|row| Ok((D::key(found)?, row))) {
                Ok((key, row)) if row.is_live(now) => listed.extend(Listed::new(key, &row)),
                Ok(_) => {}
                // It is not a session that can be used, so it keeps no list and no revocation from
                // those that can.
                Err(error) => self.outages.report(&error, now),
            }
        }
        Ok(listed)
    }

    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        D::remove(self, key).await
    }

    /// In batches, each a transaction of its own.
    pub(super) async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let connections = self.connections.patient();
        let (mut freed, mut first) = (0, 0);
        while freed < limit {
            let batch = SWEEP_BATCH.min(limit - freed);
            let size = i64::try_from(batch).unwrap_or(i64::MAX);
            let sweep = self.dialect.sweep(size, first, now);
            let (changes, last) = D::swept(&connections.send(vec![sweep]).await?.value)?;
            first = last.unwrap_or(first);
            let changes = usize::try_from(changes).unwrap_or(batch);
            freed += changes;
            if changes < batch {
                break;
            }
        }
        Ok(freed)
    }

    pub(super) async fn count(&self, now: Timestamp) -> Result<StoreCounts, StoreError> {
        let [hour, day, week] = StoreCounts::since(now);
        let times = [now, hour, day, week].map(seconds);
        let count = vec![self.dialect.count(times)];
        let counted = self.connections.patient().send(count).await?.value.rows;
        let columns = counted.first().ok_or_else(malformed).and_then(D::counted)?;
        Ok(StoreCounts::of_columns(columns))
    }

    pub(super) async fn send(
        &self,
        request: Request<D::Server>,
    ) -> Result<Answer<Reply<D::Server>>, StoreError> {
        self.connections.send(vec![request]).await
    }

    /// Sends what inserts a row; once more, if an expired one was in its way.
    async fn write(
        &self,
        requests: impl Fn() -> Vec<Request<D::Server>>,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Answer<Reply<D::Server>>, StoreError> {
        let answer = self.connections.send(requests()).await?;
        if answer.value.is_taken
            && let Some(free) = self.dialect.free(key, now)
            && self.send(free).await?.value.changes > 0
        {
            return self.connections.send(requests()).await;
        }
        Ok(answer)
    }
}

/// The names of [`Columns`](crate::store::columns::Columns).
pub(super) const COLUMNS: &str = "revision, deadline, last_seen, value, index_keys, card";

/// Short enough for requests not to wait behind it.
const SWEEP_BATCH: usize = 1_000;
