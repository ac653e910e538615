//! The operations of a store, by the statements of a server.

use std::sync::Arc;

use super::columns::{key_of, number, row_of, seconds};
use super::setup::TableName;
use super::statement::{
    Given, Link, Named, Reply, Request, Requests, Server, Statement, Statements,
};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe::Outages;
use crate::store::again;
use crate::store::{
    Inserted, Listed, Protection, Replaced, Result, Rotated, Rotation, Row, StoreCounts,
    StoreError, Touch, Touched,
};

/// A table of rows.
pub(super) struct Table<DB: Server> {
    pub(super) link: DB::Link,
    pub(super) name: TableName,
    pub(super) statements: Statements,
    pub(super) protection: Protection,
    outages: Outages,
}

impl<DB: Server> Table<DB> {
    pub(super) fn new(link: DB::Link, name: TableName, protection: Protection) -> Arc<Self> {
        Arc::new(Self {
            link,
            statements: Statements::new::<DB>(&name),
            name,
            protection,
            outages: Outages::default(),
        })
    }

    pub(super) async fn load(&self, key: &RowKey, _: Timestamp) -> Result<Option<Row>> {
        let found = self.ask(&self.statements.load, &[under(key)]).await?;
        let row = |found: &Vec<_>| row_of(found).ok_or_else(|| self.malformed());
        found.rows.first().map(row).transpose()
    }

    pub(super) async fn insert(&self, key: &RowKey, row: &Row, now: Timestamp) -> Result<Inserted> {
        let requests = || {
            let insert = self.statements.insert.with(&instead(key, row, row, now));
            self.inserting(insert, key, row, now)
        };
        let reply = self.write(requests, key, now).await?;
        if reply.changes > 0 {
            return Ok(Inserted::Inserted);
        }
        match reply.is_repeated {
            true => again::inserted(row, self.load(key, now).await?.as_ref()),
            false => Ok(Inserted::Exists),
        }
    }

    pub(super) async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced> {
        let replace = self.replacing(key, seen, row, now);
        let reply = self.link.send(replace, 1).await?;
        if reply.changes > 0 {
            return Ok(Replaced::Replaced);
        }
        let outcome = again::not_replaced(self.load(key, now).await?, now);
        again::replaced(outcome, row, reply.is_repeated, self.protection)
    }

