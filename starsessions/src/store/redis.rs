//! Sessions in Redis or Valkey: for many machines, and for many sessions.

mod count;
mod eviction;
mod index;
mod link;
mod node;
mod proof;
mod rows;
mod swap;

use std::error::Error;
use std::sync::Arc;

use tokio::sync::{RwLock, RwLockReadGuard};

pub(crate) use self::link::Link;
pub use self::link::RedisClient;
#[cfg(feature = "python")]
pub(crate) use self::link::{Script, contended};
use self::proof::Known;
use self::rows::Rows;
use super::facade::facade;
use super::{Protection, StoreError};
use crate::observe::{self, Outages};
use crate::sentence::{debug_as_sentence, sentences};

/// Keeps sessions in Redis or Valkey: one server, a Cluster, or the master of a Sentinel set.
///
/// ```no_run
/// use starsessions::{KeyRing, RedisStore, SessionLayer};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://127.0.0.1/")?;
/// let store = RedisStore::connect(client).await?;
/// let layer = SessionLayer::new(store, KeyRing::from_env("SESSION_KEYS")?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// A `redis::cluster::ClusterClient` or a `redis::sentinel::SentinelClient` works as well. Addresses,
/// users, databases and TLS are those of the client. For `rediss://`, `redis` needs one of its TLS features, and `rustls`
/// a cryptography provider, without which the client panics as it connects:
///
/// ```toml
/// redis = { version = "1", default-features = false, features = ["tokio-rustls-comp"] }
/// rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }
/// ```
///
/// # When to choose it
///
/// For an application on several machines whose sessions are many or busy. It needs Redis 6.2 or
/// Valkey 7.2, or a later version.
///
/// # Durability
///
/// As durable as the server makes it. Without `appendonly yes`, a crash of the server loses all writes since
/// the last snapshot, logouts included; with `appendfsync everysec`, those of up to a second. A fail-over loses
/// the writes that the new master has not received.
///
/// Set `maxmemory-policy noeviction`: a server that is full then refuses new sessions and more data, and sessions can
/// still be ended. With any other policy it removes sessions, and also the lists of sessions. A session that is not in
/// its list stays signed in (in a Cluster, it is signed out), and `list` and `revoke_all` do not find it. A
/// [revocation list](crate::CookieStore::revoked_in) loses entries, whose cookies are valid again. `connect` logs an
/// error if the server has a memory limit and another policy, and its user may ask (`INFO memory`).
///
/// In a Cluster, a session and the list of its user's sessions are on two nodes, and a fail-over of one node may
/// lose its last second. A session that is missing from its list is not used, so that no session escapes
/// `revoke_all`: its user signs in again. While the node with the list does not answer, the session is unavailable.
///
/// # Round trips
///
/// | operation | round trips |
/// |---|---|
/// | load, insert, replace, touch | 1; the first load of a listed session from a Cluster takes 2 in each process |
/// | rotate | 1; a Cluster leaves it to the library, which takes 4 |
/// | remove | 1 |
/// | a list of sessions | 1; a Cluster takes 2, and 2 more where a session has ended |
///
/// The removal of a listed session is followed by one more. In a Cluster, one more precedes a write that changes the
/// session's index keys, and one write of a listed session per day; two more follow a write that takes a session off a
/// list. A write that conflicts with another one, or that a full server refuses at first, takes one more if the server
/// has `SET .. IFEQ`.
///
/// A row is replaced by `SET .. IFEQ` if the server has it (Valkey 8.1, Redis 8.4), otherwise by a script of two
/// commands. A row with its lists, and two rows, are always replaced by a script. Scripts are called by their hash,
/// and loaded if a server does not know them.
///
/// # Connections
///
/// All requests share one connection (in a Cluster, one to each node). If a command gets no reply within two
/// seconds, or the connection is closed, the connection is replaced and the command is sent once more. If it
/// then remains unknown whether the first command arrived, the operation is [`StoreError::Unavailable`]. A command
/// to a server that has just started and still loads its file is repeated for up to two seconds.
///
/// The two seconds are fixed, and replace a response time-out of the client: a Cluster's client opens connections
/// that the store cannot configure, and all kinds of servers should behave alike. A layer with a shorter
/// [`store_timeout`](crate::SessionLayerBuilder::store_timeout) answers sooner; the connection is still replaced
/// after two seconds.
///
/// For a Cluster, pass a Cluster's client: a client of a single node finds only a part of the sessions, and cannot
/// list them.
///
/// The store sets TCP keep-alive and user time-out unless the client sets them. Do not let a Cluster's client read
/// from replicas.
///
/// # What is on the server
///
/// One value for each session, and a sorted set for each index key. Each has a time to live, so there is
/// nothing to sweep. The server's clock should not be more than a minute ahead of the application's.
///
/// Values are sealed: see [what a copy shows](crate::store#what-a-copy-shows).
///
/// # Closing
///
/// Clones share the connection; it is closed when the last of them is dropped.
#[derive(Clone)]
pub struct RedisStore {
    protection: Protection,
    /// Locked for reading during an operation; taken when the store is closed.
    rows: Arc<RwLock<Option<Rows>>>,
}

