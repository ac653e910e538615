//! A place where code under test waits for the test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Holds a task at [`pass`](Self::pass) until the test calls [`open`](Self::open). Clones share the gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Sides>);

#[derive(Debug)]
struct Sides {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Sides {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        }))
    }

    /// Arrives, and waits until the gate is opened.
    ///
    /// # Panics
    /// Never: the semaphores are not closed.
    pub async fn pass(&self) {
        self.0.arrived.add_permits(1);
        self.0.open.acquire().await.unwrap().forget();
    }

    /// Waits until one more task has arrived.
    ///
    /// # Panics
    /// If no task arrives in time, so that the test fails instead of hanging.
    pub async fn reached(&self) {
        tokio::time::timeout(PATIENCE, self.0.arrived.acquire())
            .await
            .expect("no task has come to the gate")
            .unwrap()
            .forget();
    }

    /// Lets one task through.
    pub fn open(&self) {
        self.0.open.add_permits(1);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
