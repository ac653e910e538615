//! A store that is not waited for longer than the layer allows.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe;
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{
    Answer, Committed, Created, ErasedStore, Loaded, MemoryStore, Protection, Rotated, Store,
    StoreError, Touched,
};

/// A store, and how long each of its operations may take.
pub(crate) struct TimedStore {
    kept: Kept,
    pub(crate) timeout: Duration,
}

enum Kept {
    /// Answers at once: there is nothing to limit, and no future to put in a box. Fails if it is full.
    Memory(MemoryStore),
    Elsewhere(Box<dyn ErasedStore>),
}

impl TimedStore {
    pub(super) fn new(store: impl Store) -> Self {
        let memory = (&store as &dyn Any).downcast_ref::<MemoryStore>();
        let kept = match memory {
            Some(memory) => Kept::Memory(memory.clone()),
            None => Kept::Elsewhere(Box::new(store)),
        };
        Self {
            kept,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    pub(super) fn protection(&self) -> Protection {
        match &self.kept {
            Kept::Memory(store) => Store::protection(store),
            Kept::Elsewhere(store) => store.protection(),
        }
    }

    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        match &self.kept {
            Kept::Memory(store) => Store::load(store, key, now).await,
            Kept::Elsewhere(store) => self.limit("load", store.load(key, now)).await,
        }
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        match &self.kept {
            Kept::Memory(store) => {
                observe::counted("create", Store::create(store, key, record, now).await)
            }
            Kept::Elsewhere(store) => self.limit("create", store.create(key, record, now)).await,
        }
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match &self.kept {
            Kept::Memory(store) => {
                observe::counted("commit", Store::commit(store, key, commit, now).await)
            }
            Kept::Elsewhere(store) => self.limit("commit", store.commit(key, commit, now)).await,
        }
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        match &self.kept {
            Kept::Memory(store) => {
                let rotated = Store::rotate(store, old, new, rotation, now).await;
                observe::counted("rotate", rotated)
            }
            Kept::Elsewhere(store) => {
                self.limit("rotate", store.rotate(old, new, rotation, now))
                    .await
            }
        }
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        match &self.kept {
            Kept::Memory(store) => Store::touch(store, key, touch, now).await,
            Kept::Elsewhere(store) => self.limit("touch", store.touch(key, touch, now)).await,
        }
    }

    pub(super) async fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        match &self.kept {
            Kept::Memory(store) => Store::delete(store, key, now).await,
            Kept::Elsewhere(store) => self.limit("delete", store.delete(key, now)).await,
        }
    }

    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        match &self.kept {
            Kept::Memory(store) => Store::sessions_of(store, index, now).await,
            Kept::Elsewhere(store) => {
                self.limit("sessions_of", store.sessions_of(index, now))
                    .await
            }
        }
    }

    /// What has not happened when the time is over may still happen, or not: nobody knows.
    async fn limit<T>(
        &self,
        name: &'static str,
        mut operation: Answer<'_, T>,
    ) -> Result<T, StoreError> {
        let span = observe::operation_span(name);
        // A store inside this process answers at once, and needs no timer.
        let mut timer = None;
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = span.in_scope(|| operation.as_mut().poll(cx)) {
                return Poll::Ready(answer);
            }
            timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.timeout)))
                .as_mut()
                .poll(cx)
                .map(|()| Err(StoreError::Unavailable(TimedOut(self.timeout).into())))
        });
        observe::measured(name, answer).await
    }
}

/// The store has not answered within the layer's time-out.
#[derive(Debug)]
struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {:?}", self.0)
    }
}

impl Error for TimedOut {}

/// Less than browsers and proxies wait, more than a store in trouble needs to find itself again.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
