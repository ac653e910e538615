//! A store behind a pointer, so that a layer needs no type parameter. It is not waited for longer than
//! the layer allows.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe;
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};

/// An operation and its timer, in one box.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`], object safe.
pub(super) trait ErasedStore: Send + Sync + 'static {
    fn set_timeout(&mut self, timeout: Duration);

    fn protection(&self) -> Protection;

    fn load<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Loaded>>;

    fn create<'a>(
        &'a self,
        key: &'a RowKey,
        record: &'a Record,
        now: Timestamp,
    ) -> Answer<'a, Created>;

    fn commit<'a>(
        &'a self,
        key: &'a RowKey,
        commit: &'a Commit,
        now: Timestamp,
    ) -> Answer<'a, Committed>;

    fn rotate<'a>(
        &'a self,
        old: &'a RowKey,
        new: &'a RowKey,
        rotation: &'a Rotation,
        now: Timestamp,
    ) -> Answer<'a, Rotated>;

    fn touch<'a>(
        &'a self,
        key: &'a RowKey,
        touch: &'a Touch,
        now: Timestamp,
    ) -> Answer<'a, Touched>;

    fn delete<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Forward>>;

    fn sessions_of<'a>(
        &'a self,
        index: &'a IndexKey,
        now: Timestamp,
    ) -> Answer<'a, Vec<(RowKey, Record)>>;
}

/// A store, and how long each of its operations may take.
pub(super) struct Timed<S> {
    store: S,
    timeout: Duration,
}

impl<S> Timed<S> {
    pub(super) fn new(store: S) -> Self {
        Self {
            store,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// What has not happened when the time is over may still happen, or not: nobody knows.
    async fn limit<T>(
        &self,
        name: &'static str,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut operation = pin!(operation);
        let span = observe::operation_span(name);
        // A store inside this process answers at once, and needs no timer.
        let mut timer = pin!(None);
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = span.in_scope(|| operation.as_mut().poll(cx)) {
                return Poll::Ready(answer);
            }
            if timer.is_none() {
                timer.set(Some(tokio::time::sleep(self.timeout)));
            }
            let is_over = timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx));
            if is_over.is_none_or(|is_over| is_over.is_pending()) {
                return Poll::Pending;
            }
            Poll::Ready(Err(StoreError::Unavailable(TimedOut(self.timeout).into())))
        });
        observe::measured(name, answer).await
    }
}

impl<S: Store> ErasedStore for Timed<S> {
    fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    fn protection(&self) -> Protection {
        self.store.protection()
    }

    fn load<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Loaded>> {
        Box::pin(self.limit("load", self.store.load(key, now)))
    }

    fn create<'a>(
        &'a self,
        key: &'a RowKey,
        record: &'a Record,
        now: Timestamp,
    ) -> Answer<'a, Created> {
        Box::pin(self.limit("create", self.store.create(key, record, now)))
    }

    fn commit<'a>(
        &'a self,
        key: &'a RowKey,
        commit: &'a Commit,
        now: Timestamp,
    ) -> Answer<'a, Committed> {
        Box::pin(self.limit("commit", self.store.commit(key, commit, now)))
    }

    fn rotate<'a>(
        &'a self,
        old: &'a RowKey,
        new: &'a RowKey,
        rotation: &'a Rotation,
        now: Timestamp,
    ) -> Answer<'a, Rotated> {
        Box::pin(self.limit("rotate", self.store.rotate(old, new, rotation, now)))
    }

    fn touch<'a>(
        &'a self,
        key: &'a RowKey,
        touch: &'a Touch,
        now: Timestamp,
    ) -> Answer<'a, Touched> {
        Box::pin(self.limit("touch", self.store.touch(key, touch, now)))
    }

    fn delete<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Forward>> {
        Box::pin(self.limit("delete", self.store.delete(key, now)))
    }

    fn sessions_of<'a>(
        &'a self,
        index: &'a IndexKey,
        now: Timestamp,
    ) -> Answer<'a, Vec<(RowKey, Record)>> {
        Box::pin(self.limit("sessions_of", self.store.sessions_of(index, now)))
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
