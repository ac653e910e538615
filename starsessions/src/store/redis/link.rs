//! The way to the server: a connection that comes back by itself.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ToRedisArgs, Value};
use tokio::sync::RwLock;

use super::RedisConnectError;
use super::failure::{failed, has_code, malformed};
use super::node::{Node, RESPONSE_TIMEOUT, is_lost};
use crate::sentence::debug_as_name;
use crate::store::Result;
use crate::store::again::Answer;

/// A server, a Cluster, or what a Sentinel set says is the master, each as a client of the `redis`
/// crate: addresses, TLS, users and databases are set there.
pub struct RedisClient(Kind);

enum Kind {
    Single(Source),
    Cluster(Box<ClusterClient>),
}

/// Where the server is.
enum Source {
    Fixed(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

impl From<Client> for RedisClient {
    fn from(client: Client) -> Self {
        Self(Kind::Single(Source::Fixed(Box::new(client))))
    }
}

impl From<SentinelClient> for RedisClient {
    fn from(client: SentinelClient) -> Self {
        Self(Kind::Single(Source::Sentinel(Box::new(client))))
    }
}

impl From<ClusterClient> for RedisClient {
    fn from(client: ClusterClient) -> Self {
        Self(Kind::Cluster(Box::new(client)))
    }
}

// Addresses may come with passwords.
debug_as_name!(RedisClient);

/// Connected, or about to be again.
pub(crate) struct Link {
    route: Route,
    /// Whether `SET` has `IFEQ`: true until a server refuses it, and again with the next connection.
    pub(super) has_ifeq: AtomicBool,
}

enum Route {
    /// One server at a time.
    Single(Arc<RwLock<Latest>>),
    /// A connection to each node; the client finds the nodes and replaces connections.
    Cluster(ClusterConnection<Node>),
}

/// What came of the latest attempt to connect.
struct Latest {
    source: Source,
    node: RedisResult<Node>,
    attempts: u64,
}

impl Link {
    pub(crate) async fn open(client: RedisClient) -> Result<Self, RedisConnectError> {
        let route = match client.0 {
            Kind::Single(mut source) => source.connect().await.map(|node| {
                let (node, attempts) = (Ok(node), 1);
                Route::Single(Arc::new(RwLock::new(Latest {
                    source,
                    node,
                    attempts,
                })))
            }),
            // Hidden in the documentation of `redis`, whose own tests are built on it.
            Kind::Cluster(client) => client
                .get_async_generic_connection()
                .await
                .map(Route::Cluster),
        };
        Ok(Self {
            route: route.map_err(RedisConnectError)?,
            has_ifeq: AtomicBool::new(true),
        })
    }

    /// Whether a command may name two keys.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.route, Route::Cluster(_))
    }

    /// Repeats a command once whose reply was lost, on another connection.
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
        match &self.route {
            Route::Single(latest) => {
                let mut node = connected(latest).await?;
                let value = node.ask(command).await;
                // After a fail-over the former master refuses to write.
                value.map_err(|error| match has_code(&error, "READONLY") {
                    true => node.give_up(&error),
                    false => error,
                })
            }
            Route::Cluster(connection) => {
                let mut connection = connection.clone();
                let value = connection.req_packed_command(command);
                let value = tokio::time::timeout(CLUSTER_TIMEOUT, value).await;
                value.map_err(io::Error::from)??.extract_error()
            }
        }
    }

    /// Runs a script by its hash, and teaches it to a server that does not know it.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs + Sync],
        arguments: impl ToRedisArgs + Send + Sync,
    ) -> Reply {
        let by = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command
                .arg(script)
                .arg(keys.len())
                .arg(keys)
                .arg(&arguments);
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

/// What has to happen on the server in one step and takes more than one command; and the hash that a server
/// knows it by.
///
/// It names no key but those that it is given, and in a Cluster it is given one. Rows are opaque to it, but for the
/// [head](crate::store::packed::head). A server whose memory is used up refuses a script whose first write needs
/// more, so no script deletes something of ours before it adds.
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

/// What came of a command, and of its repetition.
pub(crate) type Reply = Answer<RedisResult<Value>>;

impl Reply {
    pub(super) fn is_error(&self, code: &str) -> bool {
        self.value
            .as_ref()
            .is_err_and(|error| has_code(error, code))
    }

    pub(crate) fn read<T: FromRedisValue>(self) -> Result<T> {
        redis::from_redis_value(self.value.map_err(failed)?).map_err(|_| malformed())
    }
}

impl Source {
    async fn connect(&mut self) -> RedisResult<Node> {
        let client = match self {
            Self::Fixed(client) => Client::clone(client),
            Self::Sentinel(sentinels) => sentinels.async_get_client().await?,
        };
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTION_TIMEOUT));
        Node::open(client.get_connection_info().clone(), config).await
    }
}

/// All that wait for a connection wait for the same attempt, which goes on when they do not.
async fn connected(latest: &Arc<RwLock<Latest>>) -> RedisResult<Node> {
    let seen = {
        let latest = latest.read().await;
        match &latest.node {
            Ok(node) if !node.is_given_up() => return Ok(node.clone()),
            _ => latest.attempts,
        }
    };
    let latest = Arc::clone(latest);
    let attempt = tokio::spawn(async move {
        let mut latest = latest.write().await;
        if latest.attempts == seen {
            latest.node = latest.source.connect().await;
            latest.attempts += 1;
        }
        latest.node.clone()
    });
    let ended = attempt.await;
    ended.unwrap_or_else(|error| Err(io::Error::other(error).into()))
}

/// This and the response time-out are less than the layer waits, so that a command can be repeated in time.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// For the client's own attempts to find the right node.
const CLUSTER_TIMEOUT: Duration = RESPONSE_TIMEOUT.saturating_add(CONNECTION_TIMEOUT);
