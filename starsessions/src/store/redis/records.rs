//! Each operation as scripts.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use redis::{Cmd, FromRedisValue, Value};

use super::change::{self, Indexed};
use super::connection::Connection;
use super::index::{horizon_of, index_keys};
use super::packed::{self, Malformed};
use super::scripts::{Script, Scripts};
use crate::clock::Timestamp;
use crate::crypto::{RowKey, random_bytes};
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, StoreError, Touched};

/// The keys of one store on its server.
pub(super) struct Records {
    pub(super) scripts: Scripts,
    pub(super) prefix: String,
}

/// [`Records`] over a connection, for one operation.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) records: Arc<Records>,
    pub(super) connection: Connection,
}

impl Access {
    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        Ok(self.look(key).await?.and_then(|found| found.at(now)))
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let horizon = self.index_record(key, record, now).await?;
        self.insert(key, record, horizon, now).await
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let written: Vec<_> = commit
            .set
            .iter()
            .filter_map(|(_, write)| write.index.clone())
            .collect();
        let mut indexed = Indexed::default();
        if !written.is_empty() {
            indexed.horizon = Some(horizon_of(commit.touch.expires_at));
            self.index(key, &written, commit.touch.expires_at, now)
                .await?;
        }
        let ticket = self.ticket()?;
        for _ in 0..MAX_ATTEMPTS {
            let change = change::of_commit(commit, indexed, &ticket, now)?;
            match self.change(key, change, &commit.touch).await? {
                Value::Nil => return Ok(Committed::Gone),
                Value::Int(revision) => {
                    return Ok(Committed::Applied(revision.max(0).cast_unsigned()));
                }
                reply if is_reindex(&reply) => {
                    indexed = self
                        .prolong(key, &written, commit.touch.expires_at, now)
                        .await?;
                }
                reply => return Ok(refused(reply)?.into_committed()),
            }
        }
        Err(StoreError::Unavailable(Box::new(Contended)))
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let mut indexed = Indexed::default();
        for _ in 0..MAX_ATTEMPTS {
            let change = change::of_touch(touch, indexed, now)?;
            match self.change(key, change, touch).await? {
                Value::Nil => return Ok(Touched::Gone),
                reply if is_reindex(&reply) => {
                    indexed = self.prolong(key, &[], touch.expires_at, now).await?;
                }
                _ => return Ok(Touched::Applied),
            }
        }
        Err(StoreError::Unavailable(Box::new(Contended)))
    }

    async fn change(
        &self,
        key: &RowKey,
        change: Vec<u8>,
        touch: &Touch,
    ) -> Result<Value, StoreError> {
        let arguments = [change, end_of_key(touch.expires_at)];
        self.run(&self.records.scripts.change, key, &arguments)
            .await
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let horizon = self.index_record(new, &rotation.record, now).await?;
        let rotated = if self.connection.is_cluster() {
            self.rotate_in_steps(old, new, rotation, horizon, now)
                .await?
        } else {
            self.rotate_at_once(old, new, rotation, horizon, now)
                .await?
        };
        let keys = index_keys(&rotation.record);
        match &rotated {
            Rotated::Applied => self.take_out(old, &keys).await,
            // What is there may hold the same value.
            Rotated::Exists => {}
            Rotated::Conflict(_) | Rotated::Moved(_) | Rotated::Gone => {
                self.take_out(new, &keys).await;
            }
        }
        Ok(rotated)
    }

    async fn rotate_at_once(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        horizon: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let record = packed::pack(&rotation.record, horizon, &[])?;
        let forward = rotation.forward.as_ref();
        let way = forward.map_or_else(Vec::new, |forward| packed::pack_way(forward, &[]));
        let arguments = [
            decimal(packed::seconds(now)),
            expected(rotation),
            end_of_key(forward.map_or(now, |forward| forward.until)),
            way,
            end_of_key(rotation.record.expires_at),
            record,
        ];
        let (old, new) = (self.name(old), self.name(new));
        let script = &self.records.scripts.rotate;
        let reply = self.connection.run(script, &[&old, &new], &arguments).await;
        Ok(match reply.map_err(failed)? {
            Value::Nil => Rotated::Gone,
            Value::Int(0) => Rotated::Exists,
            Value::Int(_) => Rotated::Applied,
            reply => refused(reply)?.into_rotated(),
        })
    }

    /// Two slots, two steps: the successor first. Until the old record is switched nobody has been
    /// told its key, so it is taken away again where the switch is refused.
    async fn rotate_in_steps(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        horizon: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        if self.insert(new, &rotation.record, horizon, now).await? == Created::Exists {
            return Ok(Rotated::Exists);
        }
        // What ends without a way leaves its ticket for a minute, in a way that leads nowhere.
        let nowhere = Forward::new(Bytes::new(), Timestamp::default());
        let forward = rotation.forward.as_ref();
        let arguments = [
            decimal(packed::seconds(now)),
            expected(rotation),
            end_of_key(forward.map_or(now, |forward| forward.until)),
            packed::pack_way(forward.unwrap_or(&nowhere), &self.ticket()?),
        ];
        let switched = self
            .run(&self.records.scripts.switch, old, &arguments)
            .await;
        if matches!(switched, Ok(Value::Int(_))) {
            return Ok(Rotated::Applied);
        }
        // After an error nobody knows whether the old record still stands; then both may stay until
        // they expire, and no cookie leads to the new one.
        let switched = switched?;
        self.send("DEL", new, &[]).await?;
        Ok(match switched {
            Value::Nil => Rotated::Gone,
            reply => refused(reply)?.into_rotated(),
        })
    }

    pub(super) async fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        let ended = self.send("GETDEL", key, &[]).await?;
        // What is malformed has ended like everything else.
        match bytes_of(ended).map(|bytes| bytes.map(packed::unpack)) {
            Ok(Some(Ok(Loaded::Live(record)))) => {
                self.take_out(key, &index_keys(&record)).await;
                Ok(None)
            }
            Ok(Some(Ok(Loaded::Moved(forward)))) => Ok(Some(forward).filter(|it| now < it.until)),
            Ok(Some(Ok(Loaded::Expired(_)) | Err(Malformed)) | None) | Err(Malformed) => Ok(None),
        }
    }

    /// Nearly always the key is nobody's. What is there nevertheless may have expired, or be the
    /// outcome of this very call: that is for a script.
    async fn insert(
        &self,
        key: &RowKey,
        record: &Record,
        horizon: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let session = packed::pack(record, horizon, &self.ticket()?)?;
        let end = end_of_key(record.expires_at);
        let arguments: [&[u8]; 4] = [&session, b"NX", b"EXAT", &end];
        if self.send("SET", key, &arguments).await? != Value::Nil {
            return Ok(Created::Applied);
        }
        let now = decimal(packed::seconds(now));
        let arguments: [&[u8]; 3] = [&now, &end, &session];
        let script = &self.records.scripts.create;
        Ok(match self.run(script, key, &arguments).await? {
            Value::Int(0) => Created::Exists,
            _ => Created::Applied,
        })
    }

    /// What tells a call from all others, where a call may arrive twice.
    fn ticket(&self) -> Result<Vec<u8>, StoreError> {
        if !self.connection.is_cluster() {
            return Ok(Vec::new());
        }
        match random_bytes::<16>() {
            Ok(ticket) => Ok(ticket.to_vec()),
            Err(error) => Err(StoreError::Unavailable(error.into())),
        }
    }

    /// Whatever is under a key, dead or alive.
    pub(super) async fn look(&self, key: &RowKey) -> Result<Option<Loaded>, StoreError> {
        found(self.send("GET", key, &[]).await?)
    }

    async fn send(
        &self,
        command: &str,
        key: &RowKey,
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let name = self.name(key);
        let size = arguments.iter().map(|it| it.len()).sum::<usize>();
        let mut sent = Cmd::with_capacity(2 + arguments.len(), command.len() + name.len() + size);
        sent.arg(command).arg(name).arg(arguments);
        self.connection.send(&sent).await.map_err(failed)
    }

    async fn run(
        &self,
        script: &Script,
        key: &RowKey,
        arguments: &[impl AsRef<[u8]>],
    ) -> Result<Value, StoreError> {
        let name = self.name(key);
        let reply = self.connection.run(script, &[&name], arguments).await;
        reply.map_err(failed)
    }

    pub(super) fn name(&self, key: &RowKey) -> Vec<u8> {
        self.named("session:", key.as_bytes())
    }

    pub(super) fn named(&self, kind: &str, bytes: &[u8; 32]) -> Vec<u8> {
        let text = Base64UrlUnpadded::encode_string(bytes);
        [&self.records.prefix, kind, &text].concat().into_bytes()
    }
}

