//! The store of a layer: the one in memory as it is, any other behind a pointer and with a timer.

use std::any::Any;
use std::time::Duration;

use super::erased::{ErasedStore, Timed};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe;
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{
    Committed, Created, Loaded, MemoryStore, Protection, Rotated, Store, StoreError, Touched,
};

/// A store that is not waited for too long.
pub(crate) struct TimedStore(Kept);

enum Kept {
    /// Answers at once: there is nothing to limit, and no future to put in a box. Fails if it is full.
    Memory(MemoryStore),
    Elsewhere(Box<dyn ErasedStore>),
}

impl TimedStore {
    pub(super) fn new(store: impl Store) -> Self {
        let memory = (&store as &dyn Any).downcast_ref::<MemoryStore>();
        Self(match memory {
            Some(memory) => Kept::Memory(memory.clone()),
            None => Kept::Elsewhere(Box::new(Timed::new(store))),
        })
    }

    /// How long each operation may take.
    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        if let Kept::Elsewhere(store) = &mut self.0 {
            store.set_timeout(timeout);
        }
    }

    pub(super) fn protection(&self) -> Protection {
        match &self.0 {
            Kept::Memory(store) => Store::protection(store),
            Kept::Elsewhere(store) => store.protection(),
        }
    }

    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        match &self.0 {
            Kept::Memory(store) => Store::load(store, key, now).await,
            Kept::Elsewhere(store) => store.load(key, now).await,
        }
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        match &self.0 {
            Kept::Memory(store) => {
                observe::counted("create", Store::create(store, key, record, now).await)
            }
            Kept::Elsewhere(store) => store.create(key, record, now).await,
        }
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match &self.0 {
            Kept::Memory(store) => {
                observe::counted("commit", Store::commit(store, key, commit, now).await)
            }
            Kept::Elsewhere(store) => store.commit(key, commit, now).await,
        }
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        match &self.0 {
            Kept::Memory(store) => {
                let rotated = Store::rotate(store, old, new, rotation, now).await;
                observe::counted("rotate", rotated)
            }
            Kept::Elsewhere(store) => store.rotate(old, new, rotation, now).await,
        }
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        match &self.0 {
            Kept::Memory(store) => Store::touch(store, key, touch, now).await,
            Kept::Elsewhere(store) => store.touch(key, touch, now).await,
        }
    }

    pub(super) async fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        match &self.0 {
            Kept::Memory(store) => Store::delete(store, key, now).await,
            Kept::Elsewhere(store) => store.delete(key, now).await,
        }
    }

    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        match &self.0 {
            Kept::Memory(store) => Store::sessions_of(store, index, now).await,
            Kept::Elsewhere(store) => store.sessions_of(index, now).await,
        }
    }
}