    pub(super) async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated> {
        let Rotation { old, seen, new, .. } = rotation;
        let requests = || {
            let mut values = instead(old, seen, rotation.left, now).to_vec();
            values.push(("new_key", Given::Key(new.as_bytes())));
            values.push(("new_", Given::Row(rotation.row)));
            let rotate = self.statements.rotate.with(&values);
            let mut requests = self.inserting(rotate, new, rotation.row, now);
            if !DB::FILE.is_empty() {
                let replace = self.replacing(old, seen, rotation.left, now);
                requests.others.push(replace.first);
                requests.others.extend(replace.others);
            }
            requests
        };
        let reply = self.write(requests, new, now).await?;
        if reply.changes > 0 {
            return Ok(Rotated::Rotated);
        }
        let outcome = again::not_rotated(self.load(old, now).await?, seen, now);
        match reply.is_repeated {
            true => again::rotated(outcome, &rotation, self.load(new, now).await?.as_ref()),
            false => Ok(outcome),
        }
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched> {
        let mut row = seen.clone();
        row.touch(touch);
        let touch = instead(key, seen, &row, now);
        let reply = self.ask(&self.statements.touch, &touch).await?;
        Ok(match reply.changes {
            0 => Touched::Stale,
            _ => Touched::Touched,
        })
    }

    pub(super) async fn listed(&self, index_key: &IndexKey, now: Timestamp) -> Result<Vec<Listed>> {
        let values = [filed(index_key), at(now)];
        let found = self.ask(&self.statements.listed, &values).await?.rows;
        let mut listed = Vec::with_capacity(found.len());
        for found in &found {
            match key_of(found).zip(row_of(found)) {
                Some((key, row)) => listed.extend(Listed::under(index_key, key, &row, now)),
                // A malformed row is not a usable session, and must not hide usable ones from lists and revocations.
                None => self.outages.report(&self.malformed(), now),
            }
        }
        Ok(listed)
    }

    /// A malformed row is removed, too, and returned as `None`.
    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>> {
        let remove = &self.statements.remove;
        if DB::RETURNS {
            let removed = self.ask(remove, &[under(key)]).await?;
            return match removed.rows.first() {
                Some(row) => Ok(row_of(row)),
                None => again::removed(removed.is_repeated),
            };
        }
        // Reads the row, and removes it if it is still the same.
        let mut ended = None;
        loop {
            let found = self.ask(&self.statements.load, &[under(key)]).await?;
            let Some(found) = found.rows.first() else {
                return Ok(ended);
            };
            let mut values = vec![under(key)];
            // Without a revision, the row is removed as it is.
            values.extend(number(found, 0).map(|it| ("number", Given::Number(it))));
            let removed = self.ask(remove, &values).await?;
            if removed.changes > 0 {
                return Ok(row_of(found));
            }
            // If the request was repeated, its first try may have removed this row: the next read then finds none.
            ended = row_of(found).filter(|_| removed.is_repeated);
        }
    }

    /// Sweeps in batches, each its own transaction.
    pub(super) async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize> {
        let (mut freed, mut first) = (0, i64::MIN);
        while freed < limit {
            let batch = DB::SWEEP_BATCH.min(limit - freed);
            let sweep = self.freeing(batch, first, now);
            let swept = self.link.send(sweep.into(), PATIENCE).await?;
            let deadlines = swept.rows.iter().filter_map(|row| number(row, 0));
            first = deadlines.max().unwrap_or(first);
            let changes = usize::try_from(swept.changes).unwrap_or(batch);
            freed += changes;
            if changes < batch {
                break;
            }
        }
        Ok(freed)
    }

    pub(super) async fn count(&self, now: Timestamp) -> Result<StoreCounts> {
        let count = self.statements.count.with(&[at(now)]);
        let counted = self.link.send(count.into(), PATIENCE).await?.rows;
        let row = counted.first().ok_or_else(|| self.malformed())?;
        let count = |column| number(row, column).unwrap_or_default().cast_unsigned();
        Ok(StoreCounts {
            live: count(0),
            signed_in: count(1),
            used_within_hour: count(2),
            used_within_day: count(3),
            used_within_week: count(4),
            expired: count(5),
        })
    }

    async fn ask(&self, statement: &Statement, values: &[Named<'_>]) -> Result<Reply> {
        self.link.send(statement.with(values).into(), 1).await
    }

    /// Sends the requests that insert a row. If an expired row has the key, frees it and sends them once more.
    async fn write(
        &self,
        requests: impl Fn() -> Requests,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Reply> {
        let mut reply = self.link.send(requests(), 1).await?;
        if reply.is_taken {
            let expired = [under(key), at(now)];
            let freed = self.ask(&self.statements.free, &expired).await?.changes;
            // If every insert frees expired rows, that of another process may have freed this one.
            if freed > 0 || DB::FREED_PER_INSERT > 0 {
                let is_repeated = reply.is_repeated;
                reply = self.link.send(requests(), 1).await?;
                reply.is_repeated |= is_repeated;
            }
        }
        Ok(reply)
    }

    /// `insert`, with the entries of the new row in a table of index keys, and the freeing of expired rows.
    fn inserting(&self, insert: Request, key: &RowKey, row: &Row, now: Timestamp) -> Requests {
        let mut requests = self.filing(insert, key, &[], row.index_keys());
        if DB::FREED_PER_INSERT > 0 {
            let free = self.freeing(DB::FREED_PER_INSERT, i64::MIN, now);
            requests.others.push(free);
        }
        requests
    }

    fn replacing(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Requests {
        let replace = self.statements.replace.with(&instead(key, seen, row, now));
        self.filing(replace, key, seen.index_keys(), row.index_keys())
    }

    /// The `first` request, with the changes of a table of index keys.
    fn filing(
        &self,
        first: Request,
        key: &RowKey,
        before: &[IndexKey],
        after: &[IndexKey],
    ) -> Requests {
        let mut others = Vec::new();
        if !DB::FILE.is_empty() {
            let ended = before.iter().filter(|it| !after.contains(it));
            let begun = after.iter().filter(|it| !before.contains(it));
            let change = |it: &Statement, index_key| it.with(&[filed(index_key), under(key)]);
            others.extend(ended.map(|it| change(&self.statements.take_out, it)));
            others.extend(begun.map(|it| change(&self.statements.file, it)));
        }
        Requests { first, others }
    }

    fn freeing(&self, limit: usize, first: i64, now: Timestamp) -> Request {
        let number = i64::try_from(limit).unwrap_or(i64::MAX);
        let (number, first) = (Given::Number(number), Given::Number(first));
        let values = [at(now), ("number", number), ("first", first)];
        self.statements.sweep.with(&values)
    }

    /// The error of a stored row that this crate has not written.
    fn malformed(&self) -> StoreError {
        let name = &self.name;
        let text =
            format!("a row of the table \"{name}\" is malformed; delete it, or restore the table");
        StoreError::Corrupt(text.into())
    }
}

fn at<'a>(now: Timestamp) -> Named<'a> {
    ("now", Given::Number(seconds(now)))
}

fn filed(index_key: &IndexKey) -> Named<'_> {
    ("index_key", Given::Key(index_key.as_bytes()))
}

fn under(key: &RowKey) -> Named<'_> {
    ("key", Given::Key(key.as_bytes()))
}

fn instead<'a>(key: &'a RowKey, seen: &'a Row, row: &'a Row, now: Timestamp) -> [Named<'a>; 4] {
    let (seen, row) = (("seen_", Given::Row(seen)), ("", Given::Row(row)));
    [under(key), seen, row, at(now)]
}

/// How much longer a statement that reads much may take than a request.
pub(super) const PATIENCE: u32 = 10;
