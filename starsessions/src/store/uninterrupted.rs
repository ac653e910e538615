//! Operations that run to their end even if their caller is dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tracing::{Instrument as _, Span};

use super::{
    Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, Store, StoreError, Touch,
    Touched,
};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};

/// A store whose operations run to their end when the caller's future is dropped.
///
/// A request may be cancelled at any await point: its browser disconnects, or a time-out passes. Many
/// database clients do not expect this in the middle of a transaction or of an answer. Inside this wrapper,
/// a store on such a client keeps the second clause of the [contract](Store).
///
/// An operation runs inside its caller, at the cost of one allocation. If the caller drops it, the rest of
/// the operation becomes a task of the tokio runtime. An operation that was never polled does not begin.
///
/// - A panic of the store unwinds into the caller, as without the wrapper. In a task it ends the task.
/// - If the runtime shuts down, or the caller was not polled by a tokio runtime, a dropped operation ends
///   where it is, as without the wrapper.
///
/// Clones share the store.
///
/// ```
/// use starsessions::MemoryStore;
/// use starsessions::store::Uninterrupted;
///
/// let store = Uninterrupted::new(MemoryStore::new());
/// assert!(store.get_ref().is_empty());
/// ```
#[derive(Debug)]
pub struct Uninterrupted<S> {
    store: Arc<S>,
}

impl<S> Uninterrupted<S> {
    /// Wraps a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
        }
    }

    /// The store inside.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.store
    }
}

impl<S> Clone for Uninterrupted<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
        }
    }
}

/// Operations that own their arguments.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty, $lent:tt;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$output, StoreError> {
            $(let $argument = $argument.to_owned();)*
            let store = Arc::clone(&self.store);
            to_its_end(async move { store.$name $lent.await }).await
        })*
    };
}

impl<S: Store> Store for Uninterrupted<S> {
    fn protection(&self) -> Protection {
        self.store.protection()
    }

    operations! {
        load(key: &RowKey, now: Timestamp) -> Option<Row>, (&key, now);
        insert(key: &RowKey, row: &Row, now: Timestamp) -> Inserted, (&key, &row, now);
        replace(key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Replaced, (&key, &seen, &row, now);
        touch(key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Touched, (&key, &seen, touch, now);
        remove(key: &RowKey) -> Option<Row>, (&key);
        listed(index_key: &IndexKey, now: Timestamp) -> Vec<Listed>, (&index_key, now);
        sweep(limit: usize, now: Timestamp) -> usize, (limit, now);
    }

    async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated, StoreError> {
        let (store, old, new) = (Arc::clone(&self.store), *rotation.old, *rotation.new);
        let [seen, left, row] = [rotation.seen, rotation.left, rotation.row].map(Row::clone);
        to_its_end(async move {
            let rotation = Rotation::new(&old, &seen, &left, &new, &row);
            store.rotate(rotation, now).await
        })
        .await
    }
}

/// Runs an operation to its end: here, or in a task with the same span once this future is dropped. The end of a
/// session must not stop half-way if its request is cancelled.
pub(crate) fn to_its_end<T: Send + 'static>(
    operation: impl Future<Output = T> + Send + 'static,
) -> ToItsEnd<T> {
    ToItsEnd {
        operation: Some(Box::pin(operation)),
        begun_in: None,
    }
}

/// See [`to_its_end`].
pub(crate) struct ToItsEnd<T: Send + 'static> {
    operation: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// The runtime and the span in which the operation began: its future may be dropped outside of both.
    begun_in: Option<(Handle, Span)>,
}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Taken out, so that a future that has ended or panicked is not polled again.
        let Some(mut operation) = self.operation.take() else {
            return Poll::Pending;
        };
        let poll = operation.as_mut().poll(cx);
        if poll.is_pending() {
            self.operation = Some(operation);
            if self.begun_in.is_none() {
                let runtime = Handle::try_current().ok();
                self.begun_in = runtime.map(|runtime| (runtime, Span::current()));
            }
        }
        poll
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        if let (Some(operation), Some((runtime, span))) =
            (self.operation.take(), self.begun_in.take())
        {
            runtime.spawn(operation.instrument(span));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use tokio::runtime::{Builder, Runtime};
    use tokio::task::yield_now;

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    /// Three steps with an await point after each.
    async fn steps(taken: Arc<AtomicUsize>) -> usize {
        for _ in 0..3 {
            taken.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
        taken.load(Ordering::Relaxed)
    }

    fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_operation_ends_in_its_caller() {
        let operation = to_its_end(steps(Arc::default()));
        assert_eq!(runtime().block_on(operation), 3);
    }

    #[test]
    fn an_operation_ends_although_its_caller_has_gone() {
        let runtime = runtime();
        for polls in 1..=4 {
            let taken = Arc::new(AtomicUsize::new(0));
            let mut operation = to_its_end(steps(Arc::clone(&taken)));
            runtime.block_on(async {
                for _ in 0..polls {
                    let _ = poll(&mut operation);
                }
            });
            // Also outside of the runtime.
            drop(operation);
            runtime.block_on(async {
                for _ in 0..4 {
                    yield_now().await;
                }
            });
            assert_eq!(taken.load(Ordering::Relaxed), 3, "after {polls} polls");
        }
    }

    #[test]
    fn an_operation_that_was_never_polled_is_not_begun() {
        let taken = Arc::new(AtomicUsize::new(0));
        runtime().block_on(async {
            drop(to_its_end(steps(Arc::clone(&taken))));
            yield_now().await;
        });
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_panic_unwinds_into_the_caller() {
        let mut operation = to_its_end(async {
            yield_now().await;
            panic!("a flaw of the store");
        });
        runtime().block_on(async {
            let _: Poll<()> = poll(&mut operation);
            let second = catch_unwind(AssertUnwindSafe(|| poll(&mut operation)));
            assert!(second.is_err());
            assert!(operation.operation.is_none());
        });
    }

    #[test]
    fn a_runtime_that_has_shut_down_is_left_alone() {
        let taken = Arc::new(AtomicUsize::new(0));
        let mut operation = to_its_end(steps(Arc::clone(&taken)));
        let runtime = runtime();
        runtime.block_on(async { assert!(poll(&mut operation).is_pending()) });
        drop(runtime);
        drop(operation);
        assert_eq!(taken.load(Ordering::Relaxed), 1);
    }
}