/// What a reply holds: a session, the way to it, or nothing.
pub(super) fn found(reply: Value) -> Result<Option<Loaded>, StoreError> {
    Ok(bytes_of(reply)?.map(packed::unpack).transpose()?)
}

fn bytes_of(reply: Value) -> Result<Option<Vec<u8>>, Malformed> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(Malformed),
    }
}

fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Empty, if any revision will do.
fn expected(rotation: &Rotation) -> Vec<u8> {
    let revision = rotation.expected.map(packed::number);
    revision.map(decimal).unwrap_or_default()
}

/// A minute after what it holds, so that a server whose clock is a little ahead ends nothing early. Whoever
/// reads looks at the session's own end.
fn end_of_key(end: Timestamp) -> Vec<u8> {
    decimal((packed::seconds(end) + 60).min(LAST_SECOND))
}

/// The record, or the way to it, with which a script has refused.
fn refused(reply: Value) -> Result<Loaded, StoreError> {
    Ok(found(reply)?.ok_or(Malformed)?)
}

fn is_reindex(reply: &Value) -> bool {
    matches!(reply, Value::SimpleString(text) if text == "REINDEX")
}

pub(super) fn read<T: FromRedisValue>(reply: Value) -> Result<T, StoreError> {
    redis::from_redis_value(reply).map_err(|error| StoreError::Corrupt(error.into()))
}

pub(super) fn failed(error: redis::RedisError) -> StoreError {
    StoreError::Unavailable(error.into())
}

impl From<Malformed> for StoreError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.into())
    }
}

/// Others were faster each time.
#[derive(Debug)]
pub(super) struct Contended;

impl std::fmt::Display for Contended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a session is changed by too many at once; try again")
    }
}

impl std::error::Error for Contended {}

/// Of the year 9999, which is as far as a server looks.
const LAST_SECOND: u64 = 253_402_300_799;

/// The second succeeds, unless another request makes the session live longer still.
const MAX_ATTEMPTS: usize = 5;
