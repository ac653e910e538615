//! A store that is not waited for longer than the layer allows.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{
    Answer, Committed, Created, ErasedStore, Loaded, Protection, Rotated, Store, StoreError,
    Touched,
};

/// A store, and how long each of its operations may take.
pub(crate) struct TimedStore {
    store: Box<dyn ErasedStore>,
    pub(crate) timeout: Duration,
}

impl TimedStore {
    pub(super) fn new(store: impl Store) -> Self {
        Self {
            store: Box::new(store),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    pub(super) fn protection(&self) -> Protection {
        self.store.protection()
    }

    pub(super) async fn load(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        self.limit(self.store.load(key, now)).await
    }

    pub(super) async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.limit(self.store.create(key, record, now)).await
    }

    pub(super) async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.limit(self.store.commit(key, commit, now)).await
    }

    pub(super) async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        self.limit(self.store.rotate(old, new, rotation, now)).await
    }

    pub(super) async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.limit(self.store.touch(key, touch, now)).await
    }

    pub(super) async fn delete(
        &self,
        key: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        self.limit(self.store.delete(key, now)).await
    }

    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        self.limit(self.store.sessions_of(index, now)).await
    }

    /// What has not happened when the time is over may still happen, or not: nobody knows.
    async fn limit<T>(&self, mut operation: Answer<'_, T>) -> Result<T, StoreError> {
        // A store inside this process answers at once, and needs no timer.
        let mut timer = None;
        poll_fn(|cx| {
            if let Poll::Ready(answer) = operation.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.timeout)))
                .as_mut()
                .poll(cx)
                .map(|()| Err(StoreError::Unavailable(TimedOut(self.timeout).into())))
        })
        .await
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
