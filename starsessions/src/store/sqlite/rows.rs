//! Each operation of a store as SQL, within a transaction.
//!
//! SQLite has one writer at a time, also among processes: between the statements of a transaction
//! nothing changes.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row as SqlRow, params};

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Inserted, Listed, Listing, Replaced, Rotated, Rotation, Row, Touch, Touched};

pub(super) fn load(connection: &Connection, key: &RowKey) -> Result<Option<Row>> {
    connection
        .prepare_cached(
            "SELECT revision, deadline, last_seen, card, index_keys, value
             FROM sessions WHERE key = ?1",
        )?
        .query_row([key.as_bytes()], read_row)
        .optional()
}

pub(super) fn insert(
    connection: &Connection,
    key: &RowKey,
    row: &Row,
    now: Timestamp,
) -> Result<Inserted> {
    // Two end for each that begins, so that the file stops growing without a sweep.
    free_expired(connection, FREED_PER_INSERT, now)?;
    connection
        .prepare_cached("DELETE FROM sessions WHERE key = ?1 AND deadline <= ?2")?
        .execute(params![key.as_bytes(), seconds(now)])?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO sessions (key, revision, deadline, last_seen, card, index_keys, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![
            key.as_bytes(),
            row.revision.cast_signed(),
            seconds(row.deadline),
            seconds(row.last_seen),
            card(row),
            packed_index_keys(row),
            row.value,
        ])?;
    if inserted == 0 {
        return Ok(Inserted::Exists);
    }
    add_to_index(connection, key, row)?;
    Ok(Inserted::Inserted)
}

pub(super) fn replace(
    connection: &Connection,
    key: &RowKey,
    seen: &Row,
    row: &Row,
    now: Timestamp,
) -> Result<Replaced> {
    // The times are those of `Row::in_place_of`.
    let replaced = connection
        .prepare_cached(
            "UPDATE sessions
             SET revision = ?5,
                 deadline = CASE deadline WHEN ?4 THEN ?6 ELSE max(deadline, ?6) END,
                 last_seen = max(last_seen, ?7),
                 card = ?8, index_keys = ?9, value = ?10
             WHERE key = ?1 AND revision = ?2 AND deadline > ?3",
        )?
        .execute(params![
            key.as_bytes(),
            seen.revision.cast_signed(),
            seconds(now),
            seconds(seen.deadline),
            row.revision.cast_signed(),
            seconds(row.deadline),
            seconds(row.last_seen),
            card(row),
            packed_index_keys(row),
            row.value,
        ])?;
    if replaced == 0 {
        let found = load(connection, key)?.filter(|row| row.is_live(now));
        return Ok(found.map_or(Replaced::Gone, Replaced::Stale));
    }
    if seen.index_keys() != row.index_keys() {
        connection
            .prepare_cached(
                "DELETE FROM session_index
                 WHERE session = (SELECT id FROM sessions WHERE key = ?1)",
            )?
            .execute([key.as_bytes()])?;
        add_to_index(connection, key, row)?;
    }
    Ok(Replaced::Replaced)
}

pub(super) fn rotate(
    connection: &Connection,
    rotation: Rotation<'_>,
    now: Timestamp,
) -> Result<Rotated> {
    let Some(stored) = load(connection, rotation.old)?.filter(|row| row.is_live(now)) else {
        return Ok(Rotated::Gone);
    };
    if stored.revision != rotation.seen.revision {
        return Ok(Rotated::Stale(stored));
    }
    let row = rotation.row.in_place_of(&stored, rotation.seen);
    if insert(connection, rotation.new, &row, now)? == Inserted::Exists {
        return Ok(Rotated::Exists);
    }
    replace(connection, rotation.old, rotation.seen, rotation.left, now)?;
    Ok(Rotated::Rotated)
}

