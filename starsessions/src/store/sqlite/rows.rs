//! Each operation of a store as SQL, within a transaction.
//!
//! SQLite has one writer at a time, also among processes: between the statements of a transaction
//! nothing changes.

use rusqlite::Error::InvalidColumnType;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Params, Result, Row as SqlRow, params};

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::columns::{self, card, joined, revision, seconds};
use crate::store::{
    Inserted, Listed, Replaced, Rotated, Rotation, Row, StoreCounts, Touch, Touched,
};

pub(super) fn load(connection: &Connection, key: &RowKey, _: Timestamp) -> Result<Option<Row>> {
    let sql = "SELECT revision, deadline, last_seen, value, index_keys, card
               FROM sessions WHERE key = ?1";
    let mut select = connection.prepare_cached(sql)?;
    select.query_row([key.as_bytes()], read_row).optional()
}

pub(super) fn insert(
    connection: &Connection,
    key: &RowKey,
    row: &Row,
    now: Timestamp,
) -> Result<Inserted> {
    // Two end for each that begins, so that the file stops growing without a sweep.
    free_expired(connection, FREED_PER_INSERT, now)?;
    let sql = "DELETE FROM sessions WHERE key = ?1 AND deadline <= ?2";
    execute(connection, sql, params![key.as_bytes(), seconds(now)])?;
    let sql = "INSERT INTO sessions (key, revision, deadline, last_seen, value, index_keys, card)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING";
    let parameters = params![
        key.as_bytes(),
        revision(row),
        seconds(row.deadline),
        seconds(row.last_seen),
        row.value,
        joined(row.index_keys()),
        card(row),
    ];
    if execute(connection, sql, parameters)? == 0 {
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
    let sql = "UPDATE sessions
               SET revision = ?5,
                   deadline = CASE deadline WHEN ?4 THEN ?6 ELSE max(deadline, ?6) END,
                   last_seen = max(last_seen, ?7),
                   value = ?8, index_keys = ?9, card = ?10
               WHERE key = ?1 AND revision = ?2 AND deadline > ?3";
    let parameters = params![
        key.as_bytes(),
        revision(seen),
        seconds(now),
        seconds(seen.deadline),
        revision(row),
        seconds(row.deadline),
        seconds(row.last_seen),
        row.value,
        joined(row.index_keys()),
        card(row),
    ];
    if execute(connection, sql, parameters)? == 0 {
        let found = load(connection, key, now)?.filter(|row| row.is_live(now));
        return Ok(found.map_or(Replaced::Gone, Replaced::Stale));
    }
    if seen.index_keys() != row.index_keys() {
        let sql = "DELETE FROM session_index
                   WHERE session = (SELECT id FROM sessions WHERE key = ?1)";
        execute(connection, sql, [key.as_bytes()])?;
        add_to_index(connection, key, row)?;
    }
    Ok(Replaced::Replaced)
}

pub(super) fn rotate(
    connection: &Connection,
    rotation: Rotation<'_>,
    now: Timestamp,
) -> Result<Rotated> {
    let Rotation { old, seen, new, .. } = rotation;
    let Some(stored) = load(connection, old, now)?.filter(|row| row.is_live(now)) else {
        return Ok(Rotated::Gone);
    };
    if stored.revision != seen.revision {
        return Ok(Rotated::Stale(stored));
    }
    let row = rotation.row.in_place_of(&stored, seen);
    if insert(connection, new, &row, now)? == Inserted::Exists {
        return Ok(Rotated::Exists);
    }
    replace(connection, old, seen, rotation.left, now)?;
    Ok(Rotated::Rotated)
}

pub(super) fn touch(
    connection: &Connection,
    key: &RowKey,
    seen: &Row,
    touch: Touch,
    now: Timestamp,
) -> Result<Touched> {
    let sql = "UPDATE sessions SET deadline = max(deadline, ?4), last_seen = max(last_seen, ?5)
               WHERE key = ?1 AND revision = ?2 AND deadline > ?3";
    let parameters = params![
        key.as_bytes(),
        revision(seen),
        seconds(now),
        seconds(touch.deadline),
        seconds(touch.last_seen),
    ];
    Ok(match execute(connection, sql, parameters)? {
        0 => Touched::Stale,
        _ => Touched::Touched,
    })
}

pub(super) fn remove(connection: &Connection, key: &RowKey) -> Result<Option<Row>> {
    let sql = "DELETE FROM sessions WHERE key = ?1
               RETURNING revision, deadline, last_seen, value, index_keys, card";
    let mut delete = connection.prepare_cached(sql)?;
    let removed = delete.query_row([key.as_bytes()], |row| Ok(read_row(row)));
    // What is not a row is removed as well, and leads nowhere.
    Ok(removed.optional()?.and_then(Result::ok))
}

/// What the rows under an index key say, and why one of them is passed over: a row that cannot be read is
/// not a session that can be used, so it keeps no list and no revocation from those that can.
pub(super) fn listed(
    connection: &Connection,
    index_key: &IndexKey,
    now: Timestamp,
) -> Result<(Vec<Listed>, Option<Error>)> {
    let sql = "SELECT revision, deadline, last_seen, X'', index_keys, card, key
               FROM session_index AS i JOIN sessions AS s ON s.id = i.session
               WHERE i.index_key = ?1 AND s.deadline > ?2";
    let read = |row: &SqlRow<'_>| {
        let key = RowKey::from_bytes(row.get("key")?);
        Ok(Listed::new(key, &read_row(row)?))
    };
    let mut select = connection.prepare_cached(sql)?;
    let parameters = params![index_key.as_bytes(), seconds(now)];
    let (mut listed, mut passed_over) = (Vec::new(), None);
    // An error of the statement is not one of a row.
    for row in select.query_map(parameters, |row| Ok(read(row)))? {
        match row? {
            Ok(row) => listed.extend(row),
            Err(error) => passed_over = Some(error),
        }
    }
    Ok((listed, passed_over))
}

