//! The connection to the server, which reconnects by itself.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::cluster_async::{ClusterConnection, Connect};
use redis::sentinel::SentinelClient;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, RedisResult, ToRedisArgs, Value,
};
use tokio::sync::RwLock;

use super::RedisConnectError;
use super::node::{Node, RESPONSE_TIMEOUT, has_code, is_lost};
use crate::sentence::debug_as_name;
use crate::store::again::Answer;
use crate::store::{Result, StoreError};

/// A client of the `redis` crate, for a server, a Cluster, or the master of a Sentinel set. Addresses, TLS,
/// users and databases are set in the client.
pub struct RedisClient(Kind);

enum Kind {
    Single(Box<Client>),
    Sentinel(Box<SentinelClient>),
    Cluster(Box<ClusterClient>),
}

impl From<Client> for RedisClient {
    fn from(client: Client) -> Self {
        Self(Kind::Single(Box::new(client)))
    }
}

impl From<SentinelClient> for RedisClient {
    fn from(client: SentinelClient) -> Self {
        Self(Kind::Sentinel(Box::new(client)))
    }
}

impl From<ClusterClient> for RedisClient {
    fn from(client: ClusterClient) -> Self {
        Self(Kind::Cluster(Box::new(client)))
    }
}

// Addresses may contain passwords.
debug_as_name!(RedisClient);

/// A connection that reconnects when it is lost.
pub(crate) struct Link {
    latest: Arc<RwLock<Latest>>,
    /// Whether a command may name one key only.
    pub(crate) is_cluster: bool,
    /// Whether `SET` has `IFEQ`: true until a server refuses it, and again after a reconnect.
    pub(super) has_ifeq: AtomicBool,
}

/// The latest attempt to connect, and its result.
struct Latest {
    client: RedisClient,
    connection: RedisResult<Connection>,
    attempts: u64,
}

#[derive(Clone)]
enum Connection {
    Single(Node),
    /// One connection to each node; the client finds the nodes and replaces connections.
    Cluster(ClusterConnection<Node>),
}

impl RedisClient {
    async fn connect(&mut self) -> RedisResult<Connection> {
        let client = match &mut self.0 {
            Kind::Single(client) => Client::clone(client),
            Kind::Sentinel(sentinels) => sentinels.async_get_client().await?,
            Kind::Cluster(client) => {
                // `redis` hides this method from its documentation, and uses it in its own tests.
                let connection = client.get_async_generic_connection().await;
                return connection.map(Connection::Cluster);
            }
        };
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTION_TIMEOUT));
        let info = client.get_connection_info().clone();
        let node = Node::connect_with_config(info, config).await;
        node.map(Connection::Single)
    }
}

impl Link {
    pub(crate) async fn open(mut client: RedisClient) -> Result<Self, RedisConnectError> {
        let unavailable = |error: RedisError| RedisConnectError::Unavailable(error.into());
        let mut connection = client.connect().await.map_err(unavailable)?;
        // A server with a password accepts a connection without one, and refuses its commands. Every user may send
        // `HELLO`, and an error other than of the password says nothing about the server. With a Cluster, the client
        // has already sent commands to find the nodes.
        if let Connection::Single(node) = &mut connection {
            match node.ask(&redis::cmd("HELLO")).await {
                Err(error) if has_code(&error, "NOAUTH") => return Err(unavailable(error)),
                Ok(about) if is_replica(&about) => return Err(RedisConnectError::Replica),
                _ => {}
            }
        }
        Ok(Self {
            is_cluster: matches!(connection, Connection::Cluster(_)),
            latest: Arc::new(RwLock::new(Latest {
                client,
                connection: Ok(connection),
                attempts: 1,
            })),
            has_ifeq: AtomicBool::new(true),
        })
    }

    /// Sends a command. If the reply is lost, sends it once more over another connection.
    pub(crate) async fn send(&self, command: &Cmd) -> Reply {
        let mut value = self.send_once(command).await;
        let is_repeated = value.as_ref().is_err_and(is_lost);
        if is_repeated {
            self.has_ifeq.store(true, Ordering::Relaxed);
            value = self.send_once(command).await;
        }
        Answer { value, is_repeated }
    }

