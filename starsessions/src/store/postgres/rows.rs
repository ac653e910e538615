//! Each operation: what it asks, and what the answer says.

use sqlx::Row;
use sqlx::postgres::PgPool;

use super::columns::{Bound, Changes, Deadlines, RecordColumns, forward_in, open, record_in};
use super::statements::{Statement, Statements};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::sql::{Malformed, clamped, number, retried, seconds, time};
use crate::store::{Committed, Created, Loaded, Rotated, StoreError, Touched};

/// The table of one store.
pub(super) struct Rows {
    pub(super) pool: PgPool,
    pub(super) statements: Statements,
}

impl Rows {
    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        let load = retried(|| {
            sqlx::query(self.statements.load.sql())
                .bind(key.as_bytes().as_slice())
                .fetch_optional(&self.pool)
        });
        let found = load.await?.map(|row| open(&row)).transpose()?;
        Ok(found.and_then(|found| found.at(now)))
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let columns = RecordColumns::of(record);
        let create = retried(|| {
            let query = begin(&self.statements.create, key, now);
            columns.bind(query).execute(&self.pool)
        });
        Ok(match create.await?.rows_affected() {
            0 => Created::Exists,
            _ => Created::Applied,
        })
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let changes = Changes::of(commit);
        let changed = retried(|| {
            let query = begin(&self.statements.commit, key, now);
            changes.bind(query).fetch_optional(&self.pool)
        });
        let Some(row) = changed.await? else {
            return Ok(Committed::Gone);
        };
        if let Some(revision) = row.try_get("applied")? {
            return Ok(Committed::Applied(number(revision)));
        }
        Ok(open(&row)?.into_committed())
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let columns = RecordColumns::of(&rotation.record);
        let forward = rotation.forward.as_ref();
        let rotate = retried(|| {
            let query = begin(&self.statements.rotate, new, now);
            columns
                .bind(query)
                .bind(old.as_bytes().as_slice())
                .bind(rotation.expected.map(clamped))
                .bind(forward.map(|forward| &*forward.to))
                .bind(forward.map(|forward| seconds(forward.until)))
                .fetch_one(&self.pool)
        });
        let row = rotate.await?;
        if row.try_get("applied")? {
            return Ok(Rotated::Applied);
        }
        if row.try_get("is_taken")? {
            return Ok(Rotated::Exists);
        }
        match row.try_get("is_expected")? {
            None => return Ok(Rotated::Gone),
            // Somebody has taken the new key at this moment.
            Some(true) => return Ok(Rotated::Exists),
            Some(false) => {}
        }
        Ok(open(&row)?.into_rotated())
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let deadlines = Deadlines::of(touch);
        let touched = retried(|| {
            let query = begin(&self.statements.touch, key, now)
                .bind(seconds(touch.last_seen_at))
                .bind(seconds(touch.expires_at));
            deadlines.bind(query).execute(&self.pool)
        });
        Ok(match touched.await?.rows_affected() {
            0 => Touched::Gone,
            _ => Touched::Applied,
        })
    }

    pub(super) async fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        let deleted = retried(|| {
            sqlx::query(self.statements.delete.sql())
                .bind(key.as_bytes().as_slice())
                .fetch_optional(&self.pool)
        });
        let Some(row) = deleted.await? else {
            return Ok(None);
        };
        Ok(forward_in(&row)?.filter(|forward| now < forward.until))
    }

    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let found = retried(|| {
            sqlx::query(self.statements.sessions_of.sql())
                .bind(index.as_bytes().as_slice())
                .fetch_all(&self.pool)
        });
        let mut sessions = Vec::new();
        for row in found.await? {
            let key: &[u8] = row.try_get("key")?;
            let key = key.try_into().map_err(|_| Malformed)?;
            let record = record_in(&row)?;
            if !record.is_expired(now) && record.is_filed_under(index, now) {
                sessions.push((RowKey::from_bytes(key), record));
            }
        }
        Ok(sessions)
    }

    /// Frees a batch of those that have expired since `first`; returns how many, and since when the
    /// last one.
    pub(super) async fn sweep(
        &self,
        limit: usize,
        first: Timestamp,
        now: Timestamp,
    ) -> Result<(usize, Timestamp), StoreError> {
        let freed = retried(|| {
            sqlx::query(self.statements.sweep.sql())
                .bind(seconds(now))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .bind(seconds(first))
                .fetch_one(&self.pool)
        });
        let row = freed.await?;
        let freed = usize::try_from(number(row.try_get("freed")?)).unwrap_or(limit);
        let last: Option<i64> = row.try_get("last")?;
        Ok((freed, last.map_or(first, time)))
    }
}

/// The key and the time come first in every statement about one session.
fn begin<'q>(statement: &Statement, key: &RowKey, now: Timestamp) -> Bound<'q> {
    sqlx::query(statement.sql())
        .bind(key.as_bytes().to_vec())
        .bind(seconds(now))
}
