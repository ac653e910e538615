//! The application's pool, with a limit to everything that is awaited on it.
//!
//! By itself, a pool of `sqlx` waits without end for a connection that has gone silent: in the ping
//! before it hands one out, and in the ping after it gets one back. Its place in the pool is then lost.

use std::error::Error;
use std::iter;
use std::time::Duration;

use sqlx::pool::{Pool, PoolConnection};
use sqlx::{Connection, SqlStr};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::Failure;
use super::server::Server;
use super::statement::{Reply, Request};
use crate::store::StoreError;
use crate::store::again::Answer;
use crate::store::uninterrupted::to_its_end;

/// The connections of one store.
pub(super) struct Connections<DB: Server> {
    pool: Pool<DB>,
    limit: Duration,
}

impl<DB: Server> Connections<DB> {
    /// `limit` is how long one try may take.
    pub(super) fn new(pool: Pool<DB>, limit: Duration) -> Self {
        Self { pool, limit }
    }

    pub(super) fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// The same connections for what takes longer than a request does.
    pub(super) fn patient(&self) -> Self {
        Self::new(self.pool.clone(), self.limit * PATIENCE)
    }

    /// Sends requests: a single one as it is, several as a transaction that the first one decides. If it
    /// changes nothing, nothing is written.
    ///
    /// They run to their end, also if the caller goes away: no answer is left on a connection for the
    /// next caller to read. What has lost its connection is tried once more.
    pub(super) async fn send(
        &self,
        requests: Vec<Request<DB>>,
    ) -> Result<Answer<Reply<DB>>, StoreError> {
        let this = Self::new(self.pool.clone(), self.limit);
        to_its_end(async move { this.send_stubbornly(&requests).await }).await
    }

    async fn send_stubbornly(
        &self,
        requests: &[Request<DB>],
    ) -> Result<Answer<Reply<DB>>, StoreError> {
        let (mut undone, mut is_second, mut is_repeated) = (0, false, false);
        let value = loop {
            match self.try_to_send(requests).await {
                Ok(reply) => break reply,
                Err(Failure::Taken) => {
                    break Reply {
                        is_taken: true,
                        ..Reply::default()
                    };
                }
                Err(Failure::Undone(_)) if undone < MAX_UNDONE => undone += 1,
                Err(failure @ (Failure::Unsent(_) | Failure::Lost(_))) if !is_second => {
                    is_second = true;
                    is_repeated = matches!(failure, Failure::Lost(_));
                    self.close_the_silent().await;
                }
                Err(failure) => return Err(failure.into()),
            }
        };
        Ok(Answer { value, is_repeated })
    }

    async fn try_to_send(&self, requests: &[Request<DB>]) -> Result<Reply<DB>, Failure> {
        let deadline = Instant::now() + self.limit;
        // A pool whose `acquire` is dropped closes the connection that it was testing.
        let acquired = timeout_at(deadline, self.pool.acquire()).await;
        let mut connection = acquired
            .map_err(|_| Failure::Unsent(self.silence()))?
            .map_err(Failure::to_connect)?;
        let outcome = match timeout_at(deadline, exchange::<DB>(&mut connection, requests)).await {
            Ok(outcome) => outcome.map_err(Failure::of::<DB>),
            Err(_) => Err(Failure::Lost(self.silence())),
        };
        if let Err(Failure::Lost(_)) = outcome {
            // Closes it and frees its place at once: the pool would wait for its answer.
            drop(connection.detach());
        } else {
            drop(give_back_within(self.limit, connection));
        }
        outcome
    }

    /// Closes the idle connections that do not answer: what has broken or silenced one of them has often
    /// reached them all.
    async fn close_the_silent(&self) {
        let idle: Vec<_> = iter::from_fn(|| self.pool.try_acquire()).collect();
        let tests: Vec<_> = idle
            .into_iter()
            .map(|connection| give_back_within(self.limit / 4, connection))
            .collect();
        for test in tests {
            let _ = test.await;
        }
    }

    fn silence(&self) -> Box<dyn Error + Send + Sync> {
        let limit = self.limit;
        format!("no answer within {limit:?}: the server is silent or busy, or all connections of the pool are in use").into()
    }
}

/// The pool tests a connection that it gets back. This closes the connection if the test takes too long.
fn give_back_within<DB: Server>(
    limit: Duration,
    mut connection: PoolConnection<DB>,
) -> JoinHandle<()> {
    let returned = timeout(limit, connection.return_to_pool());
    tokio::spawn(async move { drop(returned.await) })
}

async fn exchange<DB: Server>(
    connection: &mut DB::Connection,
    requests: &[Request<DB>],
) -> Result<Reply<DB>, sqlx::Error> {
    if let [request] = requests {
        return request.send(connection).await;
    }
    // `BEGIN`, which sqlx sends by itself, begins something else under `sql_mode = ORACLE`.
    let mut transaction = connection
        .begin_with(SqlStr::from_static("START TRANSACTION"))
        .await?;
    match send_all::<DB>(&mut transaction, requests).await {
        Ok(reply) if reply.changes > 0 => {
            transaction.commit().await?;
            Ok(reply)
        }
        refused => {
            transaction.rollback().await?;
            refused
        }
    }
}

/// Returns the reply to the first request, without the others if that has changed nothing.
async fn send_all<DB: Server>(
    connection: &mut DB::Connection,
    requests: &[Request<DB>],
) -> Result<Reply<DB>, sqlx::Error> {
    let mut first = None;
    for request in requests {
        let reply = request.send(connection).await?;
        let first = first.get_or_insert(reply);
        if first.changes == 0 {
            break;
        }
    }
    Ok(first.unwrap_or_default())
}

/// How often another request may undo one, each time because it got through itself.
const MAX_UNDONE: usize = 10;
/// How much longer a sweep may take than a request.
const PATIENCE: u32 = 10;
/// Two tries, and a test of the idle connections between them, take less than the layer waits.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
