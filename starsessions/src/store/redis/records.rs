//! Each operation as scripts.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{FromRedisValue, Value};

use super::arguments::{Arguments, Indexed};
use super::connection::Connection;
use super::index::{horizon_of, index_keys};
use super::packed::{self, Hash, Malformed};
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
        Ok(packed::unpack(&self.hash(key).await?)?.filter(|found| is_live(found, now)))
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
            let arguments = Arguments::of_commit(commit, indexed, &ticket, now);
            let reply = self
                .run(&self.records.scripts.commit, key, &arguments)
                .await?;
            match reply {
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
            let mut arguments = Arguments::new(now);
            arguments.number(packed::seconds(touch.last_seen_at));
            arguments.number(packed::seconds(touch.expires_at));
            arguments.indexed(indexed);
            arguments.deadlines(&touch.idle);
            match self
                .run(&self.records.scripts.touch, key, &arguments)
                .await?
            {
                Value::Nil => return Ok(Touched::Gone),
                reply if is_reindex(&reply) => {
                    indexed = self.prolong(key, &[], touch.expires_at, now).await?;
                }
                _ => return Ok(Touched::Applied),
            }
        }
        Err(StoreError::Unavailable(Box::new(Contended)))
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
        let mut arguments = Arguments::new(now).at(now);
        arguments.expectation(rotation);
        arguments = arguments.at(now);
        arguments.record(&rotation.record, horizon);
        let (old, new) = (self.name(old), self.name(new));
        let script = &self.records.scripts.rotate;
        let keys: [&[u8]; 2] = [&new, &old];
        Ok(
            match self
                .connection
                .run(script, &keys, &arguments.0)
                .await
                .map_err(failed)?
            {
                Value::Nil => Rotated::Gone,
                Value::Int(0) => Rotated::Exists,
                Value::Int(_) => Rotated::Applied,
                reply => refused(reply)?.into_rotated(),
            },
        )
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
        let mut arguments = Arguments::once(&self.ticket()?).at(now).at(now);
        arguments.expectation(rotation);
        let switched = self
            .run(&self.records.scripts.switch, old, &arguments)
            .await;
        if matches!(switched, Ok(Value::Int(_))) {
            return Ok(Rotated::Applied);
        }
        // After an error nobody knows whether the old record still stands; then both may stay until
        // they expire, and no cookie leads to the new one.
        let switched = switched?;
        self.run(&self.records.scripts.delete, new, &Arguments::none())
            .await?;
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
        let reply = self
            .run(&self.records.scripts.delete, key, &Arguments::none())
            .await?;
        let hash = read::<Hash>(reply)?;
        // What is malformed has ended like everything else.
        match packed::unpack(&hash) {
            Ok(Some(Loaded::Live(record))) => {
                self.take_out(key, &index_keys(&record)).await;
                Ok(None)
            }
            Ok(Some(Loaded::Moved(forward))) => Ok(Some(forward).filter(|it| now < it.until)),
            Ok(Some(Loaded::Expired(_)) | None) | Err(Malformed) => Ok(None),
        }
    }

    async fn insert(
        &self,
        key: &RowKey,
        record: &Record,
        horizon: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let mut arguments = Arguments::once(&self.ticket()?).at(now);
        arguments.record(record, horizon);
        Ok(
            match self
                .run(&self.records.scripts.create, key, &arguments)
                .await?
            {
                Value::Int(0) => Created::Exists,
                _ => Created::Applied,
            },
        )
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

    pub(super) async fn hash(&self, key: &RowKey) -> Result<Hash, StoreError> {
        let mut load = redis::cmd("HGETALL");
        load.arg(self.name(key));
        read(self.connection.send(&load).await.map_err(failed)?)
    }

    async fn run(
        &self,
        script: &Script,
        key: &RowKey,
        arguments: &Arguments,
    ) -> Result<Value, StoreError> {
        let name = self.name(key);
        let reply = self.connection.run(script, &[&name], &arguments.0).await;
        reply.map_err(failed)
    }

    pub(super) fn name(&self, key: &RowKey) -> Vec<u8> {
        self.named("session:", key.as_bytes())
    }

    pub(super) fn named(&self, kind: &str, bytes: &[u8]) -> Vec<u8> {
        let text = Base64UrlUnpadded::encode_string(bytes);
        [&self.records.prefix, kind, &text].concat().into_bytes()
    }
}

/// The record, or the way to it, with which a script has refused.
fn refused(reply: Value) -> Result<Loaded, StoreError> {
    Ok(packed::unpack(&read(reply)?)?.ok_or(Malformed)?)
}

fn is_live(found: &Loaded, now: Timestamp) -> bool {
    match found {
        Loaded::Live(record) => !record.is_expired(now),
        Loaded::Moved(forward) => now < forward.until,
        Loaded::Expired(_) => false,
    }
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

/// The second succeeds, unless another request makes the session live longer still.
const MAX_ATTEMPTS: usize = 5;
