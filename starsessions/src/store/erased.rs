//! The store of a layer, without its type: each operation has a time limit, and an outage is logged once.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tracing::Instrument as _;

use super::{
    Inserted, Listed, MemoryStore, Protection, Replaced, Rotated, Rotation, Row, Store, StoreError,
    Touch, Touched,
};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::observe::{self, Outages};
use crate::sentence::sentences;

/// Any store, as a layer holds it.
pub(crate) struct ErasedStore {
    kept: Kept,
    /// Whether values are kept sealed here.
    pub(crate) is_sealed: bool,
    timeout: Duration,
    outages: Outages,
}

enum Kept {
    /// Answers at once, so it needs no time limit and no boxed future. Fails if it is full.
    Memory(MemoryStore),
    Elsewhere(Box<dyn Operations>),
}

impl ErasedStore {
    pub(crate) fn new(store: impl Store) -> Self {
        let is_sealed = store.protection() == Protection::Sealed;
        let memory = (&store as &dyn Any).downcast_ref::<MemoryStore>();
        Self {
            kept: match memory {
                Some(memory) => Kept::Memory(memory.clone()),
                None => Kept::Elsewhere(Box::new(store)),
            },
            is_sealed,
            timeout: DEFAULT_TIMEOUT,
            outages: Outages::default(),
        }
    }

    /// How long each operation may take.
    pub(crate) fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self {
            timeout: timeout.unwrap_or(self.timeout),
            ..self
        }
    }

    #[cfg(feature = "takeover")]
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Logs an error about a value that the store has returned.
    pub(crate) fn report(&self, error: &StoreError, now: Timestamp) {
        self.outages.report(error, now);
    }
}

/// Generates the operations of a store twice: as an object-safe trait, and as methods that limit,
/// measure and report them.
macro_rules! operations {
    ($clock:ident: $(
        $name:ident($($argument:ident: $type:ty),* $(; $now:ident)?) -> $output:ty;
    )*) => {
        trait Operations: Send + Sync + 'static {
            $(fn $name<'a>(
                &'a self,
                $($argument: $type,)*
                $($now: Timestamp)?
            ) -> Answer<'a, $output>;)*
        }

        impl<S: Store> Operations for S {
            $(fn $name<'a>(
                &'a self,
                $($argument: $type,)*
                $($now: Timestamp)?
            ) -> Answer<'a, $output> {
                Box::pin(Store::$name(self, $($argument,)* $($now)?))
            })*
        }

        impl ErasedStore {
            $(pub(crate) async fn $name<'a>(
                &'a self,
                $($argument: $type,)*
                $clock: Timestamp,
            ) -> Result<$output, StoreError> {
                let name = stringify!($name);
                let answer = match &self.kept {
                    Kept::Memory(store) => {
                        observe::counted(name, Store::$name(store, $($argument,)* $($now)?).await)
                    }
                    Kept::Elsewhere(store) => {
                        let call = store.$name($($argument,)* $($now)?);
                        let call = within(self.timeout, call.instrument(observe::operation_span(name)));
                        // Boxed, so that the timer does not enlarge every request's future.
                        Box::pin(observe::measured(name, call)).await
                    }
                };
                answer.inspect_err(|error| self.outages.report(error, $clock))
            })*
        }
    };
}

operations! { now:
    load(key: &'a RowKey; now) -> Option<Row>;
    insert(key: &'a RowKey, row: &'a Row; now) -> Inserted;
    replace(key: &'a RowKey, seen: &'a Row, row: &'a Row; now) -> Replaced;
    rotate(rotation: Rotation<'a>; now) -> Rotated;
    touch(key: &'a RowKey, seen: &'a Row, touch: Touch; now) -> Touched;
    remove(key: &'a RowKey) -> Option<Row>;
    listed(index_key: &'a IndexKey; now) -> Vec<Listed>;
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Limits a call of a store. After the time-out, the operation may still take place.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut call = pin!(call);
    // A store inside this process answers at once, and needs no timer.
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = call.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        if timer.is_none() {
            timer.set(Some(tokio::time::sleep(limit)));
        }
        let is_over = timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx));
        if is_over.is_none_or(|is_over| is_over.is_pending()) {
            return Poll::Pending;
        }
        Poll::Ready(Err(StoreError::Unavailable(TimedOut(limit).into())))
    })
    .await
}

/// The store has not answered within the layer's time-out.
#[derive(Debug)]
struct TimedOut(Duration);

sentences! { TimedOut: Self(limit) => "no answer within {limit:?}"; }

/// Less than browsers and proxies wait, more than a store needs to recover.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
