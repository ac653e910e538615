//! The operations of a store, made of the statements of a server.

use super::connections::Connections;
use super::failure::malformed;
use super::names::TableName;
use super::server::Server;
use super::statement::{Reply, Request, Statement, Statements, Values};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe::Outages;
use crate::store::again::{self, Answer};
use crate::store::columns;
use crate::store::{
    Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, StoreCounts, StoreError, Touch,
    Touched,
};

/// A table of rows.
pub(super) struct Table<DB: Server> {
    pub(super) connections: Connections<DB>,
    pub(super) statements: Statements<Statement>,
    pub(super) name: TableName,
    pub(super) protection: Protection,
    pub(super) outages: Outages,
}

impl<DB: Server> Table<DB> {
    pub(super) async fn load(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let found = self.ask(&self.statements.load, under(key)).await?;
        found.value.rows.first().map(row_of::<DB>).transpose()
    }

    pub(super) async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let insert = || self.inserting(key, row, now);
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
        let replace = self.replacing(key, seen, row, now);
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
        let Rotation {
            old,
            seen,
            left,
            new,
            row,
        } = rotation;
        let rotate = || {
            if self.statements.rotate.is_empty() {
                let mut requests = self.replacing(old, seen, left, now);
                requests.extend(self.inserting(new, row, now));
                return requests;
            }
            let mut values = instead(old, seen, left, now);
            values.new = Some((new, row));
            vec![self.statements.rotate.with(values)]
        };
        let answer = self.write(rotate, new, now).await?;
        if answer.value.changes > 0 {
            return Ok(Rotated::Rotated);
        }
        let live = self.load(old).await?.filter(|row| row.is_live(now));
        let outcome = match live {
            Some(old) if old.revision == seen.revision => Rotated::Exists,
            Some(old) => Rotated::Stale(old),
            None => Rotated::Gone,
        };
        if answer.is_repeated {
            let found = self.load(new).await?;
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
        let mut row = seen.clone();
        row.touch(touch);
        let touch = instead(key, seen, &row, now);
        let answer = self.ask(&self.statements.touch, touch).await?;
        Ok(match answer.value.changes {
            0 => Touched::Stale,
            _ => Touched::Touched,
        })
    }

