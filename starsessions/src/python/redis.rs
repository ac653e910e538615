//! `RedisStore` of the Python library.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ToRedisArgs, Value};

use super::shared::Replaced;
use crate::sentence::debug_as_name;
use crate::store::again::unknown;
use crate::store::redis::{Link, Script, contended};
use crate::store::{RedisClient, RedisConnectError, Result};

/// `RedisStore(connection, prefix="starsessions.", gc_ttl=2592000)`: one string for each session.
///
/// The store has its own connection, which closes when the store is dropped.
pub struct RedisStore {
    link: Link,
    key: Arc<dyn Fn(&str) -> String + Send + Sync>,
    pub(super) gc_ttl: Duration,
}

impl RedisStore {
    /// Connects at once, so that a wrong address fails at the start of the application.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    pub async fn connect(client: impl Into<RedisClient>) -> Result<Self, RedisConnectError> {
        Ok(Self {
            link: Link::open(client.into()).await?,
            key: Arc::new(|id| format!("starsessions.{id}")),
            gc_ttl: GC_TTL,
        })
    }

    /// `prefix`, if it is a string.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.key(move |id| format!("{prefix}{id}"))
    }

    /// `prefix`, if it is a callable: from a session's id to its key.
    #[must_use]
    pub fn key(mut self, key: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// `gc_ttl`: how long a session without a lifetime is kept after its last use; 30 days by default.
    #[must_use]
    pub fn gc_ttl(mut self, gc_ttl: Duration) -> Self {
        self.gc_ttl = gc_ttl;
        self
    }

    pub(super) async fn read(&self, id: &str) -> Result<Option<Vec<u8>>> {
        self.link.send(&Cmd::get((self.key)(id))).await.read()
    }

    pub(super) async fn insert(&self, id: &str, bytes: &[u8], ttl: Duration) -> Result<bool> {
        let mut set = redis::cmd("SET");
        set.arg((self.key)(id)).arg(bytes).arg("NX");
        set.arg("EX").arg(seconds(ttl));
        let answer = self.link.send(&set).await;
        let is_repeated = answer.is_repeated;
        match answer.read()? {
            Value::Okay => Ok(true),
            // The first try may have arrived.
            _ if is_repeated => Ok(self.read(id).await?.as_deref() == Some(bytes)),
            _ => Ok(false),
        }
    }

    /// Replaces the string with `bytes`, if it still is `seen`.
    pub(super) async fn replace(
        &self,
        id: &str,
        seen: &[u8],
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<Replaced<Vec<u8>>> {
        let arguments = (seen, bytes, seconds(ttl));
        match self.change(&SWAP, &[id], arguments).await? {
            // Unknown outcome: another request may have written the same bytes, or have written after the first try.
            (Replaced::Stale(_), true) => Err(unknown()),
            (outcome, _) => Ok(outcome),
        }
    }

    /// Writes `bytes` under `new` and removes the string under `old`, if that still is `seen`. One step, except in a
    /// Cluster, where the keys may be on two nodes. There, a crash between the two steps leaves both strings. If the
    /// reply to the second step is lost, it looks like a logout in between, and neither string stays.
    pub(super) async fn rename(
        &self,
        [old, new]: [&str; 2],
        seen: &[u8],
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<Replaced<Vec<u8>>> {
        if self.link.is_cluster {
            if !self.insert(new, bytes, ttl).await? {
                return Err(contended());
            }
            let (outcome, _) = self.change(&TAKE, &[old], seen).await?;
            if outcome != Replaced::Done {
                self.remove(new).await?;
            }
            return Ok(outcome);
        }
        let arguments = (seen, bytes, seconds(ttl));
        match self.change(&RENAME, &[old, new], arguments).await? {
            // The first try may have arrived.
            (Replaced::Gone, true) if self.read(new).await?.as_deref() == Some(bytes) => {
                Ok(Replaced::Done)
            }
            (outcome, _) => Ok(outcome),
        }
    }

    pub(super) async fn remove(&self, id: &str) -> Result<()> {
        self.link.send(&Cmd::del((self.key)(id))).await.read()
    }

    /// Runs a script on the keys of some ids; also returns whether the command was repeated.
    async fn change(
        &self,
        script: &Script,
        ids: &[&str],
        arguments: impl ToRedisArgs + Send + Sync,
    ) -> Result<(Replaced<Vec<u8>>, bool)> {
        let keys: Vec<_> = ids.iter().map(|id| (self.key)(id)).collect();
        let answer = self.link.run(script, &keys, arguments).await;
        let is_repeated = answer.is_repeated;
        let swapped = match answer.read()? {
            Value::Okay | Value::Int(_) => Replaced::Done,
            Value::BulkString(found) => Replaced::Stale(found),
            _ => Replaced::Gone,
        };
        Ok((swapped, is_repeated))
    }
}

/// At least one second: Redis refuses an expiry of zero.
fn seconds(ttl: Duration) -> u64 {
    ttl.as_secs().max(1)
}

debug_as_name!(RedisStore);

const GC_TTL: Duration = Duration::from_secs(30 * 24 * 3600);

// key; the string that was read, the new one, its seconds. Returns OK, the string that is stored instead, or nothing.
static SWAP: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
return redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
",
);

// key; the string that was read. Returns 1, the string that is stored instead, or nothing.
static TAKE: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
return redis.call('DEL', KEYS[1])
",
);

// old key, new key; the string that was read, the new one, its seconds. Returns 1, the string under the old key, or
// nothing.
static RENAME: Script = Script::new(
    r"
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return redis.call('DEL', KEYS[1])
",
);