    async fn send_once(&self, command: &Cmd) -> RedisResult<Value> {
        match self.connection().await? {
            Connection::Single(mut node) => node.ask(command).await,
            Connection::Cluster(mut nodes) => {
                let value = nodes.req_packed_command(command);
                let value = tokio::time::timeout(CLUSTER_TIMEOUT, value).await;
                value.map_err(io::Error::from)??.extract_error()
            }
        }
    }

    /// All callers wait for the same attempt to connect, which continues if they are dropped.
    async fn connection(&self) -> RedisResult<Connection> {
        let seen = {
            let latest = self.latest.read().await;
            match &latest.connection {
                Ok(Connection::Single(node)) if node.is_given_up() => latest.attempts,
                Ok(connection) => return Ok(connection.clone()),
                Err(_) => latest.attempts,
            }
        };
        let latest = Arc::clone(&self.latest);
        let attempt = tokio::spawn(async move {
            let mut latest = latest.write().await;
            if latest.attempts == seen {
                latest.connection = latest.client.connect().await;
                latest.attempts += 1;
            }
            latest.connection.clone()
        });
        let ended = attempt.await;
        ended.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }

    /// Runs a script by its hash, and loads it first if the server does not know it.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs + Sync],
        arguments: impl ToRedisArgs + Send + Sync,
    ) -> Reply {
        let by = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg((script, keys.len(), keys, &arguments));
            command
        };
        let first = self.send(&by("EVALSHA", script.hash())).await;
        if !first.is_error("NOSCRIPT") {
            return first;
        }
        let mut second = self.send(&by("EVAL", script.code)).await;
        second.is_repeated |= first.is_repeated;
        second
    }
}

/// Whether the answer to `HELLO` is that of a replica.
fn is_replica(about: &Value) -> bool {
    let [role, replica] = ["role", "replica"].map(|it| Value::BulkString(it.into()));
    let mut about = about.as_map_iter().into_iter().flatten();
    about.any(|entry| entry == (&role, &replica))
}

/// Commands that the server runs in one step, and the hash by which a server knows them.
///
/// A script uses only the keys that it is given, in a Cluster only one; `LISTED` alone reads others, and is not sent to
/// a Cluster. Rows are opaque to it, except for the [head](crate::store::packed::head). A server without free memory
/// refuses a script whose first write needs more, so a script writes first and deletes afterwards. The exception
/// replaces a row by a smaller one.
pub(crate) struct Script {
    code: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    pub(crate) const fn new(code: &'static str) -> Self {
        let hash = OnceLock::new();
        Self { code, hash }
    }

    fn hash(&self) -> &str {
        let hash = || redis::Script::new(self.code).get_hash().to_owned();
        self.hash.get_or_init(hash)
    }
}

/// The result of a command, and of its repetition.
pub(crate) type Reply = Answer<RedisResult<Value>>;

impl Reply {
    pub(super) fn is_error(&self, code: &str) -> bool {
        let error = self.value.as_ref().err();
        error.is_some_and(|error| has_code(error, code))
    }

    pub(crate) fn read<T: FromRedisValue>(self) -> Result<T> {
        match self.value.map(redis::from_redis_value) {
            Ok(Ok(read)) => Ok(read),
            // The server has not answered, or has refused the command.
            Err(error) if !has_code(&error, "WRONGTYPE") => {
                Err(StoreError::Unavailable(error.into()))
            }
            _ => Err(malformed()),
        }
    }
}

/// The error of a stored value that this crate has not written.
pub(super) fn malformed() -> StoreError {
    let text = "the bytes of a session are malformed; give the sessions a key prefix of their own";
    StoreError::Corrupt(text.into())
}

/// The error of an operation that lost every race against other requests.
pub(crate) fn contended() -> StoreError {
    let text = "a session is changed by too many requests at once; try again";
    StoreError::Unavailable(text.into())
}

/// With the response time-out, less than the layer waits, so that a command can be repeated in time.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// For the client's own attempts to find the right node.
const CLUSTER_TIMEOUT: Duration = RESPONSE_TIMEOUT.saturating_add(CONNECTION_TIMEOUT);
