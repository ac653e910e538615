//! Follows the changes and the end of a detached session.

use std::fmt;

use bytes::Bytes;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout_at};

use super::Detached;
use crate::clock::Timestamp;
use crate::record::Record;
use crate::schema::SessionData;

/// Follows a view of a [detached](super::Detached) session: its changes, and its end.
///
/// It sees changes by this process at once, and changes by other processes at the layer's
/// [interval](crate::SessionLayerBuilder::watch_interval). Between two loads it costs one timer. If the
/// store fails, the watch tries again, until the session's absolute timeout.
///
/// A socket that writes, sends the changes of others, and closes when the session ends:
///
/// ```
/// use starsessions::{Detached, Session, SessionError};
/// # use tokio::sync::mpsc::{Receiver, Sender};
///
/// #[derive(Session)]
/// struct Shop {
///     cart: Vec<String>,
/// }
///
/// # type Socket = (Receiver<String>, Sender<usize>);
/// async fn serve(shop: Detached<Shop>, (mut read, write): Socket) -> Result<(), SessionError> {
///     let mut watch = shop.watch();
///     loop {
///         tokio::select! {
///             now = watch.next() => match now {
///                 Some(shop) => drop(write.send(shop.cart.len()).await),
///                 None => return Ok(()), // logged out, revoked or expired
///             },
///             Some(article) = read.recv() => {
///                 shop.touch().await?;
///                 shop.update(|shop| shop.cart.push(article)).await?;
///             }
///         }
///     }
/// }
/// ```
pub struct Watch<T: SessionData> {
    detached: Detached<T>,
    news: Receiver<()>,
    /// When the next load is due; `None` if it is due now.
    due_at: Option<Instant>,
    /// The record that the last load found, and when.
    latest: Option<(Record, Timestamp)>,
    /// The fields that were returned last.
    shown: Option<Vec<Option<Bytes>>>,
    is_over: bool,
}

impl<T: SessionData> Watch<T> {
    pub(super) fn new(detached: Detached<T>, news: Receiver<()>) -> Self {
        Self {
            detached,
            news,
            due_at: None,
            latest: None,
            shown: None,
            is_over: false,
        }
    }

    /// The first call returns the view as it is now, and each later call the view after its next change. `None` when
    /// the session has ended, a required field is missing, or the proof of its device has run out. Changes in quick
    /// succession may be returned as one.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            if let Some((record, at)) = &self.latest {
                let fields = fields_of::<T>(record, *at);
                if self.shown.as_ref() != Some(&fields) {
                    let Some(view) = self.detached.read(record, *at) else {
                        self.end();
                        return None;
                    };
                    self.shown = Some(fields);
                    return Some(view);
                }
            }
            if self.is_over {
                return None;
            }
            self.look().await;
        }
    }

    /// Waits until the session has ended, a required field is missing, or the proof of its device has run out.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing is lost.
    pub async fn ended(&mut self) {
        while !self.is_over {
            self.look().await;
            if let Some((record, at)) = &self.latest
                && self.detached.read(record, *at).is_none()
            {
                self.end();
            }
        }
    }

    /// Waits until a load is due, and loads.
    async fn look(&mut self) {
        if let Some(due_at) = self.due_at {
            let _ = timeout_at(due_at, self.news.changed()).await;
            // If this load is cancelled, the next one is due at once.
            self.due_at = None;
        }
        // A change during the load causes another load.
        self.news.mark_unchanged();
        let looked = self.detached.look().await;
        let now = self.detached.held.realm.engine.now();
        match looked {
            #[cfg(feature = "dbsc")]
            Ok(Some(live)) if !self.detached.may_follow(&live.record, now) => return self.end(),
            Ok(Some(live)) => self.latest = Some((live.record, now)),
            Ok(None) => return self.end(),
            Err(_) if self.is_past_its_time(now) => return self.end(),
            // While the store fails, the session counts as unchanged.
            Err(_) => {}
        }
        let held = &self.detached.held;
        let pause = held.realm.engine.pause(&held.watched);
        self.due_at = Some(Instant::now() + pause);
    }

    /// Whether the absolute timeout has passed: then the session has ended, even if the store cannot confirm it.
    fn is_past_its_time(&self, now: Timestamp) -> bool {
        let policy = self.detached.held.realm.engine.policy();
        let known = self.latest.as_ref();
        known.is_some_and(|(record, _)| policy.last_deadline(record.created_at) <= now)
    }

    fn end(&mut self) {
        self.is_over = true;
        self.latest = None;
    }
}

fn fields_of<T: SessionData>(record: &Record, now: Timestamp) -> Vec<Option<Bytes>> {
    let specs = T::SCHEMA.fields.iter();
    let live = specs.map(|spec| spec.find(record).filter(|(_, field)| field.is_live(now)));
    live.map(|found| found.map(|(_, field)| Bytes::copy_from_slice(field.value)))
        .collect()
}

impl<T: SessionData> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("detached", &self.detached)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
