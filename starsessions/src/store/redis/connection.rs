//! The way to the server: one connection that all requests share, and that comes back by itself.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::Mutex;

use super::scripts::Script;

/// A server, a Cluster, or what a Sentinel set says is the master, each as a client of the `redis`
/// crate: addresses, TLS, users and databases are set there.
pub struct RedisClient(Kind);

enum Kind {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(Box<SentinelClient>),
}

impl From<Client> for RedisClient {
    fn from(client: Client) -> Self {
        Self(Kind::Single(Box::new(client)))
    }
}

impl From<ClusterClient> for RedisClient {
    fn from(client: ClusterClient) -> Self {
        Self(Kind::Cluster(Box::new(client)))
    }
}

impl From<SentinelClient> for RedisClient {
    fn from(client: SentinelClient) -> Self {
        Self(Kind::Sentinel(Box::new(client)))
    }
}

/// Addresses may come with passwords: nothing of them is shown.
impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Single(_) => "RedisClient(single)",
            Kind::Cluster(_) => "RedisClient(cluster)",
            Kind::Sentinel(_) => "RedisClient(sentinel)",
        })
    }
}

/// Replies find their way by their order, and a caller who has gone away leaves its place empty: no
/// reply reaches another one.
#[derive(Clone)]
pub(super) enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
    Sentinel(Arc<Mutex<Master>>),
}

/// The master of a Sentinel set, as it was found last.
pub(super) struct Master {
    client: Box<SentinelClient>,
    connection: Option<MultiplexedConnection>,
}

impl Connection {
    pub(super) async fn open(client: RedisClient) -> RedisResult<Self> {
        Ok(match client.0 {
            Kind::Single(client) => {
                let client = without_delay(&client)?;
                Self::Single(ConnectionManager::new_with_config(client, patience()).await?)
            }
            Kind::Cluster(client) => Self::Cluster(client.get_async_connection().await?),
            Kind::Sentinel(client) => {
                let mut master = Master {
                    client,
                    connection: None,
                };
                master.find().await?;
                Self::Sentinel(Arc::new(Mutex::new(master)))
            }
        })
    }

    /// No command here may name two keys of different slots.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(manager) => {
                let reply = manager.clone().send_packed_command(command).await;
                reply?.extract_error()
            }
            Self::Cluster(connection) => {
                // Its client goes on by itself for as long as somebody waits.
                let mut connection = connection.clone();
                let reply = command.query_async(&mut connection);
                match tokio::time::timeout(RESPONSE_TIMEOUT, reply).await {
                    Ok(reply) => reply,
                    Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
                }
            }
            Self::Sentinel(master) => send_to_master(master, command).await,
        }
    }

    /// Runs a script by its hash, and teaches it to a server that does not know it.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[impl AsRef<[u8]>],
    ) -> RedisResult<Value> {
        let by = |name: &str, script: &str| {
            let arguments = arguments.iter().map(AsRef::as_ref);
            let parts = keys.iter().copied().chain(arguments);
            let size = parts.clone().map(<[u8]>::len).sum::<usize>();
            let mut command = Cmd::with_capacity(
                3 + parts.clone().count(),
                name.len() + script.len() + 1 + size,
            );
            command.arg(name).arg(script).arg(keys.len());
            for part in parts {
                command.arg(part);
            }
            command
        };
        match self.send(&by("EVALSHA", &script.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(&by("EVAL", &script.code)).await
            }
            outcome => outcome,
        }
    }
}

/// After a fail-over the former master refuses to write, or is gone: then the Sentinels are asked. A
/// write that was refused has not taken place and is sent again; after a lost connection nobody
/// knows, and the caller is told.
async fn send_to_master(master: &Mutex<Master>, command: &Cmd) -> RedisResult<Value> {
    let mut connection = master.lock().await.connection().await?;
    match command.query_async(&mut connection).await {
        Err(error) if is_read_only(&error) => {
            let mut connection = master.lock().await.find().await?;
            command.query_async(&mut connection).await
        }
        Err(error) if error.is_unrecoverable_error() || error.is_timeout() => {
            master.lock().await.connection = None;
            Err(error)
        }
        outcome => outcome,
    }
}

/// Redis 6 wraps the refusal of a script's write in an error of the script.
fn is_read_only(error: &RedisError) -> bool {
    let is_wrapped = |detail: &str| detail.contains("-READONLY ");
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        || error.detail().is_some_and(is_wrapped)
}

impl Master {
    async fn connection(&mut self) -> RedisResult<MultiplexedConnection> {
        match &self.connection {
            Some(connection) => Ok(connection.clone()),
            None => self.find().await,
        }
    }

    async fn find(&mut self) -> RedisResult<MultiplexedConnection> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTION_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let connection = self
            .client
            .get_async_connection_with_config(&config)
            .await?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }
}

/// A command is small and its reply is waited for: it does not wait for more to send.
fn without_delay(client: &Client) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings))
}

/// Gives up before the layer does, so that the error says what has gone wrong.
fn patience() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(RETRIES)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_secs(1))
}

const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const RETRIES: usize = 3;
