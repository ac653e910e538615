//! Each operation as scripts.
//!
//! # The index
//!
//! Beside the sessions there is a sorted set for each index key, with the keys of the sessions that hold
//! the value. In a Cluster it lies in another slot, so no script can change both. Therefore a session
//! is entered *before* its record says so, and taken out *after* its record is gone; whoever looks
//! something up reads the record behind each entry, and believes the record. A crash in between
//! leaves an entry that leads nowhere, never a session that cannot be found.
//!
//! An entry has a horizon of its own, a month beyond the session's end. The session knows the
//! horizon of its entries (`x`), and a write that would outlive it is refused until the entries
//! have been prolonged.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{FromRedisValue, Value};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::packed::{self, Hash, Malformed};
use super::scripts::{Script, Scripts};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Field, FieldName, Forward, Record, Rotation, Touch};
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
            .filter_map(|(_, write)| write.index)
            .collect();
        let mut indexed = Indexed::default();
        if !written.is_empty() {
            indexed.horizon = Some(horizon_of(commit.touch.expires_at));
            self.index(key, &written, commit.touch.expires_at, now)
                .await?;
        }
        for _ in 0..MAX_ATTEMPTS {
            let arguments = commit_arguments(commit, indexed, now);
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
        let ended = match &rotated {
            Rotated::Applied => old,
            _ => new,
        };
        self.take_out(ended, &index_keys(&rotation.record)).await?;
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
        let mut arguments = Arguments::new(now);
        arguments.number(packed::seconds(now));
        arguments.expectation(rotation);
        arguments.number(packed::seconds(now));
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
        let mut arguments = Arguments::new(now);
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
                self.take_out(key, &index_keys(&record)).await?;
                Ok(None)
            }
            Ok(Some(Loaded::Moved(forward))) => Ok(Some(forward).filter(|it| now < it.until)),
            Ok(None) | Err(Malformed) => Ok(None),
        }
    }

    /// A session that is given a new id between the look at the index and that at the record is
    /// entered under it by then: as long as an entry leads nowhere, the index is read once more.
    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let mut seen = BTreeSet::new();
        let mut sessions = Vec::new();
        for _ in 0..MAX_LOOKS {
            let mut entries = self.entries(index, now).await?;
            entries.retain(|key| seen.insert(*key));
            let looked_at = entries.len();
            let found = self.load_all(entries, now).await?;
            let is_complete = found.len() == looked_at;
            let is_match = |field: &Field| field.index == Some(*index) && field.is_live(now);
            sessions.extend(
                found
                    .into_iter()
                    .filter(|(_, record)| record.fields.iter().any(|(_, field)| is_match(field))),
            );
            if is_complete {
                return Ok(sessions);
            }
        }
        Err(StoreError::Unavailable(Box::new(Contended)))
    }

    async fn entries(&self, index: &IndexKey, now: Timestamp) -> Result<Vec<RowKey>, StoreError> {
        let mut find = redis::cmd("ZRANGEBYSCORE");
        find.arg(self.index_name(index))
            .arg(packed::seconds(now))
            .arg("+inf");
        let entries: Vec<Vec<u8>> = read(self.connection.send(&find).await.map_err(failed)?)?;
        let keys = entries
            .into_iter()
            .map(|entry| entry.try_into().map(RowKey::from_bytes));
        Ok(keys.collect::<Result<_, _>>().map_err(|_| Malformed)?)
    }

    /// The live ones, all asked for at once.
    async fn load_all(
        &self,
        keys: Vec<RowKey>,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let mut loads = JoinSet::new();
        for key in keys {
            let access = self.clone();
            loads.spawn(async move { (key, access.load(&key, now).await) });
        }
        let mut found = Vec::new();
        while let Some(loaded) = loads.join_next().await {
            let (key, loaded) = loaded.map_err(|error| StoreError::Unavailable(error.into()))?;
            if let Some(Loaded::Live(record)) = loaded? {
                found.push((key, record));
            }
        }
        Ok(found)
    }

    async fn insert(
        &self,
        key: &RowKey,
        record: &Record,
        horizon: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let mut arguments = Arguments::new(now);
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

    async fn hash(&self, key: &RowKey) -> Result<Hash, StoreError> {
        let mut load = redis::cmd("HGETALL");
        load.arg(self.name(key));
        read(self.connection.send(&load).await.map_err(failed)?)
    }

    /// Enters a record that is about to be written; returns until when.
    async fn index_record(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let keys = index_keys(record);
        self.index(key, &keys, record.expires_at, now).await?;
        Ok((!keys.is_empty()).then(|| horizon_of(record.expires_at)))
    }

    async fn index(
        &self,
        key: &RowKey,
        index_keys: &[IndexKey],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for index in index_keys {
            let mut arguments = Arguments::new(now);
            arguments.bytes(key.as_bytes());
            // A day more than the record is told: two that enter at once need not agree.
            arguments.number(packed::seconds(horizon_of(expires_at) + DAY));
            let name = self.index_name(index);
            let script = &self.records.scripts.index;
            self.connection
                .run(script, &[&name], &arguments.0)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Enters a session anew, under everything that it holds and is about to be given.
    async fn prolong(
        &self,
        key: &RowKey,
        written: &[IndexKey],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Indexed, StoreError> {
        let mut keys = written.to_vec();
        let mut end = expires_at;
        if let Some(Loaded::Live(record)) = packed::unpack(&self.hash(key).await?)? {
            keys.extend(index_keys(&record));
            end = end.max(record.expires_at);
        }
        self.index(key, &keys, end, now).await?;
        Ok(Indexed {
            horizon: Some(horizon_of(end)),
            is_for_all: true,
        })
    }

    async fn take_out(&self, key: &RowKey, index_keys: &[IndexKey]) -> Result<(), StoreError> {
        for index in index_keys {
            let mut remove = redis::cmd("ZREM");
            remove.arg(self.index_name(index)).arg(key.as_bytes());
            self.connection.send(&remove).await.map_err(failed)?;
        }
        Ok(())
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

    fn name(&self, key: &RowKey) -> Vec<u8> {
        self.named("session:", key.as_bytes())
    }

    fn index_name(&self, index: &IndexKey) -> Vec<u8> {
        self.named("index:", index.as_bytes())
    }

    fn named(&self, kind: &str, bytes: &[u8]) -> Vec<u8> {
        let text = Base64UrlUnpadded::encode_string(bytes);
        [&self.records.prefix, kind, &text].concat().into_bytes()
    }
}

/// What a session is told about its entries in the index.
#[derive(Clone, Copy, Default)]
struct Indexed {
    /// They last until then.
    horizon: Option<Timestamp>,
    /// All of them, and not only those of the fields that are written.
    is_for_all: bool,
}

/// What a script takes, in the order in which it takes it.
struct Arguments(Vec<Vec<u8>>);

impl Arguments {
    fn none() -> Self {
        Self(Vec::new())
    }

    fn new(now: Timestamp) -> Self {
        let mut arguments = Self::none();
        arguments.number(packed::seconds(now));
        arguments
    }

    fn bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        self.0.push(bytes.into());
    }

    fn number(&mut self, number: u64) {
        self.bytes(number.to_string());
    }

    fn count(&mut self, count: usize) {
        self.bytes(count.to_string());
    }

    fn flag(&mut self, flag: bool) {
        self.number(flag.into());
    }

    /// What is absent is an empty text.
    fn optional(&mut self, number: Option<u64>) {
        self.bytes(number.map_or_else(String::new, |number| number.to_string()));
    }

    fn indexed(&mut self, indexed: Indexed) {
        self.optional(indexed.horizon.map(packed::seconds));
        self.flag(indexed.is_for_all);
    }

    fn deadlines(&mut self, idle: &[(FieldName, Timestamp)]) {
        self.count(idle.len());
        for (name, deadline) in idle {
            self.bytes(packed::field_name(name));
            self.number(packed::seconds(*deadline));
        }
    }

    fn record(&mut self, record: &Record, horizon: Option<Timestamp>) {
        let mut pairs = packed::pack(record);
        if let Some(horizon) = horizon {
            let horizon = packed::seconds(horizon).to_string();
            pairs.push((b"x".to_vec(), horizon.into_bytes()));
        }
        self.number(packed::seconds(record.expires_at));
        self.count(pairs.len());
        for (name, value) in pairs {
            self.bytes(name);
            self.bytes(value);
        }
    }

    fn expectation(&mut self, rotation: &Rotation) {
        self.optional(rotation.expected.map(packed::number));
        let forward = rotation.forward.as_ref();
        self.flag(forward.is_some());
        self.bytes(forward.map_or_else(Vec::new, |forward| forward.to.to_vec()));
        self.optional(forward.map(|forward| packed::seconds(forward.until)));
    }
}

fn commit_arguments(commit: &Commit, indexed: Indexed, now: Timestamp) -> Arguments {
    let mut arguments = Arguments::new(now);
    arguments.count(commit.guards.len());
    for (name, revision) in &commit.guards {
        arguments.bytes(packed::field_name(name));
        arguments.number(packed::number(*revision));
    }
    arguments.number(packed::seconds(commit.touch.last_seen_at));
    arguments.number(packed::seconds(commit.touch.expires_at));
    arguments.optional(commit.remembered.map(u64::from));
    arguments.flag(commit.identified);
    arguments.indexed(indexed);
    arguments.count(commit.remove.len());
    for name in &commit.remove {
        arguments.bytes(packed::field_name(name));
    }
    arguments.count(commit.set.len());
    for (name, write) in &commit.set {
        arguments.bytes(packed::field_name(name));
        arguments.bytes(packed::pack_write(write));
    }
    arguments.deadlines(&commit.touch.idle);
    arguments
}

/// The record, or the way to it, with which a script has refused.
fn refused(reply: Value) -> Result<Loaded, StoreError> {
    Ok(packed::unpack(&read(reply)?)?.ok_or(Malformed)?)
}

impl Loaded {
    fn into_committed(self) -> Committed {
        match self {
            Self::Live(record) => Committed::Conflict(record),
            Self::Moved(forward) => Committed::Moved(forward),
        }
    }

    fn into_rotated(self) -> Rotated {
        match self {
            Self::Live(record) => Rotated::Conflict(record),
            Self::Moved(forward) => Rotated::Moved(forward),
        }
    }
}

fn is_live(found: &Loaded, now: Timestamp) -> bool {
    match found {
        Loaded::Live(record) => !record.is_expired(now),
        Loaded::Moved(forward) => now < forward.until,
    }
}

fn is_reindex(reply: &Value) -> bool {
    matches!(reply, Value::SimpleString(text) if text == "REINDEX")
}

fn index_keys(record: &Record) -> Vec<IndexKey> {
    let mut keys: Vec<_> = record
        .fields
        .iter()
        .filter_map(|(_, field)| field.index)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn horizon_of(expires_at: Timestamp) -> Timestamp {
    expires_at + MONTH
}

fn read<T: FromRedisValue>(reply: Value) -> Result<T, StoreError> {
    redis::from_redis_value(reply).map_err(|error| StoreError::Corrupt(error.into()))
}

fn failed(error: redis::RedisError) -> StoreError {
    StoreError::Unavailable(error.into())
}

impl From<Malformed> for StoreError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.into())
    }
}

/// Others were faster each time.
#[derive(Debug)]
struct Contended;

impl std::fmt::Display for Contended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a session is changed by too many at once; try again")
    }
}

impl std::error::Error for Contended {}

/// The second succeeds, unless another request makes the session live longer still.
const MAX_ATTEMPTS: usize = 5;
/// Each means that another session was given a new id at this moment.
const MAX_LOOKS: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);
