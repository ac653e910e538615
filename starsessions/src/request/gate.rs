//! The order of one request's own store calls.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A lock that is held across awaits, for the few futures of one request.
///
/// Contention is rare, so a release wakes all waiting futures: a queue of fair turns, as in tokio's lock, takes several
/// times as many instructions on every request.
#[derive(Default)]
pub(super) struct Gate {
    state: AtomicU8,
    waiting: Mutex<Vec<Waker>>,
}

/// Keeps the gate taken until it is dropped.
pub(super) struct Pass<'g>(&'g Gate);

impl Gate {
    pub(super) fn try_lock(&self) -> Option<Pass<'_>> {
        let free = (self.state).compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        free.is_ok().then(|| Pass(self))
    }

    pub(super) async fn lock(&self) -> Pass<'_> {
        poll_fn(|cx| {
            if let Some(pass) = self.try_lock() {
                return Poll::Ready(pass);
            }
            // A pass that is dropped after the swap must take this lock to wake the wakers, so it finds ours.
            let mut waiting = self.waiting();
            if self.state.swap(WAITED_FOR, Ordering::Acquire) == FREE {
                return Poll::Ready(Pass(self));
            }
            let waker = cx.waker();
            if !waiting.iter().any(|known| known.will_wake(waker)) {
                waiting.push(waker.clone());
            }
            Poll::Pending
        })
        .await
    }

    pub(super) fn is_taken(&self) -> bool {
        self.state.load(Ordering::Acquire) != FREE
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.0.state.swap(FREE, Ordering::Release) == WAITED_FOR {
            let waiting = std::mem::take(&mut *self.0.waiting());
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

const FREE: u8 = 0;
const TAKEN: u8 = 1;
/// Taken, and there are wakers.
const WAITED_FOR: u8 = 2;

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn one_at_a_time_and_all_that_wait_are_woken() {
        let gate = Gate::default();
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let (one, other) = (Waker::from(first.clone()), Waker::from(second.clone()));
        let (mut one, mut other) = (Context::from_waker(&one), Context::from_waker(&other));

        let Poll::Ready(pass) = pin!(gate.lock()).poll(&mut one) else {
            panic!("the gate is free");
        };
        let mut waits = pin!(gate.lock());
        // A future that is polled twice is woken once, and a dropped future takes no wake-up from the others.
        assert!(waits.as_mut().poll(&mut one).is_pending());
        assert!(waits.as_mut().poll(&mut one).is_pending());
        assert!(pin!(gate.lock()).poll(&mut other).is_pending());
        assert!(gate.is_taken());

        drop(pass);
        let woken = [&first, &second].map(|it| it.0.load(Ordering::Relaxed));
        assert_eq!(woken, [1, 1]);
        assert!(!gate.is_taken());
        assert!(waits.as_mut().poll(&mut one).is_ready());
        assert!(!gate.is_taken(), "its pass was dropped");
    }
}
