//! Each operation of a store as SQL, within a transaction.
//!
//! The changes themselves are those of [`Commit::apply`] and [`Touch::apply`], as in memory. There
//! is one writer at a time, also among processes, so what was read is still so when it is written.

use std::collections::BTreeSet;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::fault::Fault;
use super::fields;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, Touched};

pub(super) fn load(
    connection: &Connection,
    key: &RowKey,
    now: Timestamp,
) -> Result<Option<Loaded>, Fault> {
    let found = look_up(connection, key)?.map(Row::open).transpose()?;
    Ok(found.and_then(|found| found.at(now)))
}

pub(super) fn create(
    connection: &Connection,
    key: &RowKey,
    record: &Record,
    now: Timestamp,
) -> Result<Created, Fault> {
    // Two ends for each beginning: the file stops growing without anybody having to sweep.
    free_expired(connection, FREED_PER_INSERT, now)?;
    insert(connection, key, record, now)
}

pub(super) fn commit(
    connection: &Connection,
    key: &RowKey,
    commit: &Commit,
    now: Timestamp,
) -> Result<Committed, Fault> {
    let Some(row) = find(connection, key, now)? else {
        return Ok(Committed::Gone);
    };
    let id = row.id;
    let mut record = match row.open()? {
        Loaded::Live(record) => record,
        found => return Ok(found.into_committed()),
    };
    if !commit.is_allowed_by(&record) {
        return Ok(Committed::Conflict(record));
    }
    let before = index_keys(&record);
    commit.apply(&mut record);
    update(connection, id, &record)?;
    let after = index_keys(&record);
    if before != after {
        remove_from_index(connection, id)?;
        add_to_index(connection, id, &after)?;
    }
    Ok(Committed::Applied(record.revision))
}

pub(super) fn rotate(
    connection: &Connection,
    old: &RowKey,
    new: &RowKey,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<Rotated, Fault> {
    if find(connection, new, now)?.is_some() {
        return Ok(Rotated::Exists);
    }
    let Some(row) = find(connection, old, now)? else {
        return Ok(Rotated::Gone);
    };
    let id = row.id;
    let is_expected = rotation.expected.is_none_or(|it| it == row.revision);
    if row.forward.is_some() || !is_expected {
        return Ok(row.open()?.into_rotated());
    }
    match &rotation.forward {
        Some(forward) => leave_way(connection, id, forward)?,
        None => delete_row(connection, id)?,
    }
    insert(connection, new, &rotation.record, now)?;
    Ok(Rotated::Applied)
}

pub(super) fn touch(
    connection: &Connection,
    key: &RowKey,
    touch: &Touch,
    now: Timestamp,
) -> Result<Touched, Fault> {
    let Some(row) = find(connection, key, now)? else {
        return Ok(Touched::Gone);
    };
    let id = row.id;
    let Loaded::Live(mut record) = row.open()? else {
        return Ok(Touched::Gone);
    };
    touch.apply(&mut record);
    update(connection, id, &record)?;
    Ok(Touched::Applied)
}

pub(super) fn delete(
    connection: &Connection,
    key: &RowKey,
    now: Timestamp,
) -> Result<Option<Forward>, Fault> {
    // Without looking at the fields: also what is corrupt can be ended.
    let row = find(connection, key, now)?;
    let mut statement = connection.prepare_cached("DELETE FROM sessions WHERE key = ?1")?;
    statement.execute([key.as_bytes()])?;
    Ok(row.and_then(Row::into_forward))
}

pub(super) fn sessions_of(
    connection: &Connection,
    index: &IndexKey,
    now: Timestamp,
) -> Result<Vec<(RowKey, Record)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT s.id, s.created_at, s.issued_at, s.last_seen_at, s.expires_at, s.revision,
                s.remembered, s.identified, s.fields, s.forward, s.key
         FROM session_index AS i JOIN sessions AS s ON s.id = i.session
         WHERE i.key = ?1 AND s.expires_at > ?2",
    )?;
    let parameters = params![index.as_bytes(), seconds(now)];
    let rows = statement.query_map(parameters, |row| Ok((Row::read(row)?, row.get(10)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (row, key) = row?;
        let Loaded::Live(record) = row.open()? else {
            continue;
        };
        if record.is_filed_under(index, now) {
            found.push((RowKey::from_bytes(key), record));
        }
    }
    Ok(found)
}

/// Frees rows whose time has come, the oldest first. What was extended meanwhile has left the
/// range: the statement looks and deletes in one.
pub(super) fn free_expired(
    connection: &Connection,
    limit: usize,
    now: Timestamp,
) -> Result<usize, Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(statement.execute(params![seconds(now), limit])?)
}

/// A row that has not expired.
struct Row {
    id: i64,
    created_at: i64,
    issued_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    revision: u64,
    remembered: bool,
    identified: bool,
    fields: Vec<u8>,
    forward: Option<Vec<u8>>,
}

