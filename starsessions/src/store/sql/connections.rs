//! The application's pool, with a time limit for every wait.
//!
//! A pool of `sqlx` waits up to `acquire_timeout` (30 seconds by default) for a connection that has gone silent in the
//! ping before it hands the connection out, and forever in the ping after it gets one back. The connection's place in
//! the pool is then lost.

use std::iter;
use std::time::Duration;

use sqlx::pool::{Pool, PoolConnection};
use sqlx::{Connection, Database, SqlStr};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::driver::Fetch;
use super::failure::{Failure, Reason};
use super::statement::{Link, Reply, Requests};
use crate::store::{Result, to_its_end};

/// The connections of one store.
pub(super) struct Connections<DB: Database> {
    pub(super) pool: Pool<DB>,
    /// How long one try may take.
    pub(super) limit: Duration,
}

impl<DB: Fetch> Link for Connections<DB> {
    /// Runs to its end, so that no answer stays on a connection for the next caller. A request that has lost its
    /// connection is tried once more.
    async fn send(&self, requests: Requests, patience: u32) -> Result<Reply> {
        let this = self.within(self.limit * patience);
        to_its_end(async move { this.send_stubbornly(&requests).await }).await
    }
}

impl<DB: Fetch> Connections<DB> {
    /// The same connections, with another limit.
    pub(super) fn within(&self, limit: Duration) -> Self {
        let pool = self.pool.clone();
        Self { pool, limit }
    }

    async fn send_stubbornly(&self, requests: &Requests) -> Result<Reply> {
        let (mut undone, mut first_failure) = (0, None);
        loop {
            let failure = match self.try_to_send(requests).await {
                Ok(mut reply) => {
                    reply.is_repeated = first_failure == Some(Reason::Lost);
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            match failure.reason {
                Reason::Undone if undone < MAX_UNDONE => undone += 1,
                Reason::Unsent | Reason::Lost if first_failure.is_none() => {
                    first_failure = Some(failure.reason);
                    self.close_the_silent().await;
                }
                _ => return Err(failure.into()),
            }
        }
    }

    pub(super) async fn try_to_send(&self, requests: &Requests) -> Result<Reply, Failure> {
        let deadline = Instant::now() + self.limit;
        let silent = |reason| {
            let limit = self.limit;
            let text = format!(
                "no answer within {limit:?}: the server is down, silent or busy, or has no connection left, or all \
                 connections of the pool are in use"
            );
            Failure::new(reason, text)
        };
        // A pool whose `acquire` is dropped closes the connection that it was testing.
        let acquired = timeout_at(deadline, self.pool.acquire()).await;
        let acquired = acquired.map_err(|_| silent(Reason::Unsent))?;
        let mut connection = acquired.map_err(Failure::to_connect)?;
        let outcome = match timeout_at(deadline, exchange::<DB>(&mut connection, requests)).await {
            Ok(Err(sqlx::Error::Database(error))) if error.is_unique_violation() => Ok(Reply {
                is_taken: true,
                ..Reply::default()
            }),
            Ok(outcome) => outcome.map_err(Failure::of::<DB>),
            Err(_) => Err(silent(Reason::Lost)),
        };
        match &outcome {
            // Closes the connection and frees its place at once: the pool would wait for an answer. After a fail-over,
            // a new connection leads to a server that accepts changes.
            Err(failure) if matches!(failure.reason, Reason::Lost | Reason::ReadOnly) => {
                drop(connection.detach());
            }
            _ => drop(give_back_within(self.limit, connection)),
        }
        outcome
    }

    /// Closes the idle connections that do not answer: the cause that broke one of them has often broken all.
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
}

/// The pool tests a connection that it gets back. This closes the connection if the test takes too long.
fn give_back_within<DB: Fetch>(
    limit: Duration,
    mut connection: PoolConnection<DB>,
) -> JoinHandle<()> {
    let returned = timeout(limit, connection.return_to_pool());
    tokio::spawn(async move { drop(returned.await) })
}

async fn exchange<DB: Fetch>(
    connection: &mut DB::Connection,
    requests: &Requests,
) -> sqlx::Result<Reply> {
    if requests.others.is_empty() {
        return DB::fetch(connection, &requests.first).await;
    }
    // `BEGIN`, which sqlx sends by itself, begins something else under `sql_mode = ORACLE`.
    let start = SqlStr::from_static("START TRANSACTION");
    let mut transaction = connection.begin_with(start).await?;
    let reply = DB::fetch(&mut transaction, &requests.first).await?;
    // A dropped transaction is rolled back when the pool gets its connection back.
    if reply.changes > 0 {
        for request in &requests.others {
            DB::fetch(&mut transaction, request).await?;
        }
        transaction.commit().await?;
    }
    Ok(reply)
}

/// How often the server may undo a request. Each time, another request has succeeded.
const MAX_UNDONE: usize = 10;
/// Two tries, and a test of the idle connections between them, take less than the layer waits.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