/// Counts the rows by what the store can see of them.
pub(super) fn count(connection: &Connection, now: Timestamp) -> Result<StoreCounts> {
    let sql = "SELECT count(CASE WHEN deadline > ?1 THEN 1 END),
                      count(CASE WHEN deadline > ?1 AND card IS NOT NULL THEN 1 END),
                      count(CASE WHEN deadline > ?1 AND last_seen > ?2 THEN 1 END),
                      count(CASE WHEN deadline > ?1 AND last_seen > ?3 THEN 1 END),
                      count(CASE WHEN deadline > ?1 AND last_seen > ?4 THEN 1 END),
                      count(CASE WHEN deadline <= ?1 THEN 1 END)
               FROM sessions";
    let [hour, day, week] = StoreCounts::since(now).map(seconds);
    let parameters = [seconds(now), hour, day, week];
    connection.query_row(sql, parameters, |row| {
        let columns = (
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
        );
        Ok(StoreCounts::of_columns(columns.into()))
    })
}

/// Frees expired rows, the oldest first.
pub(super) fn free_expired(connection: &Connection, limit: usize, now: Timestamp) -> Result<usize> {
    let sql = "DELETE FROM sessions WHERE id IN
                   (SELECT id FROM sessions WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2)";
    execute(
        connection,
        sql,
        params![seconds(now), i64::try_from(limit).unwrap_or(i64::MAX)],
    )
}

/// The row holds its index keys as well, so that it is read by one statement.
fn add_to_index(connection: &Connection, key: &RowKey, row: &Row) -> Result<()> {
    let sql = "INSERT INTO session_index (index_key, session)
               SELECT ?1, id FROM sessions WHERE key = ?2";
    for index_key in row.index_keys() {
        execute(connection, sql, [index_key.as_bytes(), key.as_bytes()])?;
    }
    Ok(())
}

/// Returns how many rows a statement has changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<usize> {
    connection.prepare_cached(sql)?.execute(parameters)
}

fn read_row(row: &SqlRow<'_>) -> Result<Row> {
    let columns = (
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    );
    columns::row(columns).ok_or_else(|| InvalidColumnType(4, "index_keys".into(), Type::Blob))
}

const FREED_PER_INSERT: usize = 2;
