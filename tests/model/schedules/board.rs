//! A store whose operations wait until it is their turn.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use starsessions::store::{
    IndexKey, Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, RowKey, Store,
    StoreError, Touch, Touched,
};
use starsessions::{MemoryStore, Timestamp};

/// The store operation that a request is about to perform.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    writes: bool,
    /// Empty for a list, which may show any key.
    keys: Vec<RowKey>,
}

impl Operation {
    fn read<const N: usize>(keys: [&RowKey; N]) -> Self {
        Self {
            writes: false,
            keys: keys.map(|key| *key).to_vec(),
        }
    }

    fn write<const N: usize>(keys: [&RowKey; N]) -> Self {
        Self {
            writes: true,
            ..Self::read(keys)
        }
    }

    /// Whether the order of the two operations makes no difference.
    pub(super) fn commutes_with(&self, other: &Self) -> bool {
        let is_list = self.keys.is_empty() || other.keys.is_empty();
        let shares = self.keys.iter().any(|key| other.keys.contains(key));
        !(self.writes || other.writes) || !(is_list || shares)
    }
}

/// The request that may continue, and the operation that each request waits to perform. Clones share one board.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Mutex<Turns>>);

#[derive(Default)]
pub(super) struct Turns {
    /// The request that is being polled. If there is none, no operation waits.
    pub(super) of: Option<usize>,
    pub(super) waiting: BTreeMap<usize, Operation>,
}

impl Board {
    pub(super) fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap()
    }
}

/// Waits until its request is polled again.
struct Wait {
    board: Board,
    operation: Option<Operation>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let operation = self.operation.take();
        let mut turns = self.board.turns();
        let Some(request) = turns.of else {
            return Poll::Ready(());
        };
        match operation {
            Some(operation) => {
                turns.waiting.insert(request, operation);
                Poll::Pending
            }
            None => {
                turns.waiting.remove(&request);
                Poll::Ready(())
            }
        }
    }
}

/// A store in memory; the library treats it as readable by others.
#[derive(Clone)]
pub(super) struct InTurn {
    pub(super) store: MemoryStore,
    pub(super) board: Board,
    /// The store cannot change two keys at once.
    pub(super) is_by_parts: bool,
}

impl InTurn {
    async fn wait(&self, operation: Operation) {
        let wait = Wait {
            board: self.board.clone(),
            operation: Some(operation),
        };
        wait.await;
    }
}

impl Store for InTurn {
    fn protection(&self) -> Protection {
        Protection::Sealed
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.wait(Operation::read([key])).await;
        self.store.load(key, now).await
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.wait(Operation::write([key])).await;
        self.store.insert(key, row, now).await
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.wait(Operation::write([key])).await;
        self.store.replace(key, seen, row, now).await
    }

    async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated, StoreError> {
        if self.is_by_parts {
            return Ok(Rotated::Unsupported);
        }
        let keys = [rotation.old, rotation.new];
        self.wait(Operation::write(keys)).await;
        self.store.rotate(rotation, now).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.wait(Operation::write([key])).await;
        self.store.touch(key, seen, touch, now).await
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        self.wait(Operation::write([key])).await;
        self.store.remove(key).await
    }

    async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        self.wait(Operation::read([])).await;
        self.store.listed(index_key, now).await
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.store.sweep(limit, now).await
    }
}