pub(super) fn touch(
    connection: &Connection,
    key: &RowKey,
    revision: u64,
    touch: Touch,
    now: Timestamp,
) -> Result<Touched> {
    let touched = connection
        .prepare_cached(
            "UPDATE sessions SET deadline = max(deadline, ?4), last_seen = max(last_seen, ?5)
             WHERE key = ?1 AND revision = ?2 AND deadline > ?3",
        )?
        .execute(params![
            key.as_bytes(),
            revision.cast_signed(),
            seconds(now),
            seconds(touch.deadline),
            seconds(touch.last_seen),
        ])?;
    Ok(if touched == 0 {
        Touched::Stale
    } else {
        Touched::Touched
    })
}

pub(super) fn remove(connection: &Connection, key: &RowKey) -> Result<Option<Row>> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM sessions WHERE key = ?1
             RETURNING revision, deadline, last_seen, card, index_keys, value",
        )?
        .query_row([key.as_bytes()], |row| Ok(read_row(row)))
        .optional()?;
    // What is not a row is removed as well, and leads nowhere.
    Ok(removed.and_then(Result::ok))
}

pub(super) fn listed(
    connection: &Connection,
    index_key: &IndexKey,
    now: Timestamp,
) -> Result<Vec<Listed>> {
    connection
        .prepare_cached(
            "SELECT s.key, s.deadline, s.last_seen, s.card, s.index_keys
             FROM session_index AS i JOIN sessions AS s ON s.id = i.session
             WHERE i.index_key = ?1 AND s.deadline > ?2",
        )?
        .query_map(params![index_key.as_bytes(), seconds(now)], read_listed)?
        .filter_map(Result::transpose)
        .collect()
}

/// Frees expired rows, the oldest first.
pub(super) fn free_expired(connection: &Connection, limit: usize, now: Timestamp) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE id IN
                (SELECT id FROM sessions WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2)",
        )?
        .execute(params![
            seconds(now),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ])
}

/// The row holds its index keys as well, so that it is read by one statement.
fn add_to_index(connection: &Connection, key: &RowKey, row: &Row) -> Result<()> {
    for index_key in row.index_keys() {
        connection
            .prepare_cached(
                "INSERT INTO session_index (index_key, session)
                 SELECT ?1, id FROM sessions WHERE key = ?2",
            )?
            .execute([index_key.as_bytes(), key.as_bytes()])?;
    }
    Ok(())
}

fn read_row(row: &SqlRow<'_>) -> Result<Row> {
    Ok(Row {
        revision: row.get::<_, i64>(0)?.cast_unsigned(),
        deadline: time(row.get(1)?),
        last_seen: time(row.get(2)?),
        listing: read_listing(row)?,
        value: row.get_ref(5)?.as_blob()?.into(),
    })
}

fn read_listed(row: &SqlRow<'_>) -> Result<Option<Listed>> {
    let key = RowKey::from_bytes(row.get(0)?);
    let (deadline, last_seen) = (time(row.get(1)?), time(row.get(2)?));
    Ok(read_listing(row)?.map(|listing| Listed {
        key,
        deadline,
        last_seen,
        listing,
    }))
}

fn read_listing(row: &SqlRow<'_>) -> Result<Option<Arc<Listing>>> {
    let Some(card) = row.get_ref(3)?.as_blob_or_null()? else {
        return Ok(None);
    };
    let (index_keys, []) = row.get_ref(4)?.as_blob()?.as_chunks() else {
        return Err(Error::InvalidColumnType(4, "index_keys".into(), Type::Blob));
    };
    let index_keys = index_keys
        .iter()
        .copied()
        .map(IndexKey::from_bytes)
        .collect();
    Ok(Some(Arc::new(Listing::new(index_keys, card))))
}

fn card(row: &Row) -> Option<&[u8]> {
    Some(row.listing.as_ref()?.card())
}

/// One after the other.
fn packed_index_keys(row: &Row) -> Vec<u8> {
    let keys = row.index_keys().iter();
    keys.flat_map(IndexKey::as_bytes).copied().collect()
}

/// SQLite counts to 2^63, which is 292 billion years after 1970.
fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_unix_seconds()).unwrap_or(i64::MAX)
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds.max(0).cast_unsigned())
}

const FREED_PER_INSERT: usize = 2;
