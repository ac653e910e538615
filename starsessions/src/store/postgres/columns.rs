//! Records and commits as parameters, and rows as records.

use std::collections::BTreeMap;

use bytes::Bytes;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use crate::clock::Timestamp;
use crate::crypto::IndexKey;
use crate::record::{Commit, Field, Fields, Forward, Record, Touch};
use crate::store::sql::{Malformed, clamped, number, seconds, time};
use crate::store::{Loaded, StoreError};

/// A statement with its parameters.
pub(super) type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// A record as the columns of a row.
pub(super) struct RecordColumns<'r> {
    record: &'r Record,
    revisions: Vec<i64>,
    fields: FieldColumns<'r>,
}

impl<'r> RecordColumns<'r> {
    pub(super) fn of(record: &'r Record) -> Self {
        let mut columns = Self {
            record,
            revisions: Vec::new(),
            fields: FieldColumns::default(),
        };
        for (name, field) in record.fields.iter() {
            columns.revisions.push(clamped(field.revision));
            let deadlines = (field.expires_at, field.idle_at);
            let index = field.index.as_ref();
            columns.fields.push(name, &field.value, deadlines, index);
        }
        columns
    }

    pub(super) fn bind<'q>(&'q self, query: Bound<'q>) -> Bound<'q> {
        let query = query
            .bind(seconds(self.record.created_at))
            .bind(seconds(self.record.issued_at))
            .bind(seconds(self.record.last_seen_at))
            .bind(seconds(self.record.expires_at))
            .bind(clamped(self.record.revision))
            .bind(self.record.remembered)
            .bind(self.record.identified)
            .bind(&self.revisions);
        self.fields.bind(query)
    }
}

/// A commit as the parameters of its statement.
pub(super) struct Changes<'c> {
    commit: &'c Commit,
    guarded: Vec<&'c [u8]>,
    expected: Vec<i64>,
    replaced: Vec<&'c [u8]>,
    written: FieldColumns<'c>,
    deadlines: Deadlines<'c>,
}

impl<'c> Changes<'c> {
    pub(super) fn of(commit: &'c Commit) -> Self {
        let guards = commit.guards.iter();
        let (guarded, expected) = guards
            .map(|(name, revision)| (name.as_bytes(), clamped(*revision)))
            .unzip();
        // The last one counts where a name is set twice.
        let set: BTreeMap<_, _> = commit.set.iter().map(|(name, it)| (name, it)).collect();
        let removed = commit.remove.iter();
        let replaced = removed.chain(set.keys().copied());
        let replaced = replaced.map(|name| name.as_bytes()).collect();
        let mut written = FieldColumns::default();
        for (name, write) in set {
            let deadlines = (write.expires_at, write.idle_at);
            written.push(name, &write.value, deadlines, write.index.as_ref());
        }
        Self {
            commit,
            guarded,
            expected,
            replaced,
            written,
            deadlines: Deadlines::of(&commit.touch),
        }
    }

    pub(super) fn bind<'q>(&'q self, query: Bound<'q>) -> Bound<'q> {
        let query = query
            .bind(&self.guarded)
            .bind(&self.expected)
            .bind(&self.replaced);
        let query = self.deadlines.bind(self.written.bind(query));
        query
            .bind(seconds(self.commit.touch.last_seen_at))
            .bind(seconds(self.commit.touch.expires_at))
            .bind(self.commit.remembered)
            .bind(self.commit.identified)
    }
}

/// Fields as arrays of the same length.
#[derive(Default)]
struct FieldColumns<'f> {
    names: Vec<&'f [u8]>,
    values: Vec<&'f [u8]>,
    expires_at: Vec<Option<i64>>,
    idle_at: Vec<Option<i64>>,
    index_keys: Vec<Option<&'f [u8]>>,
}

impl<'f> FieldColumns<'f> {
    fn push(
        &mut self,
        name: &'f str,
        value: &'f [u8],
        (expires_at, idle_at): (Option<Timestamp>, Option<Timestamp>),
        index: Option<&'f IndexKey>,
    ) {
        self.names.push(name.as_bytes());
        self.values.push(value);
        self.expires_at.push(expires_at.map(seconds));
        self.idle_at.push(idle_at.map(seconds));
        let index = index.map(|index| index.as_bytes().as_slice());
        self.index_keys.push(index);
    }

    fn bind<'q>(&'q self, query: Bound<'q>) -> Bound<'q> {
        query
            .bind(&self.names)
            .bind(&self.values)
            .bind(&self.expires_at)
            .bind(&self.idle_at)
            .bind(&self.index_keys)
    }
}

/// New idle deadlines of fields.
pub(super) struct Deadlines<'t> {
    names: Vec<&'t [u8]>,
    idle_at: Vec<i64>,
}

impl<'t> Deadlines<'t> {
    pub(super) fn of(touch: &'t Touch) -> Self {
        // The latest one counts where a name is there twice.
        let mut latest = BTreeMap::new();
        for (name, deadline) in &touch.idle {
            let latest = latest.entry(name.as_bytes()).or_insert(*deadline);
            *latest = (*latest).max(*deadline);
        }
        let latest = latest.into_iter();
        let (names, idle_at) = latest.map(|(name, it)| (name, seconds(it))).unzip();
        Self { names, idle_at }
    }

    pub(super) fn bind<'q>(&'q self, query: Bound<'q>) -> Bound<'q> {
        query.bind(&self.names).bind(&self.idle_at)
    }
}

pub(super) fn open(row: &PgRow) -> Result<Loaded, StoreError> {
    match forward_in(row)? {
        Some(forward) => Ok(Loaded::Moved(forward)),
        None => Ok(Loaded::Live(record_in(row)?)),
    }
}

pub(super) fn forward_in(row: &PgRow) -> Result<Option<Forward>, StoreError> {
    let to: Option<Vec<u8>> = row.try_get("forward")?;
    let until = time(row.try_get("expires_at")?);
    Ok(to.map(|to| Forward::new(Bytes::from(to), until)))
}

pub(super) fn record_in(row: &PgRow) -> Result<Record, StoreError> {
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
    let lengths = [
        values.len(),
        revisions.len(),
        expires_at.len(),
        idle_at.len(),
        index_keys.len(),
    ];
    if lengths.iter().any(|length| *length != names.len()) {
        return Err(Malformed.into());
    }
    let named = names.into_iter().zip(values).zip(revisions);
    let placed = expires_at.into_iter().zip(idle_at).zip(index_keys);
    let mut fields = Fields::default();
    for (((name, value), revision), ((expires_at, idle_at), index)) in named.zip(placed) {
        let mut field = Field::new(Bytes::from(value), number(revision));
        field.expires_at = expires_at.map(time);
        field.idle_at = idle_at.map(time);
        let index = index.map(|bytes| bytes.try_into().map(IndexKey::from_bytes));
        field.index = index.transpose().map_err(|_| Malformed)?;
        let name = String::from_utf8(name).map_err(|_| Malformed)?;
        // A revision is never 0: that is how a guard says "absent".
        if revision < 1 || fields.insert(name.into(), field).is_some() {
            return Err(Malformed.into());
        }
    }
    Ok(fields)
}
