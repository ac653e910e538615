//! Each operation as statements that are whole in themselves: no lock outlives a round trip.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

use sqlx::Row;
use sqlx::mysql::{MySqlPool, MySqlQueryResult};

use super::columns::{bind_deadlines, deadlines, forward, open, query};
use super::fields;
use super::statements::{Statement, Statements};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, FieldName, Forward, Record, Rotation, Touch};
use crate::store::sql::{MAX_ATTEMPTS, Malformed, clamped, retried, seconds, time};
use crate::store::{Committed, Created, Loaded, Rotated, StoreError, Touched};

/// The tables of one store.
pub(super) struct Rows {
    pub(super) pool: MySqlPool,
    pub(super) statements: Statements,
}

impl Rows {
    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        let row = retried(|| {
            query(&self.statements.load)
                .bind(key.as_bytes().as_slice())
                .fetch_optional(&self.pool)
        });
        let found = row.await?.map(|row| open(&row)).transpose()?;
        Ok(found.and_then(|found| found.at(now)).filter(was_begun))
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        match self.insert(key, record, record.expires_at, now).await? {
            Some(id) => self.add_to_index(id, record).await?,
            None => return Ok(Created::Exists),
        }
        Ok(Created::Applied)
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(revision) = self.update(key, commit, now).await? {
                return Ok(Committed::Applied(revision));
            }
            match self.load(key, now).await? {
                // The guard that has failed holds again: the record has changed since.
                Some(Loaded::Live(record)) if commit.is_allowed_by(&record) => {}
                Some(found) => return Ok(found.into_committed()),
                None => return Ok(Committed::Gone),
            }
        }
        Err(contended())
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            // Not to be seen before it takes the place of the old one.
            let Some(id) = self.insert(new, &rotation.record, ENDED, now).await? else {
                return Ok(Rotated::Exists);
            };
            self.add_to_index(id, &rotation.record).await?;
            if self.switch(old, new, rotation, now).await? {
                return Ok(Rotated::Applied);
            }
            let found = self.load(old, now).await?;
            self.free_one(new, now).await?;
            match found {
                // A sweep has freed the successor, which looks as if it had expired.
                Some(Loaded::Live(record)) if is_expected(rotation, &record) => {}
                Some(found) => return Ok(found.into_rotated()),
                None => return Ok(Rotated::Gone),
            }
        }
        Err(contended())
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let deadlines = deadlines(touch, |_| true);
        let statement = self.statements.touch(deadlines.len());
        let touched = retried(|| {
            bind_deadlines(query(&statement), &deadlines)
                .bind(seconds(touch.last_seen_at))
                .bind(seconds(touch.expires_at))
                .bind(key.as_bytes().as_slice())
                .bind(seconds(now))
                .execute(&self.pool)
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
        for _ in 0..MAX_ATTEMPTS {
            // Without looking at the fields: also what is corrupt can be ended.
            if self.delete_where(&self.statements.delete, key).await? {
                return Ok(None);
            }
            let row = retried(|| {
                query(&self.statements.forward)
                    .bind(key.as_bytes().as_slice())
                    .fetch_optional(&self.pool)
            });
            let Some(row) = row.await? else {
                return Ok(None);
            };
            // Otherwise something was created under the key since.
            if let Some(forward) = forward(&row)? {
                let was_there = self.delete_where(&self.statements.delete_forward, key);
                let is_live = was_there.await? && now < forward.until;
                return Ok(is_live.then_some(forward));
            }
        }
        Err(contended())
    }

    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let rows = retried(|| {
            query(&self.statements.sessions_of)
                .bind(index.as_bytes().as_slice())
                .bind(seconds(now))
                .fetch_all(&self.pool)
        });
        let mut found = Vec::new();
        for row in rows.await? {
            let Loaded::Live(record) = open(&row)? else {
                continue;
            };
            if record.is_filed_under(index, now) {
                let key: Vec<u8> = row.try_get("session_key")?;
                let key = key.try_into().map_err(|_| Malformed)?;
                found.push((RowKey::from_bytes(key), record));
            }
        }
        Ok(found)
    }

    /// Frees a batch of those that have expired since `first`. Returns how many were found, also those
    /// that somebody else has freed or extended meanwhile, and since when the last one.
    pub(super) async fn sweep(
        &self,
        limit: usize,
        first: Timestamp,
        now: Timestamp,
    ) -> Result<(usize, Timestamp), StoreError> {
        let found = retried(|| {
            sqlx::query_as(self.statements.expired.sql())
                .bind(seconds(first))
                .bind(seconds(now))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
        });
        let found: Vec<(u64, i64)> = found.await?;
        let Some((_, last)) = found.last() else {
            return Ok((0, first));
        };
        let statement = self.statements.free(&found, seconds(now));
        retried(|| sqlx::raw_sql(statement.sql()).execute(&self.pool)).await?;
        Ok((found.len(), time(*last)))
    }

    /// Returns the number of the row; `None` if something is under the key.
    async fn insert(
        &self,
        key: &RowKey,
        record: &Record,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let id = self.try_insert(key, record, expires_at).await?;
        // What has expired under this key is in nobody's way.
        if id.is_some() || !self.free_one(key, now).await? {
            return Ok(id);
        }
        Ok(self.try_insert(key, record, expires_at).await?)
    }

    async fn try_insert(
        &self,
        key: &RowKey,
        record: &Record,
        expires_at: Timestamp,
    ) -> Result<Option<u64>, sqlx::Error> {
        let fields = fields::document(&record.fields);
        let inserted = retried(|| {
            query(&self.statements.insert)
                .bind(key.as_bytes().as_slice())
                .bind(seconds(record.created_at))
                .bind(seconds(record.issued_at))
                .bind(seconds(record.last_seen_at))
                .bind(seconds(expires_at))
                .bind(clamped(record.revision))
                .bind(record.remembered)
                .bind(record.identified)
                .bind(&fields)
                .execute(&self.pool)
        });
        match inserted.await {
            Ok(inserted) => Ok(Some(inserted.last_insert_id())),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether there was an expired row under the key.
    async fn free_one(&self, key: &RowKey, now: Timestamp) -> Result<bool, sqlx::Error> {
        let freed = retried(|| {
            query(&self.statements.free_one)
                .bind(key.as_bytes().as_slice())
                .bind(seconds(now))
                .execute(&self.pool)
        });
        Ok(freed.await?.rows_affected() > 0)
    }

    /// Returns the new revision; `None` if the record is not there or a guard has failed.
    async fn update(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Option<u64>, sqlx::Error> {
        for index in commit
            .set
            .iter()
            .filter_map(|(_, write)| write.index.as_ref())
        {
            self.claim_index(key, index).await?;
        }
        let is_changed = |name: &FieldName| {
            commit.remove.contains(name) || commit.set.iter().any(|(set, _)| set == name)
        };
        let deadlines = deadlines(&commit.touch, |name| !is_changed(name));
        let statement = self.statements.commit(commit, deadlines.len());
        let patch = fields::patch(commit);
        let updated = retried(|| {
            let mut query = bind_deadlines(query(&statement), &deadlines)
                .bind(&patch)
                .bind(seconds(commit.touch.last_seen_at))
                .bind(commit.remembered)
                .bind(seconds(commit.touch.expires_at))
                .bind(seconds(commit.touch.expires_at))
                .bind(commit.remembered)
                .bind(commit.identified)
                .bind(key.as_bytes().as_slice())
                .bind(seconds(now));
            for (name, revision) in &commit.guards {
                query = query
                    .bind(fields::revision_path(name))
                    .bind(clamped(*revision));
            }
            query.execute(&self.pool)
        });
        let updated = updated.await?;
        Ok((updated.rows_affected() > 0).then(|| updated.last_insert_id()))
    }

    /// Puts the new row in the place of the old one; returns whether the old one was as expected.
    async fn switch(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let forward = rotation.forward.as_ref();
        let switched = retried(|| {
            query(&self.statements.switch)
                .bind(new.as_bytes().as_slice())
                .bind(seconds(rotation.record.expires_at))
                .bind(seconds(forward.map_or(ENDED, |forward| forward.until)))
                .bind(forward.map(|forward| &*forward.to))
                .bind(old.as_bytes().as_slice())
                .bind(seconds(now))
                .bind(rotation.expected.map(clamped))
                .execute(&self.pool)
        });
        Ok(switched.await?.rows_affected() > 0)
    }

    async fn delete_where(&self, statement: &Statement, key: &RowKey) -> Result<bool, sqlx::Error> {
        let deleted = retried(|| {
            query(statement)
                .bind(key.as_bytes().as_slice())
                .execute(&self.pool)
        });
        Ok(deleted.await?.rows_affected() > 0)
    }

    /// Nobody has the key of a new row yet, so nothing of it is missed before this.
    async fn add_to_index(&self, id: u64, record: &Record) -> Result<(), sqlx::Error> {
        for index in record.index_keys().collect::<BTreeSet<_>>() {
            let added = retried(|| {
                query(&self.statements.add_to_index)
                    .bind(index.as_bytes().as_slice())
                    .bind(id)
                    .execute(&self.pool)
            });
            unless_ended(added.await)?;
        }
        Ok(())
    }

    /// Before the record has the value: an entry too many costs a look, one too few a session that
    /// nobody can end.
    async fn claim_index(&self, key: &RowKey, index: &IndexKey) -> Result<(), sqlx::Error> {
        let claimed = retried(|| {
            query(&self.statements.claim_index)
                .bind(index.as_bytes().as_slice())
                .bind(key.as_bytes().as_slice())
                .execute(&self.pool)
        });
        unless_ended(claimed.await)
    }
}

/// The session of an index entry is not there any more: what follows will say so.
fn unless_ended(written: Result<MySqlQueryResult, sqlx::Error>) -> Result<(), sqlx::Error> {
    match written {
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(()),
        written => written.map(drop),
    }
}

fn is_expected(rotation: &Rotation, record: &Record) -> bool {
    rotation.expected.is_none_or(|it| it == record.revision)
}

/// Whether it is a record's deadline that has passed. One that is on its way has never been there.
fn was_begun(found: &Loaded) -> bool {
    !matches!(found, Loaded::Expired(record) if record.expires_at == ENDED)
}

/// What has this deadline is not there: it comes before every time.
const ENDED: Timestamp = Timestamp::from_unix_seconds(0);

/// Somebody else has got through each time.
fn contended() -> StoreError {
    StoreError::Unavailable(Box::new(Contended))
}

#[derive(Debug)]
struct Contended;

impl fmt::Display for Contended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session is changed by too many at once; try again")
    }
}

impl Error for Contended {}
