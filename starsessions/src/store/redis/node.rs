//! A connection to one server, which is replaced when a command gets no reply.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::Connect;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, IntoConnectionInfo, Pipeline, RedisError, RedisFuture,
    RedisResult, Value,
};
use tokio::time::{Instant, sleep};

/// A connection that all requests share. Replies are matched to callers by their order. A caller that is
/// dropped keeps its place, so no reply reaches another caller.
///
/// A command that was sent and got no reply fails with an error that [`is_lost`] recognises. The client of a
/// Cluster does not repeat such a command by itself, so the store knows whether a command was repeated. After
/// that the connection sends nothing more, and the Cluster's client replaces it.
#[derive(Clone)]
pub(super) struct Node {
    connection: MultiplexedConnection,
    /// When to replace the connection: at once after a lost command, otherwise a time-out after the first command
    /// since the last reply. Callers do not measure this, because all may be dropped before their replies.
    end: Arc<Mutex<Option<Instant>>>,
}

impl Node {
    /// Whether the connection is to be replaced.
    pub(super) fn is_given_up(&self) -> bool {
        self.end().is_some_and(|end| end <= Instant::now())
    }

    /// Sends a command. A server that has just started refuses every command until it has loaded its file, so the
    /// command is repeated, for up to the response time-out.
    pub(super) async fn ask(&mut self, command: &Cmd) -> RedisResult<Value> {
        let begin = Instant::now();
        loop {
            let value = self.send(command).await;
            match value.and_then(Value::extract_error) {
                Err(error) if has_code(&error, "LOADING") && begin.elapsed() < RESPONSE_TIMEOUT => {
                    sleep(PAUSE).await;
                }
                // After a fail-over, the former master refuses writes.
                Err(error) if has_code(&error, "READONLY") => return Err(self.lost(&error)),
                // An address of a Cluster that was given as that of a server.
                Err(error) if has_code(&error, "MOVED") || has_code(&error, "CROSSSLOT") => {
                    let cure =
                        "the server is a node of a Cluster; give the store a `ClusterClient`";
                    return Err((ErrorKind::InvalidClientConfig, cure).into());
                }
                value => return value,
            }
        }
    }

    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        if self.is_given_up() {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let time_out = Instant::now() + RESPONSE_TIMEOUT;
        self.end().get_or_insert(time_out);
        match self.connection.send_packed_command(command).await {
            Err(error) if error.is_io_error() || error.is_unrecoverable_error() => {
                Err(self.lost(&error))
            }
            reply => {
                self.end().take_if(|end| *end > Instant::now());
                reply
            }
        }
    }

    /// Gives the connection up, and turns the error of a command into one that [`is_lost`] recognises.
    fn lost(&self, error: &RedisError) -> RedisError {
        *self.end() = Some(Instant::now());
        (LOST, "the connection was lost", error.to_string()).into()
    }

    fn end(&self) -> MutexGuard<'_, Option<Instant>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionLike for Node {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(command))
    }

    /// Neither the store nor the client sends a pipeline.
    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(commands, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

impl Connect for Node {
    fn connect_with_config<'a, T>(info: T, config: AsyncConnectionConfig) -> RedisFuture<'a, Self>
    where
        T: IntoConnectionInfo + Send + 'a,
    {
        Box::pin(async move {
            let info = info.into_connection_info()?;
            let settings = attentive(info.tcp_settings().clone());
            let info = info.set_tcp_settings(settings);
            let config = config.set_response_timeout(Some(RESPONSE_TIMEOUT));
            Ok(Self {
                connection: MultiplexedConnection::connect_with_config(info, config).await?,
                end: Arc::default(),
            })
        })
    }
}

/// Whether the command may have arrived, and may be repeated on another connection.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.kind() == LOST
}

/// Whether the server returned an error with this code. Redis 6 wraps the errors of a script's commands.
pub(super) fn has_code(error: &RedisError, code: &str) -> bool {
    let is_wrapped = |detail: &str| detail.contains(&format!("{code} "));
    error.code() == Some(code) || error.detail().is_some_and(is_wrapped)
}

/// Sends small commands without delay, and detects a dead idle connection before a command needs it. Settings of
/// the application stay.
fn attentive(settings: TcpSettings) -> TcpSettings {
    let mut settings = settings.set_nodelay(true);
    if settings.keepalive().is_none() {
        let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(PROBES);
        settings = settings.set_keepalive(keepalive);
    }
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    if settings.user_timeout().is_none() {
        settings = settings.set_user_timeout(UNACKNOWLEDGED);
    }
    settings
}

/// The client of a Cluster passes errors of this kind through, and creates none of its own for single commands.
const LOST: ErrorKind = ErrorKind::Client;

/// After this time without a reply, a connection counts as dead.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two tries while the server loads its file.
const PAUSE: Duration = Duration::from_millis(20);
const IDLE: Duration = Duration::from_secs(15);
const PROBES: Duration = Duration::from_secs(5);
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
