//! Records as rows: what each operation binds, and what it reads back.

use bytes::Bytes;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use super::statements::{Statement, Statements};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Field, FieldName, Fields, Forward, Record, Rotation, Touch};
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
        let load = retried(|| begin(&self.statements.load, key, now).fetch_optional(&self.pool));
        load.await?.map(|row| open(&row)).transpose()
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let columns = Columns::of(record);
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
        let (guarded, expected) = named(&commit.guards, |revision| clamped(*revision));
        let (idle, idle_at) = named(&commit.touch.idle, |deadline| seconds(*deadline));
        let written = commit.set.iter().map(|(name, _)| name.as_bytes());
        let replaced: Vec<_> = commit
            .remove
            .iter()
            .map(|name| name.as_bytes())
            .chain(written.clone())
            .collect();
        let written: Vec<_> = written.collect();
        let writes = || commit.set.iter().map(|(_, write)| write);
        let values: Vec<_> = writes().map(|write| &*write.value).collect();
        let expires_at: Vec<_> = writes()
            .map(|write| write.expires_at.map(seconds))
            .collect();
        let written_idle_at: Vec<_> = writes().map(|write| write.idle_at.map(seconds)).collect();
        let index_keys: Vec<_> = writes()
            .map(|write| bytes_of(write.index.as_ref()))
            .collect();
        let changed = retried(|| {
            begin(&self.statements.commit, key, now)
                .bind(&guarded)
                .bind(&expected)
                .bind(&replaced)
                .bind(&written)
                .bind(&values)
                .bind(&expires_at)
                .bind(&written_idle_at)
                .bind(&index_keys)
                .bind(&idle)
                .bind(&idle_at)
                .bind(seconds(commit.touch.last_seen_at))
                .bind(seconds(commit.touch.expires_at))
                .bind(commit.remembered)
                .bind(commit.identified)
                .fetch_optional(&self.pool)
        });
        let Some(row) = changed.await? else {
            return Ok(Committed::Gone);
        };
        if let Some(revision) = row.try_get("applied")? {
            return Ok(Committed::Applied(number(revision)));
        }
        Ok(match open(&row)? {
            Loaded::Live(record) => Committed::Conflict(record),
            Loaded::Moved(forward) => Committed::Moved(forward),
        })
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let columns = Columns::of(&rotation.record);
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
        Ok(match open(&row)? {
            Loaded::Live(record) => Rotated::Conflict(record),
            Loaded::Moved(forward) => Rotated::Moved(forward),
        })
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let (idle, idle_at) = named(&touch.idle, |deadline| seconds(*deadline));
        let touched = retried(|| {
            begin(&self.statements.touch, key, now)
                .bind(seconds(touch.last_seen_at))
                .bind(seconds(touch.expires_at))
                .bind(&idle)
                .bind(&idle_at)
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
                .bind(seconds(now))
                .fetch_all(&self.pool)
        });
        let mut sessions = Vec::new();
        for row in found.await? {
            let key: &[u8] = row.try_get("key")?;
            let key = key.try_into().map_err(|_| Malformed)?;
            let record = record_in(&row)?;
            let is_match = |field: &Field| field.index == Some(*index) && field.is_live(now);
            if record.fields.iter().any(|(_, field)| is_match(field)) {
                sessions.push((RowKey::from_bytes(key), record));
            }
        }
        Ok(sessions)
    }

    pub(super) async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let freed = retried(|| {
            sqlx::query(self.statements.sweep.sql())
                .bind(seconds(now))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .execute(&self.pool)
        });
        Ok(usize::try_from(freed.await?.rows_affected()).unwrap_or(usize::MAX))
    }
}

type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// The key and the time come first in every statement about one session.
fn begin<'q>(statement: &Statement, key: &RowKey, now: Timestamp) -> Bound<'q> {
    sqlx::query(statement.sql())
        .bind(key.as_bytes().to_vec())
        .bind(seconds(now))
}

/// A record as the columns of a row.
struct Columns<'r> {
    record: &'r Record,
    names: Vec<&'r [u8]>,
    values: Vec<&'r [u8]>,
    revisions: Vec<i64>,
    expires_at: Vec<Option<i64>>,
    idle_at: Vec<Option<i64>>,
    index_keys: Vec<Option<&'r [u8]>>,
}