    pub(super) async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let found = self.ask(&self.statements.listed, filed(index_key));
        let found = found.await?.value;
        let mut listed = Vec::with_capacity(found.rows.len());
        for found in &found.rows {
            match row_of::<DB>(found).and_then(|row| Ok((key_of::<DB>(found)?, row))) {
                Ok((key, row)) if row.is_live(now) => listed.extend(Listed::new(key, &row)),
                Ok(_) => {}
                // It is not a session that can be used, so it keeps no list and no revocation from
                // those that can.
                Err(error) => self.outages.report(&error, now),
            }
        }
        Ok(listed)
    }

    /// A malformed row ends, too; there is nothing to tell of it.
    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let remove = &self.statements.remove;
        if DB::RETURNS {
            let removed = self.ask(remove, under(key)).await?;
            return match removed.value.rows.first() {
                Some(row) => Ok(row_of::<DB>(row).ok()),
                None => again::removed(removed.is_repeated),
            };
        }
        // The row is read, and removed if it still is the same.
        loop {
            let found = self.ask(&self.statements.load, under(key)).await?.value;
            let Some(found) = found.rows.first() else {
                return Ok(None);
            };
            let mut values = under(key);
            values.number = DB::columns(found)?.0;
            let removed = self.ask(remove, values).await?;
            // After a second try the first one may have removed it.
            if removed.value.changes > 0 || removed.is_repeated {
                return Ok(row_of::<DB>(found).ok());
            }
        }
    }

    /// In batches, each a transaction of its own.
    pub(super) async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let connections = self.connections.patient();
        let (mut freed, mut first) = (0, 0);
        while freed < limit {
            let batch = SWEEP_BATCH.min(limit - freed);
            let number = i64::try_from(batch).unwrap_or(i64::MAX);
            let values = Values {
                now: Some(now),
                first,
                number,
                ..Values::default()
            };
            let sweep = vec![self.statements.sweep.with(values)];
            let Reply {
                rows, mut changes, ..
            } = connections.send(sweep).await?.value;
            if let Some(row) = rows.first() {
                changes = DB::number(row, 0)?.unwrap_or_default().cast_unsigned();
                first = DB::number(row, 1)?.unwrap_or(first);
            }
            let changes = usize::try_from(changes).unwrap_or(batch);
            freed += changes;
            if changes < batch {
                break;
            }
        }
        Ok(freed)
    }

    pub(super) async fn count(&self, now: Timestamp) -> Result<StoreCounts, StoreError> {
        let now = Some(now);
        let values = Values {
            now,
            ..Values::default()
        };
        let count = vec![self.statements.count.with(values)];
        let counted = self.connections.patient().send(count).await?.value.rows;
        let row = counted.first().ok_or_else(malformed)?;
        let mut columns = [0; 6];
        for (place, column) in columns.iter_mut().enumerate() {
            *column = DB::number(row, place)?.unwrap_or_default();
        }
        Ok(StoreCounts::of_columns(columns))
    }

    async fn ask(
        &self,
        statement: &Statement,
        values: Values<'_>,
    ) -> Result<Answer<Reply<DB>>, StoreError> {
        self.connections.send(vec![statement.with(values)]).await
    }

    /// Sends what inserts a row; once more, if an expired one was in its way.
    async fn write(
        &self,
        requests: impl Fn() -> Vec<Request<DB>>,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Answer<Reply<DB>>, StoreError> {
        let answer = self.connections.send(requests()).await?;
        if answer.value.is_taken && !self.statements.free.is_empty() {
            let mut expired = under(key);
            expired.now = Some(now);
            let freed = self.ask(&self.statements.free, expired).await?;
            if freed.value.changes > 0 {
                return self.connections.send(requests()).await;
            }
        }
        Ok(answer)
    }

    fn inserting(&self, key: &RowKey, row: &Row, now: Timestamp) -> Vec<Request<DB>> {
        let insert = &self.statements.insert;
        let mut requests = vec![insert.with(instead(key, row, row, now))];
        requests.extend(self.refiling(key, &[], row.index_keys()));
        requests
    }

    fn replacing(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Vec<Request<DB>> {
        let replace = &self.statements.replace;
        let mut requests = vec![replace.with(instead(key, seen, row, now))];
        requests.extend(self.refiling(key, seen.index_keys(), row.index_keys()));
        requests
    }

    /// What a table of index keys has to change when a row takes the place of another one.
    fn refiling(&self, key: &RowKey, before: &[IndexKey], after: &[IndexKey]) -> Vec<Request<DB>> {
        let Statements { file, take_out, .. } = &self.statements;
        if file.is_empty() {
            return Vec::new();
        }
        let change = |statement: &Statement, index_key| {
            let mut values = filed(index_key);
            values.key = Some(key);
            statement.with(values)
        };
        let ended = before.iter().filter(|it| !after.contains(it));
        let begun = after.iter().filter(|it| !before.contains(it));
        ended
            .map(|index_key| change(take_out, index_key))
            .chain(begun.map(|index_key| change(file, index_key)))
            .collect()
    }
}

fn filed(index_key: &IndexKey) -> Values<'_> {
    Values {
        index_key: Some(index_key),
        ..Values::default()
    }
}

fn under(key: &RowKey) -> Values<'_> {
    let key = Some(key);
    Values {
        key,
        ..Values::default()
    }
}

fn instead<'a>(key: &'a RowKey, seen: &'a Row, row: &'a Row, now: Timestamp) -> Values<'a> {
    Values {
        key: Some(key),
        seen: Some(seen),
        row: Some(row),
        now: Some(now),
        ..Values::default()
    }
}

fn row_of<DB: Server>(row: &DB::Row) -> Result<Row, StoreError> {
    columns::row(DB::columns(row)?).ok_or_else(malformed)
}

fn key_of<DB: Server>(row: &DB::Row) -> Result<RowKey, StoreError> {
    let key = DB::key(row)?.try_into().map_err(|_| malformed())?;
    Ok(RowKey::from_bytes(key))
}

/// Short enough for requests not to wait behind it.
const SWEEP_BATCH: usize = 1_000;
