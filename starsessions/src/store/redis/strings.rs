//! Strings that another program keeps on the server, under keys of its own.

use std::time::Duration;

use redis::{RedisResult, Value};

use super::RedisConnectError;
use super::failure::{contended, failed, malformed};
use super::link::{Link, RedisClient};
use super::scripts::Script;
use crate::store::StoreError;

/// Strings by key, over a connection that comes back by itself.
pub(crate) struct Strings {
    link: Link,
}

/// The outcome of a change of the string that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Swapped {
    Done,
    /// Another string is there; nothing was changed.
    Stale(Vec<u8>),
    /// There is none.
    Gone,
}

impl Strings {
    pub(crate) async fn connect(client: RedisClient) -> Result<Self, RedisConnectError> {
        let link = Link::open(client).await?;
        Ok(Self { link })
    }

    /// The string under `key`.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        string(self.link.send(&command).await.value)
    }

    /// Puts a string under a key that has none; `false` if it has one.
    pub(crate) async fn insert(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let mut command = redis::cmd("SET");
        command.arg(key).arg(bytes).arg("NX").arg("EX");
        command.arg(seconds(ttl));
        let answer = self.link.send(&command).await;
        match answer.value.map_err(failed)? {
            Value::Okay => Ok(true),
            // The first try may have arrived.
            _ if answer.is_repeated => Ok(self.get(key).await?.as_deref() == Some(bytes)),
            _ => Ok(false),
        }
    }

    /// Puts `bytes` in the place of `seen`, if that still is what is there.
    pub(crate) async fn swap(
        &self,
        key: &str,
        seen: &[u8],
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<Swapped, StoreError> {
        let arguments = [
            seen.to_vec(),
            bytes.to_vec(),
            seconds(ttl).to_string().into(),
        ];
        let keys = [key.as_bytes().to_vec()];
        let answer = self.link.run(&SWAP, &keys, &arguments).await;
        match swapped(answer.value)? {
            Swapped::Stale(found) if answer.is_repeated && found == bytes => Ok(Swapped::Done),
            outcome => Ok(outcome),
        }
    }

    /// Puts `bytes` under `new` and removes what is under `old`, if that still is `seen`: in one step, but in a
    /// Cluster, where the keys may be on two nodes. A crash between its two steps leaves both strings, never none.
    pub(crate) async fn rename(
        &self,
        old: &str,
        seen: &[u8],
        new: &str,
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<Swapped, StoreError> {
        if self.link.is_cluster() {
            return self.rename_in_two_steps(old, seen, new, bytes, ttl).await;
        }
        let keys = [old, new].map(|key| key.as_bytes().to_vec());
        let arguments = [
            seen.to_vec(),
            bytes.to_vec(),
            seconds(ttl).to_string().into(),
        ];
        let answer = self.link.run(&RENAME, &keys, &arguments).await;
        match swapped(answer.value)? {
            // The first try may have arrived.
            Swapped::Gone
                if answer.is_repeated && self.get(new).await?.as_deref() == Some(bytes) =>
            {
                Ok(Swapped::Done)
            }
            outcome => Ok(outcome),
        }
    }

    async fn rename_in_two_steps(
        &self,
        old: &str,
        seen: &[u8],
        new: &str,
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<Swapped, StoreError> {
        if !self.insert(new, bytes, ttl).await? {
            return Err(contended());
        }
        let outcome = self.take(old, seen).await?;
        if outcome != Swapped::Done {
            self.remove(new).await?;
        }
        Ok(outcome)
    }

    /// Removes what is under `key`, if it still is `seen`.
    async fn take(&self, key: &str, seen: &[u8]) -> Result<Swapped, StoreError> {
        let keys = [key.as_bytes().to_vec()];
        let answer = self.link.run(&TAKE, &keys, &[seen.to_vec()]).await;
        swapped(answer.value)
    }

    /// Removes what is under `key`, if something is.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.link.send(&command).await.value.map_err(failed)?;
        Ok(())
    }
}

fn string(value: RedisResult<Value>) -> Result<Option<Vec<u8>>, StoreError> {
    match value.map_err(failed)? {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        _ => Err(malformed()),
    }
}

fn swapped(value: RedisResult<Value>) -> Result<Swapped, StoreError> {
    match value.map_err(failed)? {
        Value::Okay | Value::Int(_) => Ok(Swapped::Done),
        Value::BulkString(found) => Ok(Swapped::Stale(found)),
        _ => Ok(Swapped::Gone),
    }
}

/// A string that is to live for no time at all lives for a second.
fn seconds(ttl: Duration) -> u64 {
    ttl.as_secs().max(1)
}

// key; the string that was read, the new one, its seconds. Returns OK, what is there instead, or nothing.
static SWAP: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
return redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
",
);

// key; the string that was read. Returns 1, what is there instead, or nothing.
static TAKE: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
return redis.call('DEL', KEYS[1])
",
);

// old key, new key; the string that was read, the new one, its seconds. Returns 1, what is there instead, or nothing.
static RENAME: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return redis.call('DEL', KEYS[1])
",
);
