//! The threads that talk to SQLite, and the queues in front of them.
//!
//! SQLite blocks, so no task ever calls it. A job is handed over whole: a future that is dropped before
//! that has done nothing, and one that is dropped afterwards changes nothing.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, iter};

use async_channel::{Receiver, Sender};
use rusqlite::{Connection, Result as SqlResult};
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

/// What takes place as a whole, and the caller that waits for its reply.
struct Job {
    requests: Requests,
    caller: oneshot::Sender<Shared<Reply>>,
}

/// All jobs of a transaction may get the same error.
type Shared<T> = std::result::Result<T, Arc<rusqlite::Error>>;

impl Queue {
    /// One thread, which writes.
    pub(super) fn writer(connection: Connection) -> io::Result<Self> {
        Self::start("sessions-write", vec![connection], MAX_BATCH, write)
    }

    /// A thread for each connection, which reads.
    pub(super) fn readers(connections: Vec<Connection>) -> io::Result<Self> {
        Self::start("sessions-read", connections, 1, read)
    }

    /// Hands a job over, and waits for its reply.
    pub(super) async fn run(&self, requests: Requests) -> Result<Reply> {
        let (caller, reply) = oneshot::channel();
        let job = Job { requests, caller };
        self.jobs.send(job).await.map_err(|_| closed())?;
        Ok(reply.await.map_err(|_| closed())??)
    }

    /// Takes no more jobs, finishes those that were taken, and ends the threads.
    pub(super) async fn close(&self) {
        self.jobs.close();
        let _ = self.ended.recv().await;
    }

    fn start(
        name: &str,
        connections: Vec<Connection>,
        at_once: usize,
        work: fn(&Connection, &mut Vec<Job>),
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
            thread.spawn(move || worker.run(at_once, work))
        };
        let threads = connections.into_iter().map(start);
        Ok(Self {
            jobs,
            threads: threads.collect::<io::Result<_>>()?,
            ended,
        })
    }
}

/// Waits for the threads, so that what was handed over is done before the process can end. The queue
/// is bounded, so this takes milliseconds.
impl Drop for Queue {
    fn drop(&mut self) {
        self.jobs.close();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != thread::current().id() {
                // Fails if the thread has panicked; it has ended as well.
                let _ = thread.join();
            }
        }
    }
}

/// What a thread owns.
struct Worker {
    waiting: Receiver<Job>,
    connection: Connection,
    /// Last, so that the file is closed before the queue counts as ended.
    _alive: Sender<()>,
}

impl Worker {
    fn run(self, at_once: usize, work: fn(&Connection, &mut Vec<Job>)) {
        let mut jobs = Vec::with_capacity(at_once);
        while let Ok(job) = self.waiting.recv_blocking() {
            jobs.push(job);
            jobs.extend(iter::from_fn(|| self.waiting.try_recv().ok()).take(at_once - 1));
            work(&self.connection, &mut jobs);
        }
    }
}

/// A thread that panics leaves no caller waiting.
impl Drop for Worker {
    fn drop(&mut self) {
        self.waiting.close();
        while self.waiting.try_recv().is_ok() {}
    }
}

impl Job {
    /// Fails if the caller's future was dropped, which then needs no reply.
    fn answer(self, reply: Shared<Reply>) {
        let _ = self.caller.send(reply);
    }
}

fn read(connection: &Connection, jobs: &mut Vec<Job>) {
    for job in jobs.drain(..) {
        let reply = run_all(connection, &job.requests);
        job.answer(reply.map_err(Arc::new));
    }
}

/// Does all jobs in one transaction, so that one wait for the disk serves all.
fn write(connection: &Connection, jobs: &mut Vec<Job>) {
    let written = write_all(connection, jobs).map_err(Arc::new);
    if written.is_err() && !connection.is_autocommit() {
        // If this fails as well, the next `BEGIN` does, and says so.
        let _ = execute(connection, "ROLLBACK");
    }
    match written {
        Ok(replies) => {
            for (job, reply) in jobs.drain(..).zip(replies) {
                job.answer(reply.map_err(Arc::new));
            }
        }
        Err(error) => {
            for job in jobs.drain(..) {
                job.answer(Err(Arc::clone(&error)));
            }
        }
    }
}

/// Each job takes place as a whole or, when it fails, not at all. Any other failure is that of all.
fn write_all(connection: &Connection, jobs: &[Job]) -> SqlResult<Vec<SqlResult<Reply>>> {
    let mut replies = Vec::with_capacity(jobs.len());
    execute(connection, "BEGIN IMMEDIATE")?;
    for job in jobs {
        execute(connection, "SAVEPOINT job")?;
        let reply = run_all(connection, &job.requests);
        match &reply {
            // Some errors, a full disk among them, end the transaction.
            Err(_) if connection.is_autocommit() => return reply.map(|_| replies),
            Err(_) => execute(connection, "ROLLBACK TO job")?,
            Ok(_) => {}
        }
        execute(connection, "RELEASE job")?;
        replies.push(reply);
    }
    execute(connection, "COMMIT")?;
    Ok(replies)
}

fn execute(connection: &Connection, sql: &str) -> SqlResult<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn closed() -> StoreError {
    StoreError::Unavailable("the SQLite store was closed; open it again".into())
}

/// The jobs that wait for their turn; further callers wait for room.
const MAX_WAITING: usize = 1_024;
/// The jobs of one transaction: enough to divide the wait for the disk, few enough to answer soon.
const MAX_BATCH: usize = 256;