impl RedisStore {
    /// Connects at once, so that a wrong address, a missing password or the address of a replica fails at the start of
    /// the application.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    pub async fn connect(client: impl Into<RedisClient>) -> Result<Self, RedisConnectError> {
        Self::builder(client).connect().await
    }

    /// A builder, for other settings.
    #[must_use]
    pub fn builder(client: impl Into<RedisClient>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            client: client.into(),
            prefix: "starsessions:".to_owned(),
            protection: Protection::Sealed,
        }
    }

    /// Waits for running operations and closes the connection, for all clones. Later operations
    /// are [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.rows.write().await.take();
    }

    async fn rows(&self) -> Result<RwLockReadGuard<'_, Rows>, StoreError> {
        let rows = self.rows.read().await;
        RwLockReadGuard::try_map(rows, Option::as_ref)
            .map_err(|_| StoreError::Unavailable("the store was closed".into()))
    }
}

// Dropping an operation's future leaves the operation done or not done; at most, a list keeps an entry without a row.
facade!(
    RedisStore(),
    RedisStoreBuilder,
    |store| store.protection,
    store.rows().await?
);

/// Settings of a [`RedisStore`].
#[derive(Debug)]
pub struct RedisStoreBuilder {
    client: RedisClient,
    prefix: String,
    protection: Protection,
}

impl RedisStoreBuilder {
    /// The prefix of all keys, so that several applications can share a server; `starsessions:` by
    /// default. In a Cluster, a prefix with `{..}` in it puts all sessions on one node.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    pub async fn connect(self) -> Result<RedisStore, RedisConnectError> {
        let link = Link::open(self.client).await?;
        if let Some(policy) = link.eviction_policy().await {
            observe::evicting(&policy);
        }
        let rows = Rows {
            link,
            prefix: self.prefix,
            protection: self.protection,
            known: Known::default(),
            outages: Outages::default(),
        };
        Ok(RedisStore {
            protection: self.protection,
            rows: Arc::new(RwLock::new(Some(rows))),
        })
    }
}

/// Why a server cannot be used for sessions.
#[non_exhaustive]
pub enum RedisConnectError {
    /// The server could not be reached, or has refused the user.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The server is a replica, which refuses writes, or loses them when its master sends its data again.
    Replica,
}

debug_as_sentence!(RedisConnectError);

sentences! { RedisConnectError:
    Self::Unavailable(source) => "the session server cannot be reached; check its address, the user and the password, and that it is \
        running", from &**source;
    Self::Replica => "the session server is a replica, and sessions are written to its master; give the address of the master, or a \
        `SentinelClient`, which finds it";
}
