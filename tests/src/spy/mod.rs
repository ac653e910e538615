//! A store that records calls, injects failures and holds operations, in front of another store.

mod calls;
mod writes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use starsessions::store::{
    IndexKey, Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, RowKey, Store,
    StoreError, Touch, Touched,
};
use starsessions::{MemoryStore, Timestamp};
use tokio::task::JoinHandle;

use crate::gate::Gate;

pub use calls::{Calls, Operation};
pub use writes::{Difference, Write};

/// A recording store in front of another store. Clones share their state.
#[derive(Clone, Debug)]
pub struct Spy<S = MemoryStore> {
    store: S,
    protection: Option<Protection>,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    calls: Calls,
    writes: Vec<Write>,
    keys: Vec<RowKey>,
    bytes: Vec<Vec<u8>>,
    faults: HashMap<Operation, Fault>,
    gates: HashMap<(Operation, Moment), Gate>,
    is_slow: bool,
    is_timeless: bool,
    is_overwritten: bool,
    is_unable_to_rotate: bool,
}

/// When an operation fails, and how.
type Fault = (Moment, fn() -> StoreError);

/// The point at which a request stops, and how often it passes that point before.
pub type Place = (Operation, Moment, usize);

/// All places in these operations at which a request can stop, if it begins each operation up to four times.
#[must_use]
pub fn places(operations: &[Operation]) -> Vec<Place> {
    let mut places = Vec::new();
    for &operation in operations {
        for passed in 0..4 {
            places.push((operation, Moment::Before, passed));
            places.push((operation, Moment::After, passed));
        }
    }
    places
}

/// The moment at which an operation fails or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before the operation takes effect.
    Before,
    /// After the operation has taken effect, before the answer arrives.
    After,
}

impl<S: Store> Spy<S> {
    /// A spy in front of a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            protection: None,
            notes: Arc::default(),
        }
    }

    /// Makes the store report that others can read it, so that the runtime seals values.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.protection = Some(Protection::Sealed);
        self
    }

    /// Makes the store report that it cannot change two keys atomically.
    #[must_use]
    pub fn by_parts(self) -> Self {
        self.notes().is_unable_to_rotate = true;
        self
    }

    /// The inner store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The calls since the last `take_calls`.
    #[must_use]
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.notes().calls)
    }

    /// The writes requested since the last `take_writes`.
    #[must_use]
    pub fn take_writes(&self) -> Vec<Write> {
        std::mem::take(&mut self.notes().writes)
    }

    /// The keys that rows were inserted under or moved to, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<RowKey> {
        self.notes().keys.clone()
    }

    /// Every key, name and value that the store has ever received.
    #[must_use]
    pub fn dump(&self) -> Vec<Vec<u8>> {
        self.notes().bytes.clone()
    }

    /// Makes an operation fail from now on, before or after it takes effect.
    pub fn fail(&self, operation: Operation, moment: Moment) {
        let unavailable = || StoreError::Unavailable("connection refused by the test".into());
        self.fail_with(operation, moment, unavailable);
    }

    /// Like [`fail`](Self::fail), with a given error.
    pub fn fail_with(&self, operation: Operation, moment: Moment, error: fn() -> StoreError) {
        self.notes().faults.insert(operation, (moment, error));
    }

    /// Makes every operation fail from now on.
    pub fn fail_all(&self) {
        for operation in Operation::ALL {
            self.fail(operation, Moment::Before);
        }
    }

    /// Ends all failures.
    pub fn recover(&self) {
        self.notes().faults.clear();
    }

    /// Makes every operation yield once before it takes effect, and once after.
    pub fn slow_down(&self) {
        self.notes().is_slow = true;
    }

    /// Makes the store return expired rows, as if it had no clock.
    pub fn forget_time(&self) {
        self.notes().is_timeless = true;
    }

    /// Switches whether the store returns rows with overwritten values.
    pub fn overwrite(&self, is_overwritten: bool) {
        self.notes().is_overwritten = is_overwritten;
    }

    /// Holds an operation from now on. The gate lets one call through at a time.
    #[must_use]
    pub fn hold(&self, operation: Operation, moment: Moment) -> Gate {
        let gate = Gate::new();
        let place = (operation, moment);
        self.notes().gates.insert(place, gate.clone());
        gate
    }

    /// Removes all gates. A call that is already waiting stays held.
    pub fn release(&self) {
        self.notes().gates.clear();
    }

    /// Begins a request and stops it at a place after the given number of passes. Later calls are not held. Returns
    /// `None` if the request ends without reaching the place.
    ///
    /// # Panics
    /// If the request panics.
    pub async fn stop_at<T: Send + 'static>(
        &self,
        (operation, moment, passed): Place,
        request: impl Future<Output = T> + Send + 'static,
    ) -> Option<(Gate, JoinHandle<T>)> {
        let gate = self.hold(operation, moment);
        (0..passed).for_each(|_| gate.open());
        let mut request = tokio::spawn(request);
        for _ in 0..=passed {
            let is_over = tokio::select! {
                biased;
                () = gate.reached() => false,
                over = &mut request => over.map(|_| true).unwrap(),
            };
            if is_over {
                self.release();
                return None;
            }
        }
        self.release();
        Some((gate, request))
    }

    async fn around<T>(
        &self,
        operation: Operation,
        run: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        *self.notes().calls.of(operation) += 1;
        self.stop(operation, Moment::Before).await?;
        let answer = run.await;
        self.stop(operation, Moment::After).await?;
        answer
    }

    async fn stop(&self, operation: Operation, moment: Moment) -> Result<(), StoreError> {
        let is_slow = self.notes().is_slow;
        if is_slow {
            tokio::task::yield_now().await;
        }
        let gate = self.notes().gates.get(&(operation, moment)).cloned();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        // Copied out, so that the lock is released before a fault may panic.
        let fault = self.notes().faults.get(&operation).copied();
        match fault {
            Some((failing, error)) if failing == moment => Err(error()),
            _ => Ok(()),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }
}

