//! Each operation on one row, in commands.

use std::sync::atomic::Ordering;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};

use super::failure::{REFUSED, WRONG_TYPE, contended, malformed};
use super::link::{Link, Script};
use super::packed;
use super::proof::Known;
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::observe::Outages;
use crate::store::again::{self, Answer};
use crate::store::{Inserted, Replaced, Result, Row, Touch, Touched};

/// The keys of one store on its server.
pub(super) struct Rows {
    pub(super) link: Link,
    pub(super) prefix: String,
    pub(super) known: Known,
    pub(super) outages: Outages,
}

/// What a conditional write has come to: nothing was written if another row, or none, is there.
type Swap = Answer<Result<(), Option<Row>>>;

impl Rows {
    /// What is under a key, whether a list has it or not.
    pub(super) async fn fetch(&self, key: &RowKey) -> Result<Option<Row>> {
        row_of(self.link.send(&Cmd::get(self.name(key))).await.read()?)
    }

    pub(super) async fn insert(&self, key: &RowKey, row: &Row, now: Timestamp) -> Result<Inserted> {
        let filed = self.file(key, None, row, now).await?;
        let mut set = self.set(key, row);
        set.arg("NX");
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let answer = self.link.send(&set).await;
            is_repeated |= answer.is_repeated;
            let mut is_inserted = answer.read::<Value>()? == Value::Okay;
            if !is_inserted {
                let Some(found) = self.fetch(key).await? else {
                    continue;
                };
                if found.is_live(now) {
                    return match is_repeated {
                        true => again::inserted(row, Some(&found)),
                        false => Ok(Inserted::Exists),
                    };
                }
                let swap = self.swap(key, &found, row).await?;
                is_repeated |= swap.is_repeated;
                is_inserted = swap.value.is_ok();
            }
            if is_inserted {
                self.file_again(filed, key, row, now).await?;
                return Ok(Inserted::Inserted);
            }
        }
        Err(contended())
    }

    pub(super) async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced> {
        let filed = self.file(key, Some(seen), row, now).await?;
        let next = |stored: &Row| row.in_place_of(stored, seen);
        let swap = self.change(key, seen, next, now).await?;
        let replaced = match swap.value {
            Ok(()) => {
                self.file_again(filed, key, row, now).await?;
                self.unfile(key, seen, row, now).await;
                Replaced::Replaced
            }
            Err(other) => other.map_or(Replaced::Gone, Replaced::Stale),
        };
        again::replaced(replaced, row, swap.is_repeated)
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched> {
        let next = |stored: &Row| {
            let mut row = stored.clone();
            row.touch(touch);
            row
        };
        self.file(key, Some(seen), &next(seen), now).await?;
        let swap = self.change(key, seen, next, now).await?;
        Ok(swap.value.map_or(Touched::Stale, |()| Touched::Touched))
    }

    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>> {
        let name = self.name(key);
        let removed = self.link.send(&Cmd::get_del(&name)).await;
        if removed.is_error(WRONG_TYPE) {
            self.link.send(&Cmd::del(&name)).await.read::<Value>()?;
            return Ok(None);
        }
        let is_repeated = removed.is_repeated;
        match row_of(removed.read()?) {
            Ok(Some(row)) => {
                self.take_out(key, row.index_keys()).await;
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

    /// Puts the next row in the place of the one that was seen, which may have been touched since.
    async fn change(
        &self,
        key: &RowKey,
        seen: &Row,
        next: impl Fn(&Row) -> Row,
        now: Timestamp,
    ) -> Result<Swap> {
        let mut found = self.stored(key, seen, now).await?;
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let value = match touched_since(found, seen, now) {
                Ok(stored) => {
                    let swap = self.swap(key, &stored, &next(&stored)).await?;
                    is_repeated |= swap.is_repeated;
                    if let Err(other) = swap.value {
                        found = other;
                        continue;
                    }
                    Ok(())
                }
                Err(other) => Err(other),
            };
            return Ok(Swap { value, is_repeated });
        }
        Err(contended())
    }

    /// The row that was seen; what is there now, if it should have expired.
    pub(super) async fn stored(
        &self,
        key: &RowKey,
        seen: &Row,
        now: Timestamp,
    ) -> Result<Option<Row>> {
        match seen.is_live(now) {
            true => Ok(Some(seen.clone())),
            false => self.fetch(key).await,
        }
    }

    /// Puts a row in the place of exactly the stored one.
    async fn swap(&self, key: &RowKey, stored: &Row, row: &Row) -> Result<Swap> {
        let mut was_repeated = false;
        if self.link.has_ifeq.load(Ordering::Relaxed) {
            let mut set = self.set(key, row);
            set.arg("IFEQ").arg(packed::pack(stored));
            let answer = self.link.send(&set).await;
            let is_repeated = answer.is_repeated;
            if !answer.is_error(REFUSED) {
                let value = match answer.read()? {
                    Value::Okay => Ok(()),
                    _ => Err(self.fetch(key).await?),
                };
                return Ok(Swap { value, is_repeated });
            }
            self.link.has_ifeq.store(false, Ordering::Relaxed);
            was_repeated = is_repeated;
        }
        let end = end_of_key(row.deadline);
        let arguments = (packed::head(stored), packed::pack(row), end);
        let answer = self.link.run(&SWAP, &[self.name(key)], arguments).await;
        let is_repeated = answer.is_repeated || was_repeated;
        let value = match answer.read()? {
            Value::Okay => Ok(()),
            other => Err(row_of(other)?),
        };
        Ok(Swap { value, is_repeated })
    }

    /// Stores a row, under a condition that is to be added.
    fn set(&self, key: &RowKey, row: &Row) -> Cmd {
        let mut set = redis::cmd("SET");
        set.arg(self.name(key)).arg(packed::pack(row));
        set.arg("EXAT").arg(end_of_key(row.deadline));
        set
    }

    pub(super) fn name(&self, key: &RowKey) -> String {
        self.prefix.clone() + SESSION + &encoded(key.as_bytes())
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

/// The row that was seen with later times, or else the live row that has taken its place.
pub(super) fn touched_since(
    found: Option<Row>,
    seen: &Row,
    now: Timestamp,
) -> Result<Row, Option<Row>> {
    match found.filter(|row| row.is_live(now)) {
        Some(row) if row.revision == seen.revision => Ok(row),
        other => Err(other),
    }
}

/// A minute after the row, so that a server whose clock is a little ahead ends nothing early. A read
/// looks at the row's own deadline.
pub(super) fn end_of_key(deadline: Timestamp) -> u64 {
    deadline
        .as_unix_seconds()
        .saturating_add(60)
        .min(LAST_SECOND)
}

/// Of the year 9999, which is as far as a server looks.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// Between the prefix and the key of a row.
pub(super) const SESSION: &str = "session:";

/// Each but the first means that another request has touched the row at this moment.
pub(super) const MAX_ATTEMPTS: usize = 8;

// key; head of the row that was read, row, the second in which the key ends: what `SET .. IFEQ` does.
// Returns OK, or what is there instead.
static SWAP: Script = Script::new(
    r"
local call, key, head = redis.call, KEYS[1], ARGV[1]
if call('GETRANGE', key, 0, #head - 1) ~= head then return call('GET', key) end
return call('SET', key, ARGV[2], 'EXAT', ARGV[3])
",
);
