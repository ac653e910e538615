//! Parameters of statements, and rows as records.

use std::collections::BTreeMap;

use bytes::Bytes;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::query::Query;
use sqlx::{MySql, Row};

use super::fields;
use super::statements::Statement;
use crate::clock::Timestamp;
use crate::record::{FieldName, Forward, Record, Touch};
use crate::store::sql::{number, seconds, time};
use crate::store::{Loaded, StoreError};

/// A statement with its parameters.
pub(super) type Bound<'a> = Query<'a, MySql, MySqlArguments>;

pub(super) fn query<'a>(statement: &Statement) -> Bound<'a> {
    sqlx::query(statement.sql())
}

/// The idle deadlines of a touch, each field once, of those that `is_kept` names.
pub(super) fn deadlines(
    touch: &Touch,
    is_kept: impl Fn(&FieldName) -> bool,
) -> BTreeMap<&FieldName, Timestamp> {
    let mut deadlines = BTreeMap::new();
    for (name, deadline) in touch.idle.iter().filter(|(name, _)| is_kept(name)) {
        let latest = deadlines.entry(name).or_insert(*deadline);
        *latest = *deadline.max(latest);
    }
    deadlines
}

pub(super) fn bind_deadlines<'a>(
    mut query: Bound<'a>,
    deadlines: &BTreeMap<&FieldName, Timestamp>,
) -> Bound<'a> {
    for (name, deadline) in deadlines {
        let path = fields::idle_path(name);
        query = query.bind(path.clone()).bind(path).bind(seconds(*deadline));
    }
    query
}

pub(super) fn open(row: &MySqlRow) -> Result<Loaded, StoreError> {
    if let Some(forward) = forward(row)? {
        return Ok(Loaded::Moved(forward));
    }
    let at = |column: &str| row.try_get(column).map(time);
    let mut record = Record::new(at("created_at")?, at("expires_at")?);
    record.issued_at = at("issued_at")?;
    record.last_seen_at = at("last_seen_at")?;
    record.revision = number(row.try_get("revision")?);
    record.remembered = row.try_get("remembered")?;
    record.identified = row.try_get("identified")?;
    // MySQL has a type for it, MariaDB calls it text.
    record.fields = fields::decode(row.try_get_unchecked("fields")?)?;
    Ok(Loaded::Live(record))
}

pub(super) fn forward(row: &MySqlRow) -> Result<Option<Forward>, StoreError> {
    let to: Option<Vec<u8>> = row.try_get("forward")?;
    let until = row.try_get("expires_at").map(time)?;
    Ok(to.map(|to| Forward::new(Bytes::from(to), until)))
}
