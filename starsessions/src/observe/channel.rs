//! The queue of events from requests to the application: bounded, and no request waits for it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::event::SessionEvent;
use crate::sentence::debug_as_name;

/// A queue for `capacity` events, at least one. The sender is for a [layer](crate::SessionLayerBuilder::on_event), the
/// receiver for a task of the application.
///
/// A request never waits for the task, and a failure of the task affects no request. If the queue is full, events are
/// lost, and [counted](Events::lost). Events that guests can cause at will (`Begun`, `Refused` and all events of
/// sessions without a user) take at most half of the places, so that a flood of them displaces no sign-in and no
/// user's logout.
///
/// ```
/// use starsessions::events::{self, EventKind, Events};
/// use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
///
/// #[derive(Session)]
/// struct Login {
///     #[session(required, rotate, index)]
///     user: u64,
/// }
///
/// async fn audit(mut events: Events) {
///     while let Some(event) = events.recv().await {
///         println!("{event:?}"); // without the name of the user
///         if event.kind == EventKind::SignedIn {
///             let (user, device) = (event.user::<Login>(), event.label());
///             // .. a mail, if the user does not know this device
///             # let _ = (user, device);
///         }
///     }
/// }
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, events) = events::channel(1_000);
/// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .on_event(sender)
///     .build()?;
/// tokio::spawn(audit(events)); // ends when the layer and its services are gone, with nothing left unread
/// # Ok(())
/// # }
/// ```
pub fn channel(capacity: usize) -> (EventSender, Events) {
    let (queue, events) = mpsc::channel(capacity.max(1));
    let lost = Arc::new(AtomicU64::new(0));
    let sender = EventSender {
        queue,
        lost: Arc::clone(&lost),
    };
    (sender, Events { events, lost })
}

/// The sender of a layer's events. Clone it for the layer of another realm.
#[derive(Clone)]
pub struct EventSender {
    queue: mpsc::Sender<SessionEvent>,
    lost: Arc<AtomicU64>,
}

impl EventSender {
    pub(super) fn send(&self, event: SessionEvent) {
        let is_crowded = self.queue.capacity() <= self.queue.max_capacity() / 2;
        let is_displaced = event.is_cheap() && is_crowded;
        if is_displaced || self.queue.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            super::event_lost();
        }
    }
}

/// The receiver of events: a [`Stream`], or [`recv`](Self::recv). The events of one request come in its order; those of
/// concurrent requests come in the order in which the store has answered them.
#[derive(Debug)]
#[must_use = "without a receiver, all events are lost"]
pub struct Events {
    events: mpsc::Receiver<SessionEvent>,
    lost: Arc<AtomicU64>,
}

impl Events {
    /// The next event; `None` when all layers that send here, and their services, are gone.
    ///
    /// # Cancel safety
    /// When the future is dropped, no event is lost.
    pub async fn recv(&mut self) -> Option<SessionEvent> {
        self.events.recv().await
    }

    /// The number of events lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Stream for Events {
    type Item = SessionEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SessionEvent>> {
        self.events.poll_recv(cx)
    }
}

debug_as_name!(EventSender);
