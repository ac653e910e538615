//! The threads that talk to SQLite, and the queues in front of them.
//!
//! SQLite blocks, so no task ever calls it. A job is handed over as a whole: a future dropped before that has
//! done nothing, and one dropped afterwards does not interrupt the job.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, iter};

use async_channel::{Receiver, Sender};
use rusqlite::{Connection, Result as SqlResult, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::dialect::run_all;
use crate::store::sql::statement::{Reply, Requests};
use crate::store::{Result, StoreError};

/// A queue of jobs, and the threads that do them.
pub(super) struct Queue {
    jobs: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
    /// Fails when all threads have ended.
    ended: Receiver<()>,
}

/// Requests that take place as a whole, and where to send the reply.
struct Job {
    requests: Requests,
    caller: oneshot::Sender<Shared<Reply>>,
}

/// All jobs of a transaction may get the same error.
type Shared<T> = std::result::Result<T, Arc<rusqlite::Error>>;

impl Queue {
    /// Starts a thread for each connection.
    pub(super) fn start(
        name: &str,
        connections: Vec<Connection>,
        work: fn(&Worker),
    ) -> io::Result<Self> {
        let (alive, ended) = async_channel::bounded(1);
        let (jobs, waiting) = async_channel::bounded(MAX_WAITING);
        let start = |connection| {
            let worker = Worker {
                waiting: waiting.clone(),
                connection,
                _alive: alive.clone(),
            };
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || work(&worker))
        };
        let threads = connections.into_iter().map(start);
        Ok(Self {
            jobs,
            threads: threads.collect::<io::Result<_>>()?,
            ended,
        })
    }

    /// Hands a job over, and waits for its reply.
    pub(super) async fn run(&self, requests: Requests) -> Result<Reply> {
        let (caller, reply) = oneshot::channel();
        let job = Job { requests, caller };
        self.jobs.send(job).await.map_err(|_| closed())?;
        Ok(reply.await.map_err(|_| closed())??)
    }

    /// Accepts no more jobs, finishes the accepted ones, and ends the threads.
    pub(super) async fn close(&self) {
        self.jobs.close();
        let _ = self.ended.recv().await;
    }
}

/// Waits for the threads, so that all accepted jobs are done before the process can end. The queue is
/// bounded, so this takes milliseconds.
impl Drop for Queue {
    fn drop(&mut self) {
        self.jobs.close();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != thread::current().id() {
                // Fails if the thread has panicked, which ends it as well.
                let _ = thread.join();
            }
        }
    }
}

/// The connection of a thread, and its end of the queue.
pub(super) struct Worker {
    waiting: Receiver<Job>,
    connection: Connection,
    /// Last, so that the file is closed before the queue counts as ended.
    _alive: Sender<()>,
}

/// A thread that panics leaves no caller waiting.
impl Drop for Worker {
    fn drop(&mut self) {
        self.waiting.close();
        while self.waiting.try_recv().is_ok() {}
    }
}

/// Runs one job after the other.
pub(super) fn read(worker: &Worker) {
    while let Ok(job) = worker.waiting.recv_blocking() {
        let reply = run_all(&worker.connection, &job.requests);
        let _ = job.caller.send(reply.map_err(Arc::new));
    }
}

/// Runs all waiting jobs in one transaction, so that they share one wait for the disk.
pub(super) fn write(worker: &Worker) {
    while let Ok(first) = worker.waiting.recv_blocking() {
        let others = iter::from_fn(|| worker.waiting.try_recv().ok()).take(MAX_BATCH - 1);
        let jobs: Vec<_> = iter::once(first).chain(others).collect();
        let replies = write_all(&worker.connection, &jobs).unwrap_or_else(|error| {
            let error = Arc::new(error);
            jobs.iter().map(|_| Err(Arc::clone(&error))).collect()
        });
        for (job, reply) in iter::zip(jobs, replies) {
            let _ = job.caller.send(reply);
        }
    }
}

/// Each job takes place as a whole or, if it fails, not at all. A failure of the transaction fails all jobs.
fn write_all(connection: &Connection, jobs: &[Job]) -> SqlResult<Vec<Shared<Reply>>> {
    let mut replies = Vec::with_capacity(jobs.len());
    // An uncommitted transaction is rolled back. If that fails, the next one fails to begin.
    let mut transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for job in jobs {
        let savepoint = transaction.savepoint()?;
        let reply = run_all(connection, &job.requests);
        match &reply {
            Ok(_) => savepoint.commit()?,
            // Some errors, a full disk among them, end the transaction.
            Err(_) if connection.is_autocommit() => return reply.map(|_| replies),
            Err(_) => savepoint.finish()?,
        }
        replies.push(reply.map_err(Arc::new));
    }
    transaction.commit()?;
    Ok(replies)
}

fn closed() -> StoreError {
    StoreError::Unavailable("the SQLite store was closed; open it again".into())
}

/// The most waiting jobs; further callers wait for room.
const MAX_WAITING: usize = 1_024;
/// The most jobs of one transaction: enough to share the wait for the disk, few enough to answer soon.
const MAX_BATCH: usize = 256;
