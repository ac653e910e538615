//! The threads that talk to SQLite, and the queues in front of them.
//!
//! SQLite blocks, so no task ever calls it. A job is handed over whole: a caller who goes away before
//! that has done nothing, and one who goes away afterwards changes nothing.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::fault::Fault;
use crate::store::StoreError;

/// A queue, and the threads that work it off.
pub(super) struct Queue {
    /// Taken when the queue is closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// Fails as soon as all threads have ended.
    ended: watch::Receiver<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Something to do, or the reason why it cannot be done.
type Job = Box<dyn FnOnce(Result<&Connection, Fault>) -> Answer + Send>;

/// Tells the caller, once it is known whether the transaction is on the disk.
type Answer = Box<dyn FnOnce(Result<(), Fault>)>;

impl Queue {
    /// One thread, which writes.
    pub(super) fn writer(connection: Connection) -> io::Result<Self> {
        Self::start("sessions-write", vec![connection], |connection, jobs| {
            let mut batch = Vec::with_capacity(MAX_BATCH);
            while lock(jobs).blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
                write(connection, &mut batch);
            }
        })
    }

    /// A thread for each connection, which reads.
    pub(super) fn readers(connections: Vec<Connection>) -> io::Result<Self> {
        Self::start("sessions-read", connections, |connection, jobs| {
            loop {
                // The lock is held while waiting and not while reading: one thread waits at a time.
                let job = lock(jobs).blocking_recv();
                match job {
                    Some(job) => job(Ok(connection))(Ok(())),
                    None => return,
                }
            }
        })
    }

    /// Hands a job over, and waits for what comes of it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let jobs = lock(&self.jobs).clone().ok_or_else(closed)?;
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = connection.and_then(job);
            Box::new(move |outcome| {
                // Nobody listens where the caller has gone away.
                let _ = sender.send(outcome.and(result));
            })
        });
        jobs.send(job).await.map_err(|_| closed())?;
        drop(jobs);
        Ok(answer.await.map_err(|_| closed())??)
    }

    /// Takes no more jobs, finishes those that were taken, and ends the threads.
    pub(super) async fn close(&self) {
        drop(lock(&self.jobs).take());
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    fn start(
        name: &str,
        connections: Vec<Connection>,
        work: fn(&Connection, &Mutex<mpsc::Receiver<Job>>),
    ) -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel(MAX_WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let (alive, ended) = watch::channel(());
        let queue = Self {
            jobs: Mutex::new(Some(sender)),
            ended,
            threads: Mutex::default(),
        };
        for connection in connections {
            let (jobs, alive) = (Arc::clone(&jobs), alive.clone());
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    work(&connection, &jobs);
                    drop(connection);
                    drop(alive);
                })?;
            lock(&queue.threads).push(thread);
        }
        Ok(queue)
    }
}

/// Waits for the threads, so that what was handed over is done before the process can end. There
/// are never more jobs than the queue holds: that is a matter of milliseconds.
impl Drop for Queue {
    fn drop(&mut self) {
        drop(lock(&self.jobs).take());
        for thread in lock(&self.threads).drain(..) {
            if thread.thread().id() != thread::current().id() {
                // A thread that has panicked has ended, too.
                let _ = thread.join();
            }
        }
    }
}

/// Does what has gathered in one transaction, so that one wait for the disk serves all.
fn write(connection: &Connection, batch: &mut Vec<Job>) {
    let begun = execute(connection, "BEGIN IMMEDIATE");
    let mut answers = Vec::with_capacity(batch.len());
    for job in batch.drain(..) {
        // Some errors, a full disk among them, end the transaction of all.
        let ground = match &begun {
            Err(fault) => Err(fault.clone()),
            Ok(()) if connection.is_autocommit() => Err(Fault::rolled_back()),
            Ok(()) => Ok(connection),
        };
        answers.push(job(ground));
    }
    let committed = begun.and_then(|()| execute(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        // If this fails as well, the next `BEGIN` does, and says so.
        let _ = execute(connection, "ROLLBACK");
    }
    for answer in answers {
        answer(committed.clone());
    }
}

/// Runs a job so that it takes place as a whole or, when it fails, not at all.
pub(super) fn whole<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    execute(connection, "SAVEPOINT job")?;
    let result = job(connection);
    if connection.is_autocommit() {
        return result;
    }
    if result.is_err() && execute(connection, "ROLLBACK TO job").is_err() {
        // Half a job must not be committed with the others.
        execute(connection, "ROLLBACK")?;
        return result;
    }
    execute(connection, "RELEASE job")?;
    result
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> StoreError {
    StoreError::Unavailable(Box::new(Closed))
}

/// The store was closed, or one of its threads has ended.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the SQLite store was closed; open it again")
    }
}

impl Error for Closed {}

/// What waits for its turn; whoever comes on top waits for room.
const MAX_WAITING: usize = 1_024;
/// What shares a transaction: enough to divide the wait for the disk, little enough to answer soon.
const MAX_BATCH: usize = 256;
