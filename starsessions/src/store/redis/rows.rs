//! Each operation on one row, in commands.

use std::sync::atomic::Ordering;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, RedisResult, Value};

use super::failure::{contended, failed, is_refused, is_wrong_type, malformed};
use super::link::Link;
use super::packed;
use super::proof::Known;
use super::scripts;
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::observe::Outages;
use crate::store::again::{self, Answer};
use crate::store::{Inserted, Replaced, Row, StoreError, Touch, Touched};

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
    pub(super) async fn fetch(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        row_of(self.send("GET", key, &[]).await.value.map_err(failed)?)
    }

    pub(super) async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let filed = self.file(key, None, row, now).await?;
        let inserted = self.insert_filed(key, row, now).await?;
        if inserted == Inserted::Inserted {
            self.file_again(filed, key, row, now).await?;
        }
        Ok(inserted)
    }

    async fn insert_filed(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let (packed, end) = (packed::pack(row), end_of_key(row.deadline));
        let arguments: [&[u8]; 4] = [&packed, b"NX", b"EXAT", &end];
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let answer = self.send("SET", key, &arguments).await;
            if answer.value.map_err(failed)? == Value::Okay {
                return Ok(Inserted::Inserted);
            }
            is_repeated |= answer.is_repeated;
            match self.fetch(key).await? {
                Some(other) if other.is_live(now) && is_repeated => {
                    return again::inserted(row, Some(&other));
                }
                Some(other) if other.is_live(now) => return Ok(Inserted::Exists),
                Some(expired) => {
                    let swap = self.swap(key, &expired, row).await?;
                    if swap.value.is_ok() {
                        return Ok(Inserted::Inserted);
                    }
                    is_repeated |= swap.is_repeated;
                }
                None => {}
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
    ) -> Result<Replaced, StoreError> {
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
        if swap.is_repeated {
            again::replaced(replaced, row)
        } else {
            Ok(replaced)
        }
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let next = |stored: &Row| {
            let mut row = stored.clone();
            row.touch(touch);
            row
        };
        self.file(key, Some(seen), &next(seen), now).await?;
        let swap = self.change(key, seen, next, now).await?;
        Ok(swap.value.map_or(Touched::Stale, |()| Touched::Touched))
    }

    pub(super) async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let Answer { value, is_repeated } = self.send("GETDEL", key, &[]).await;
        if value.as_ref().is_err_and(is_wrong_type) {
            self.send("DEL", key, &[]).await.value.map_err(failed)?;
            return Ok(None);
        }
        match row_of(value.map_err(failed)?) {
            Ok(Some(row)) => {
                self.take_out(key, row.index_keys()).await;
                Ok(Some(row))
            }
            Ok(None) => again::removed(is_repeated),
            Err(_) => Ok(None),
        }
    }

    /// Nothing to do: the server frees what has expired.
    pub(super) async fn sweep(&self, _: usize, _: Timestamp) -> Result<usize, StoreError> {
        Ok(0)
    }

    /// Puts the next row in the place of the one that was seen, which may have been touched since.
    async fn change(
        &self,
        key: &RowKey,
        seen: &Row,
        next: impl Fn(&Row) -> Row,
        now: Timestamp,
    ) -> Result<Swap, StoreError> {
        let mut stored = self.stored(key, seen, now).await?;
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let value = match stored {
                Err(other) => Err(other),
                Ok(row) => {
                    let swap = self.swap(key, &row, &next(&row)).await?;
                    is_repeated |= swap.is_repeated;
                    if let Err(found) = swap.value {
                        stored = touched_since(found, seen, now);
                        continue;
                    }
                    Ok(())
                }
            };
            return Ok(Swap { value, is_repeated });
        }
        Err(contended())
    }

    /// The row that was seen, or as it is now, if it should have expired; else what has taken its place.
    pub(super) async fn stored(
        &self,
        key: &RowKey,
        seen: &Row,
        now: Timestamp,
    ) -> Result<Result<Row, Option<Row>>, StoreError> {
        if seen.is_live(now) {
            return Ok(Ok(seen.clone()));
        }
        Ok(touched_since(self.fetch(key).await?, seen, now))
    }

    /// Puts a row in the place of exactly the stored one.
    async fn swap(&self, key: &RowKey, stored: &Row, row: &Row) -> Result<Swap, StoreError> {
        let (packed, end) = (packed::pack(row), end_of_key(row.deadline));
        let mut was_repeated = false;
        if self.link.has_ifeq.load(Ordering::Relaxed) {
            let stored = packed::pack(stored);
            let arguments: [&[u8]; 5] = [&packed, b"IFEQ", &stored, b"EXAT", &end];
            let Answer { value, is_repeated } = self.send("SET", key, &arguments).await;
            if !value.as_ref().is_err_and(is_refused) {
                let value = match value.map_err(failed)? {
                    Value::Okay => Ok(()),
                    _ => Err(self.fetch(key).await?),
                };
                return Ok(Swap { value, is_repeated });
            }
            self.link.has_ifeq.store(false, Ordering::Relaxed);
            was_repeated = is_repeated;
        }
        let (keys, arguments) = ([self.name(key)], [packed::head(stored), packed, end]);
        let answer = self.link.run(&scripts::SWAP, &keys, &arguments).await;
        let value = match answer.value.map_err(failed)? {
            Value::Okay => Ok(()),
            other => Err(row_of(other)?),
        };
        let is_repeated = answer.is_repeated || was_repeated;
        Ok(Swap { value, is_repeated })
    }

    async fn send(
        &self,
        command: &str,
        key: &RowKey,
        arguments: &[&[u8]],
    ) -> Answer<RedisResult<Value>> {
        let name = self.name(key);
        let size = arguments.iter().map(|it| it.len()).sum::<usize>();
        let mut sent = Cmd::with_capacity(2 + arguments.len(), command.len() + name.len() + size);
        sent.arg(command).arg(name).arg(arguments);
        self.link.send(&sent).await
    }

    pub(super) fn name(&self, key: &RowKey) -> Vec<u8> {
        self.named(SESSION, key.as_bytes())
    }

    pub(super) fn named(&self, kind: &str, bytes: &[u8; 32]) -> Vec<u8> {
        let text = Base64UrlUnpadded::encode_string(bytes);
        [&self.prefix, kind, &text].concat().into_bytes()
    }
}

/// The row that a reply holds.
pub(super) fn row_of(value: Value) -> Result<Option<Row>, StoreError> {
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
pub(super) fn end_of_key(deadline: Timestamp) -> Vec<u8> {
    let end = deadline.as_unix_seconds().saturating_add(60);
    end.min(LAST_SECOND).to_string().into_bytes()
}

/// Of the year 9999, which is as far as a server looks.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// Between the prefix and the key of a row.
pub(super) const SESSION: &str = "session:";

/// Each but the first means that another request has touched the row at this moment.
pub(super) const MAX_ATTEMPTS: usize = 8;