impl<S: Store> Store for Spy<S> {
    fn protection(&self) -> Protection {
        self.protection.unwrap_or_else(|| self.store.protection())
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.notes().see_key(key);
        let is_timeless = self.notes().is_timeless;
        let now = if is_timeless {
            Timestamp::default()
        } else {
            now
        };
        let load = self.store.load(key, now);
        let mut loaded = self.around(Operation::Load, load).await;
        if let Ok(Some(row)) = &mut loaded
            && self.notes().is_overwritten
        {
            row.value = Arc::from(*b"overwritten");
        }
        loaded
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.notes().see_key(key);
        self.notes().see_row(row);
        self.notes().keys.push(*key);
        self.notes().writes.push(Write::Insert(row.clone()));
        let insert = self.store.insert(key, row, now);
        self.around(Operation::Insert, insert).await
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.notes().see_key(key);
        self.notes().see_row(row);
        self.notes().writes.push(Write::Replace {
            seen: seen.clone(),
            row: row.clone(),
        });
        let replace = self.store.replace(key, seen, row, now);
        self.around(Operation::Replace, replace).await
    }

    async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated, StoreError> {
        if self.notes().is_unable_to_rotate {
            return Ok(Rotated::Unsupported);
        }
        self.notes().see_key(rotation.old);
        self.notes().see_key(rotation.new);
        self.notes().see_row(rotation.left);
        self.notes().see_row(rotation.row);
        self.notes().writes.push(Write::Rotate {
            seen: rotation.seen.clone(),
            left: rotation.left.clone(),
            row: rotation.row.clone(),
        });
        self.notes().keys.push(*rotation.new);
        let rotate = self.store.rotate(rotation, now);
        self.around(Operation::Rotate, rotate).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.notes().see_key(key);
        self.notes().writes.push(Write::Touch(touch));
        let touch = self.store.touch(key, seen, touch, now);
        self.around(Operation::Touch, touch).await
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        self.notes().see_key(key);
        self.notes().writes.push(Write::Remove);
        let remove = self.store.remove(key);
        self.around(Operation::Remove, remove).await
    }

    async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let list = self.store.listed(index_key, now);
        self.around(Operation::List, list).await
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.store.sweep(limit, now).await
    }
}

impl Notes {
    fn see_key(&mut self, key: &RowKey) {
        self.bytes.push(key.as_bytes().to_vec());
    }

    fn see_row(&mut self, row: &Row) {
        self.bytes.push(row.value.to_vec());
        if let Some(listing) = &row.listing {
            self.bytes.push(listing.card().to_vec());
        }
    }
}