impl<'r> Columns<'r> {
    fn of(record: &'r Record) -> Self {
        let fields = || record.fields.iter().map(|(_, field)| field);
        Self {
            record,
            names: record
                .fields
                .iter()
                .map(|(name, _)| name.as_bytes())
                .collect(),
            values: fields().map(|field| &*field.value).collect(),
            revisions: fields().map(|field| clamped(field.revision)).collect(),
            expires_at: fields()
                .map(|field| field.expires_at.map(seconds))
                .collect(),
            idle_at: fields().map(|field| field.idle_at.map(seconds)).collect(),
            index_keys: fields()
                .map(|field| bytes_of(field.index.as_ref()))
                .collect(),
        }
    }

    fn bind<'q>(&'q self, query: Bound<'q>) -> Bound<'q> {
        query
            .bind(seconds(self.record.created_at))
            .bind(seconds(self.record.issued_at))
            .bind(seconds(self.record.last_seen_at))
            .bind(seconds(self.record.expires_at))
            .bind(clamped(self.record.revision))
            .bind(self.record.remembered)
            .bind(self.record.identified)
            .bind(&self.names)
            .bind(&self.values)
            .bind(&self.revisions)
            .bind(&self.expires_at)
            .bind(&self.idle_at)
            .bind(&self.index_keys)
    }
}

fn named<T, N>(pairs: &[(FieldName, T)], number: impl Fn(&T) -> N) -> (Vec<&[u8]>, Vec<N>) {
    pairs
        .iter()
        .map(|(name, value)| (name.as_bytes(), number(value)))
        .unzip()
}

fn bytes_of(index: Option<&IndexKey>) -> Option<&[u8]> {
    index.map(|index| index.as_bytes().as_slice())
}

fn open(row: &PgRow) -> Result<Loaded, StoreError> {
    match forward_in(row)? {
        Some(forward) => Ok(Loaded::Moved(forward)),
        None => Ok(Loaded::Live(record_in(row)?)),
    }
}

fn forward_in(row: &PgRow) -> Result<Option<Forward>, StoreError> {
    let to: Option<Vec<u8>> = row.try_get("forward")?;
    let until = time(row.try_get("expires_at")?);
    Ok(to.map(|to| Forward::new(Bytes::from(to), until)))
}

fn record_in(row: &PgRow) -> Result<Record, StoreError> {
    let time_in = |column| Ok::<_, sqlx::Error>(time(row.try_get(column)?));
    let mut record = Record::new(time_in("created_at")?, time_in("expires_at")?);
    record.issued_at = time_in("issued_at")?;
    record.last_seen_at = time_in("last_seen_at")?;
    record.revision = number(row.try_get("revision")?);
    record.remembered = row.try_get("remembered")?;
    record.identified = row.try_get("identified")?;
    record.fields = fields_in(row)?;
    Ok(record)
}

fn fields_in(row: &PgRow) -> Result<Fields, StoreError> {
    let names: Vec<Vec<u8>> = row.try_get("field_names")?;
    let values: Vec<Vec<u8>> = row.try_get("field_values")?;
    let revisions: Vec<i64> = row.try_get("field_revisions")?;
    let expires_at: Vec<Option<i64>> = row.try_get("field_expires_at")?;
    let idle_at: Vec<Option<i64>> = row.try_get("field_idle_at")?;
    let index_keys: Vec<Option<Vec<u8>>> = row.try_get("field_index_keys")?;
    let count = names.len();
    let lengths = [
        values.len(),
        revisions.len(),
        expires_at.len(),
        idle_at.len(),
        index_keys.len(),
    ];
    if lengths.into_iter().any(|length| length != count) {
        return Err(Malformed.into());
    }
    let deadlines = expires_at.into_iter().zip(idle_at);
    let columns = values
        .into_iter()
        .zip(revisions)
        .zip(deadlines)
        .zip(index_keys);
    let mut fields = Fields::default();
    for (name, (((value, revision), (expires_at, idle_at)), index)) in
        names.into_iter().zip(columns)
    {
        let mut field = Field::new(Bytes::from(value), number(revision));
        field.expires_at = expires_at.map(time);
        field.idle_at = idle_at.map(time);
        field.index = index
            .map(|bytes| bytes.try_into().map(IndexKey::from_bytes))
            .transpose()
            .map_err(|_| Malformed)?;
        let name = String::from_utf8(name).map_err(|_| Malformed)?;
        if fields.insert(name.into(), field).is_some() {
            return Err(Malformed.into());
        }
    }
    Ok(fields)
}