impl Row {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            created_at: row.get(1)?,
            issued_at: row.get(2)?,
            last_seen_at: row.get(3)?,
            expires_at: row.get(4)?,
            revision: row.get::<_, i64>(5)?.max(0).cast_unsigned(),
            remembered: row.get(6)?,
            identified: row.get(7)?,
            fields: row.get(8)?,
            forward: row.get(9)?,
        })
    }

    fn open(self) -> Result<Loaded, Fault> {
        if self.forward.is_some() {
            return self
                .into_forward()
                .map(Loaded::Moved)
                .ok_or_else(|| fields::Malformed.into());
        }
        let mut record = Record::new(time(self.created_at), time(self.expires_at));
        record.issued_at = time(self.issued_at);
        record.last_seen_at = time(self.last_seen_at);
        record.revision = self.revision;
        record.remembered = self.remembered;
        record.identified = self.identified;
        record.fields = fields::decode(self.fields)?;
        Ok(Loaded::Live(record))
    }

    fn into_forward(self) -> Option<Forward> {
        let until = time(self.expires_at);
        self.forward.map(|to| Forward::new(Bytes::from(to), until))
    }
}

/// What is there and alive.
fn find(connection: &Connection, key: &RowKey, now: Timestamp) -> Result<Option<Row>, Fault> {
    let row = look_up(connection, key)?;
    Ok(row.filter(|row| now < time(row.expires_at)))
}

fn look_up(connection: &Connection, key: &RowKey) -> Result<Option<Row>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, created_at, issued_at, last_seen_at, expires_at, revision, remembered,
                identified, fields, forward
         FROM sessions WHERE key = ?1",
    )?;
    Ok(statement
        .query_row([key.as_bytes()], Row::read)
        .optional()?)
}

fn insert(
    connection: &Connection,
    key: &RowKey,
    record: &Record,
    now: Timestamp,
) -> Result<Created, Fault> {
    // What has expired under this key is in nobody's way.
    let mut statement =
        connection.prepare_cached("DELETE FROM sessions WHERE key = ?1 AND expires_at <= ?2")?;
    statement.execute(params![key.as_bytes(), seconds(now)])?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO sessions (key, created_at, issued_at, last_seen_at, expires_at, revision,
                remembered, identified, fields)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (key) DO NOTHING",
    )?;
    let inserted = statement.execute(params![
        key.as_bytes(),
        seconds(record.created_at),
        seconds(record.issued_at),
        seconds(record.last_seen_at),
        seconds(record.expires_at),
        clamped(record.revision),
        record.remembered,
        record.identified,
        fields::encode(&record.fields)?,
    ])?;
    if inserted == 0 {
        return Ok(Created::Exists);
    }
    add_to_index(
        connection,
        connection.last_insert_rowid(),
        &index_keys(record),
    )?;
    Ok(Created::Applied)
}

fn update(connection: &Connection, id: i64, record: &Record) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE sessions SET last_seen_at = ?2, expires_at = ?3, revision = ?4, remembered = ?5,
                identified = ?6, fields = ?7
         WHERE id = ?1",
    )?;
    statement.execute(params![
        id,
        seconds(record.last_seen_at),
        seconds(record.expires_at),
        clamped(record.revision),
        record.remembered,
        record.identified,
        fields::encode(&record.fields)?,
    ])?;
    Ok(())
}

/// Turns a session into the way to its successor.
fn leave_way(connection: &Connection, id: i64, forward: &Forward) -> Result<(), Fault> {
    remove_from_index(connection, id)?;
    let mut statement = connection.prepare_cached(
        "UPDATE sessions SET expires_at = ?2, forward = ?3, fields = x'' WHERE id = ?1",
    )?;
    statement.execute(params![id, seconds(forward.until), &*forward.to])?;
    Ok(())
}

/// Its places in the index go with it.
fn delete_row(connection: &Connection, id: i64) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("DELETE FROM sessions WHERE id = ?1")?;
    statement.execute([id])?;
    Ok(())
}

fn index_keys(record: &Record) -> BTreeSet<IndexKey> {
    record.index_keys().cloned().collect()
}

fn add_to_index(connection: &Connection, id: i64, keys: &BTreeSet<IndexKey>) -> Result<(), Fault> {
    for key in keys {
        connection
            .prepare_cached("INSERT INTO session_index (key, session) VALUES (?1, ?2)")?
            .execute(params![key.as_bytes(), id])?;
    }
    Ok(())
}

fn remove_from_index(connection: &Connection, id: i64) -> Result<(), Fault> {
    let mut statement =
        connection.prepare_cached("DELETE FROM session_index WHERE session = ?1")?;
    statement.execute([id])?;
    Ok(())
}

fn seconds(time: Timestamp) -> i64 {
    clamped(time.as_unix_seconds())
}

/// SQLite counts to 2^63: the end of time comes 292 billion years after 1970.
fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds.max(0).cast_unsigned())
}

const FREED_PER_INSERT: usize = 2;
