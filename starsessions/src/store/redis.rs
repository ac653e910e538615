//! Sessions in Redis or Valkey: for many machines, and for many sessions.

mod change;
mod connection;
mod index;
mod packed;
mod records;
mod scripts;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::RwLock;
use tracing::Instrument;

use self::connection::Connection;
pub use self::connection::RedisClient;
use self::records::{Access, Records};
use self::scripts::Scripts;
use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

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
/// A `redis::cluster::ClusterClient` or a `redis::sentinel::SentinelClient` is taken as well. Addresses,
/// users, databases and TLS are those of the client; for `rediss://` enable a TLS feature of the `redis`
/// crate, such as `tokio-rustls-comp`.
///
/// # When to choose it
///
/// For an application on several machines whose sessions are many or busy. It wants Redis 6.2 or
/// Valkey 7.2, or a later version.
///
/// # Durability
///
/// As durable as the server makes it. Without `appendonly yes` a crash of the server forgets what was
/// written since the last snapshot, logouts included; with `appendfsync everysec` it is up to a second.
/// A fail-over forgets what the new master had not received yet. Set `maxmemory-policy noeviction`:
/// any other policy signs users out when memory is short.
///
/// # Round trips
///
/// | operation | round trips |
/// |---|---|
/// | load, commit, touch, create | 1 |
/// | rotate | 1; 2 in a Cluster |
/// | delete | 1 |
/// | `sessions_of` | 2, the second for all sessions at once; 1 more where a session has ended |
///
/// One more goes before a create, rotate or commit that writes an indexed field, and one after a rotate or
/// delete of a session that has one. Once a month an indexed session that is in use takes two more.
///
/// A load is a `GET`, a create a `SET`. A commit changes fields on the server, in a script that checks
/// the guards: two requests that change different fields at the same time both succeed at the first
/// attempt, however many there are. Scripts are called by their hash, and loaded where a server does not
/// know them.
///
/// All requests share one connection (in a Cluster, one to each node), which comes back by itself
/// after an outage. In a Cluster a rotation takes two steps: a list of a user's sessions that is
/// made between them shows the session twice. Do not have a Cluster's client read from replicas.
///
/// # What is on the server
///
/// One value for each session, a sorted set for each indexed value; each key has a time to live, so
/// there is nothing to sweep. A field with a deadline of its own is hidden when its time has come, and
/// goes with the session's next write, or with the session. The server's clock should not be more than a
/// minute ahead of the application's.
///
/// Values are sealed under keys that only the cookies lead to. Whoever can read the server sees how many
/// sessions there are, their times, the names and sizes of their fields, and which of them have the same
/// indexed value, but not which value that is.
///
/// # Closing
///
/// Clones share the connection; it is closed when the last of them is dropped.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    records: Arc<Records>,
    protection: Protection,
    /// Read for the time of an operation; taken when the store is closed.
    connection: RwLock<Option<Connection>>,
}

impl RedisStore {
    /// Connects, so that a wrong address is seen at the start of the application.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    pub async fn connect(client: impl Into<RedisClient>) -> Result<Self, RedisConnectError> {
        Self::builder(client).connect().await
    }

    /// Settings of one's own.
    #[must_use]
    pub fn builder(client: impl Into<RedisClient>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            client: client.into(),
            prefix: "starsessions:".to_owned(),
            protection: Protection::Sealed,
        }
    }

    /// Waits for the operations that are under way and closes the connection, for all clones.
    /// Whatever is asked afterwards is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.shared.connection.write().await.take();
    }

    async fn run<T, F>(&self, operation: impl FnOnce(Access) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let connection = self.shared.connection.read().await;
        let Some(connection) = &*connection else {
            return Err(StoreError::Unavailable(Box::new(Closed)));
        };
        operation(Access {
            records: Arc::clone(&self.shared.records),
            connection: connection.clone(),
        })
        .await
    }

    /// The same in a task of its own: what takes several steps goes on to its end, also when nobody
    /// waits for it any more.
    async fn run_to_its_end<T, F>(
        &self,
        operation: impl FnOnce(Access) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let store = self.clone();
        let task = async move { store.run(operation).await };
        tokio::spawn(task.in_current_span())
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))?
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.shared.records.prefix)
            .finish_non_exhaustive()
    }
}

impl Store for RedisStore {
    fn protection(&self) -> Protection {
        self.shared.protection
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        self.run(|access| async move { access.load(key, now).await })
            .await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.run(|access| async move { access.create(key, record, now).await })
            .await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.run(|access| async move { access.commit(key, commit, now).await })
            .await
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let (old, new, rotation) = (*old, *new, rotation.clone());
        self.run_to_its_end(
            move |access| async move { access.rotate(&old, &new, &rotation, now).await },
        )
        .await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.run(|access| async move { access.touch(key, touch, now).await })
            .await
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        let key = *key;
        self.run_to_its_end(move |access| async move { access.delete(&key, now).await })
            .await
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        self.run(|access| async move { access.sessions_of(index, now).await })
            .await
    }

    /// Nothing to do: the server frees what has expired.
    async fn sweep(&self, _limit: usize, _now: Timestamp) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// Settings of a [`RedisStore`].
#[derive(Debug)]
pub struct RedisStoreBuilder {
    client: RedisClient,
    prefix: String,
    protection: Protection,
}

impl RedisStoreBuilder {
    /// What all keys begin with, so that several applications can share a server. `starsessions:`
    /// unless set. In a Cluster, a prefix with `{..}` in it puts all sessions on one node.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Keeps values as they are: whoever can read the server or a backup of it can read the
    /// sessions. Sessions that were kept sealed cannot be read any more, and the other way round.
    #[must_use]
    pub fn plain_values(mut self) -> Self {
        self.protection = Protection::Plain;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// See [`RedisConnectError`].
    pub async fn connect(self) -> Result<RedisStore, RedisConnectError> {
        let connection = Connection::open(self.client).await;
        let records = Records {
            scripts: Scripts::new(),
            prefix: self.prefix,
        };
        Ok(RedisStore {
            shared: Arc::new(Shared {
                records: Arc::new(records),
                protection: self.protection,
                connection: RwLock::new(Some(connection.map_err(RedisConnectError)?)),
            }),
        })
    }
}

/// The server could not be reached, or has refused the user.
#[derive(Debug)]
pub struct RedisConnectError(redis::RedisError);

impl fmt::Display for RedisConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the session server cannot be reached; check its address, the user and the password, \
             and that it is running",
        )
    }
}

impl Error for RedisConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store was closed")
    }
}

impl Error for Closed {}
