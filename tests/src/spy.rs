//! A store that tells what was asked of it, fails when it is told to, and waits when it is held.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use starsessions::Timestamp;
use starsessions::store::{
    Commit, Committed, Created, FieldWrite, Forward, IndexKey, Loaded, Protection, Record, Rotated,
    Rotation, RowKey, Store, StoreError, Touch, Touched,
};

use crate::gate::Gate;

/// A store in front of another one. Clones are one spy.
#[derive(Clone, Debug)]
pub struct Spy<S> {
    store: S,
    protection: Option<Protection>,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    calls: Calls,
    commits: Vec<Commit>,
    rotations: Vec<Rotation>,
    keys: Vec<RowKey>,
    bytes: Vec<Vec<u8>>,
    faults: HashMap<Operation, Moment>,
    gates: HashMap<(Operation, Moment), Gate>,
    is_slow: bool,
    is_timeless: bool,
}

/// What a request can ask of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `Store::load`
    Load,
    /// `Store::create`
    Create,
    /// `Store::commit`
    Commit,
    /// `Store::rotate`
    Rotate,
    /// `Store::touch`
    Touch,
    /// `Store::delete`
    Delete,
    /// `Store::sessions_of`
    List,
}

/// When a store fails or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// It has happened, and the answer is on its way.
    After,
}

/// How often each operation was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// `Store::load`
    pub loads: u32,
    /// `Store::create`
    pub creates: u32,
    /// `Store::commit`
    pub commits: u32,
    /// `Store::rotate`
    pub rotates: u32,
    /// `Store::touch`
    pub touches: u32,
    /// `Store::delete`
    pub deletes: u32,
    /// `Store::sessions_of`
    pub lists: u32,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::Load,
        Self::Create,
        Self::Commit,
        Self::Rotate,
        Self::Touch,
        Self::Delete,
        Self::List,
    ];
}

impl Calls {
    /// No call at all.
    pub const NONE: Self = Self {
        loads: 0,
        creates: 0,
        commits: 0,
        rotates: 0,
        touches: 0,
        deletes: 0,
        lists: 0,
    };

    /// The calls that change something.
    #[must_use]
    pub fn writes(self) -> u32 {
        self.creates + self.commits + self.rotates + self.touches + self.deletes
    }

    fn of(&mut self, operation: Operation) -> &mut u32 {
        match operation {
            Operation::Load => &mut self.loads,
            Operation::Create => &mut self.creates,
            Operation::Commit => &mut self.commits,
            Operation::Rotate => &mut self.rotates,
            Operation::Touch => &mut self.touches,
            Operation::Delete => &mut self.deletes,
            Operation::List => &mut self.lists,
        }
    }
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

    /// The same, of a store that others can read: values are sealed before they come here.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.protection = Some(Protection::Sealed);
        self
    }

    /// The store behind.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// What was asked since the last time that it was taken.
    #[must_use]
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.notes().calls)
    }

    /// The commits that were asked for since the last time that they were taken.
    #[must_use]
    pub fn take_commits(&self) -> Vec<Commit> {
        std::mem::take(&mut self.notes().commits)
    }

    /// The rotations that were asked for since the last time that they were taken.
    #[must_use]
    pub fn take_rotations(&self) -> Vec<Rotation> {
        std::mem::take(&mut self.notes().rotations)
    }

    /// The keys that records were created under or moved to, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<RowKey> {
        self.notes().keys.clone()
    }

    /// Every key, name and value that has ever come here.
    #[must_use]
    pub fn dump(&self) -> Vec<Vec<u8>> {
        self.notes().bytes.clone()
    }

    /// Lets an operation fail from now on, with or without having taken place.
    pub fn fail(&self, operation: Operation, moment: Moment) {
        self.notes().faults.insert(operation, moment);
    }

    /// Lets every operation fail from now on.
    pub fn fail_all(&self) {
        for operation in Operation::ALL {
            self.fail(operation, Moment::Before);
        }
    }

    /// Ends all failures.
    pub fn recover(&self) {
        self.notes().faults.clear();
    }

    /// Lets every operation wait once before it takes place, and once after.
    pub fn slow_down(&self) {
        self.notes().is_slow = true;
    }

    /// Lets the store return what has expired, as if it had no clock.
    pub fn forget_time(&self) {
        self.notes().is_timeless = true;
    }

    /// Holds an operation from now on; the gate lets one through at a time.
    #[must_use]
    pub fn hold(&self, operation: Operation, moment: Moment) -> Gate {
        let gate = Gate::new();
        let place = (operation, moment);
        self.notes().gates.insert(place, gate.clone());
        gate
    }

    /// Holds nothing any more; who waits already is not let through.
    pub fn release(&self) {
        self.notes().gates.clear();
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
        if self.notes().faults.get(&operation) == Some(&moment) {
            return Err(StoreError::Unavailable(
                "connection refused by the test".into(),
            ));
        }
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }
}

impl<S: Store> Store for Spy<S> {
    fn protection(&self) -> Protection {
        self.protection.unwrap_or_else(|| self.store.protection())
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        self.notes().see_key(key);
        let is_timeless = self.notes().is_timeless;
        let now = if is_timeless {
            Timestamp::default()
        } else {
            now
        };
        let load = self.store.load(key, now);
        self.around(Operation::Load, load).await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.notes().see_key(key);
        self.notes().see_record(record);
        self.notes().keys.push(*key);
        let create = self.store.create(key, record, now);
        self.around(Operation::Create, create).await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.notes().see_key(key);
        self.notes().see_commit(commit);
        self.notes().commits.push(commit.clone());
        let commit = self.store.commit(key, commit, now);
        self.around(Operation::Commit, commit).await
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        self.notes().see_key(old);
        self.notes().see_key(new);
        self.notes().see_rotation(rotation);
        self.notes().rotations.push(rotation.clone());
        self.notes().keys.push(*new);
        let rotate = self.store.rotate(old, new, rotation, now);
        self.around(Operation::Rotate, rotate).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.notes().see_key(key);
        let touch = self.store.touch(key, touch, now);
        self.around(Operation::Touch, touch).await
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        self.notes().see_key(key);
        let delete = self.store.delete(key, now);
        self.around(Operation::Delete, delete).await
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        let list = self.store.sessions_of(index, now);
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

    fn see_record(&mut self, record: &Record) {
        for (name, field) in record.fields.iter() {
            self.see_value(name, &field.value);
        }
    }

    fn see_commit(&mut self, commit: &Commit) {
        for (name, FieldWrite { value, .. }) in &commit.set {
            self.see_value(name, value);
        }
    }

    fn see_rotation(&mut self, rotation: &Rotation) {
        self.see_record(&rotation.record);
        if let Some(forward) = &rotation.forward {
            self.bytes.push(forward.to.to_vec());
        }
    }

    fn see_value(&mut self, name: &str, value: &[u8]) {
        self.bytes.push(name.as_bytes().to_vec());
        self.bytes.push(value.to_vec());
    }
}
