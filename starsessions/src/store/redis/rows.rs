//! The operations of the store, as commands.

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};

use super::link::{Link, malformed};
use super::proof::Known;
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::observe::Outages;
use crate::store::{
    Inserted, Protection, Replaced, Result, Rotated, Rotation, Row, Touch, Touched, again, packed,
};

/// The keys of one store on its server.
pub(super) struct Rows {
    pub(super) link: Link,
    pub(super) prefix: String,
    pub(super) protection: Protection,
    pub(super) known: Known,
    pub(super) outages: Outages,
}

impl Rows {
    /// Reads the row under a key, without a check of its lists.
    pub(super) async fn fetch(&self, key: &RowKey) -> Result<Option<Row>> {
        row_of(self.link.send(&Cmd::get(self.name(key))).await.read()?)
    }

    pub(super) async fn insert(&self, key: &RowKey, row: &Row, now: Timestamp) -> Result<Inserted> {
        let next = |[found]: &[Option<Row>; 1]| live(found, now).is_none().then(|| [row.clone()]);
        let change = self.change([key], [None], next, now).await?;
        match change.value {
            Ok(()) => Ok(Inserted::Inserted),
            Err([found]) if change.is_repeated => again::inserted(row, found.as_ref()),
            Err(_) => Ok(Inserted::Exists),
        }
    }

    pub(super) async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced> {
        let next =
            |[found]: &[Option<Row>; 1]| Some([row.in_place_of(same(found, seen, now)?, seen)]);
        let change = self.change([key], [Some(seen.clone())], next, now).await?;
        let replaced = match change.value {
            Ok(()) => Replaced::Replaced,
            Err([found]) => again::not_replaced(found, now),
        };
        again::replaced(replaced, row, change.is_repeated, self.protection)
    }

    /// Unsupported in a Cluster, where the two keys may be on different nodes.
    pub(super) async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated> {
        if self.link.is_cluster {
            return Ok(Rotated::Unsupported);
        }
        let Rotation { old, seen, new, .. } = rotation;
        let next = |[found, taken]: &[Option<Row>; 2]| {
            let row = rotation.row.in_place_of(same(found, seen, now)?, seen);
            let is_free = live(taken, now).is_none();
            is_free.then(|| [rotation.left.clone(), row])
        };
        let found = [Some(seen.clone()), None];
        let change = self.change([old, new], found, next, now).await?;
        match change.value {
            Ok(()) => Ok(Rotated::Rotated),
            Err([found, taken]) => {
                let rotated = again::not_rotated(found, seen, now);
                match change.is_repeated {
                    true => again::rotated(rotated, &rotation, taken.as_ref()),
                    false => Ok(rotated),
                }
            }
        }
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched> {
        let next = |[found]: &[Option<Row>; 1]| {
            let mut row = same(found, seen, now)?.clone();
            row.touch(touch);
            Some([row])
        };
        let change = self.change([key], [Some(seen.clone())], next, now).await?;
        Ok(change.value.map_or(Touched::Stale, |()| Touched::Touched))
    }

    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>> {
        let name = self.name(key);
        let removed = self.link.send(&Cmd::get_del(&name)).await;
        if removed.is_error("WRONGTYPE") {
            self.link.send(&Cmd::del(&name)).await.read::<Value>()?;
            return Ok(None);
        }
        let is_repeated = removed.is_repeated;
        match row_of(removed.read()?) {
            Ok(Some(row)) => {
                self.take_out(self.entries(key, Some(&row), None)).await;
                Ok(Some(row))
            }
            Ok(None) => again::removed(is_repeated),
            Err(_) => Ok(None),
        }
    }

    /// Nothing to do: the server frees what has expired.
    pub(super) async fn sweep(&self, _: usize, _: Timestamp) -> Result<usize> {
        Ok(0)
    }

    pub(super) fn name(&self, key: &RowKey) -> String {
        [&self.prefix, SESSION, &encoded(key.as_bytes())].concat()
    }
}

/// How keys are written on the server.
pub(super) fn encoded(key: &[u8; RowKey::LEN]) -> String {
    Base64UrlUnpadded::encode_string(key)
}

/// The row that a reply holds.
pub(super) fn row_of(value: Value) -> Result<Option<Row>> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => packed::unpack(&bytes).map(Some).ok_or_else(malformed),
        _ => Err(malformed()),
    }
}

fn live(found: &Option<Row>, now: Timestamp) -> Option<&Row> {
    found.as_ref().filter(|row| row.is_live(now))
}

/// The row that was seen, possibly with later times.
fn same<'a>(found: &'a Option<Row>, seen: &Row, now: Timestamp) -> Option<&'a Row> {
    live(found, now).filter(|row| row.revision == seen.revision)
}

/// A minute after the row's deadline, so that a server whose clock is a little ahead ends no row early. A
/// read checks the row's own deadline.
pub(super) fn end_of_key(deadline: Timestamp) -> u64 {
    let end = deadline.as_unix_seconds().saturating_add(60);
    end.min(LAST_SECOND)
}

/// The length of an encoded key.
pub(super) const ENCODED: usize = (RowKey::LEN * 4).div_ceil(3);

/// The end of the year 9999, the latest time that is sent to a server.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// Between the prefix and the key of a row.
pub(super) const SESSION: &str = "session:";

/// Each attempt after the first means that another request has changed the row at this moment.
pub(super) const MAX_ATTEMPTS: usize = 8;
