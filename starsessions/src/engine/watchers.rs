//! The sessions that sockets, streams and tasks hold outside of requests: this process notifies them at once of its own
//! changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::{Engine, Live};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, RowKey};
use crate::store::StoreError;

/// The handles and streams to notify when a row changes.
pub(crate) struct Watchers {
    /// If it is zero, a request takes no lock.
    count: AtomicUsize,
    rows: Mutex<HashMap<RowKey, Vec<Arc<Watched>>>>,
    /// Limits the concurrent store reads of many sockets, so that they do not crowd out the requests.
    looks: Semaphore,
    /// How long a change by another process may go unseen.
    pub(super) interval: Duration,
}

/// A session that is held outside of requests, under the id that it has by now.
pub(crate) struct Watched {
    token: Mutex<Arc<ReferenceToken>>,
    news: watch::Sender<()>,
}

impl Watchers {
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            count: AtomicUsize::new(0),
            rows: Mutex::default(),
            looks: Semaphore::new(MAX_LOOKS),
            interval: interval.unwrap_or(DEFAULT_INTERVAL),
        }
    }

    /// Begins to follow a session.
    pub(crate) fn add(&self, token: Arc<ReferenceToken>) -> Arc<Watched> {
        let row = *token.row_key();
        let watched = Arc::new(Watched {
            token: Mutex::new(token),
            news: watch::Sender::new(()),
        });
        self.count.fetch_add(1, Ordering::AcqRel);
        let mut rows = self.rows();
        rows.entry(row).or_default().push(Arc::clone(&watched));
        watched
    }

    /// Stops following a session whose last handle was dropped.
    pub(crate) fn remove(&self, watched: &Arc<Watched>) {
        let mut rows = self.rows();
        take(&mut rows, watched.token().row_key(), watched);
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// Notifies the session's holders that its row has changed: they read it again.
    pub(super) fn changed(&self, row: &RowKey) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for watched in self.rows().get(row).into_iter().flatten() {
            watched.news.send_replace(());
        }
    }

    /// Moves the session's holders to its new id.
    pub(super) fn moved(&self, row: &RowKey, successor: &Arc<ReferenceToken>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut rows = self.rows();
        let Some(moved) = rows.remove(row) else {
            return;
        };
        for watched in &moved {
            watched.go_on_as(successor);
        }
        rows.entry(*successor.row_key()).or_default().extend(moved);
    }

    /// Moves a handle that has found its session under another id than `seen` to that id. If a renewal has moved the
    /// handle meanwhile, the result of the search is outdated and ignored.
    pub(crate) fn follow(&self, watched: &Arc<Watched>, seen: &RowKey, live: &Live) {
        let Some(successor) = live.token() else {
            return;
        };
        let mut rows = self.rows();
        let former = *watched.token().row_key();
        let is_led = former == *seen && former != *successor.row_key();
        if !is_led || !take(&mut rows, &former, watched) {
            return;
        }
        watched.go_on_as(successor);
        let row = rows.entry(*successor.row_key()).or_default();
        row.push(Arc::clone(watched));
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<RowKey, Vec<Arc<Watched>>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a handle from its row; returns whether it was there.
fn take(
    rows: &mut HashMap<RowKey, Vec<Arc<Watched>>>,
    row: &RowKey,
    watched: &Arc<Watched>,
) -> bool {
    let Some(holders) = rows.get_mut(row) else {
        return false;
    };
    let place = holders.iter().position(|it| Arc::ptr_eq(it, watched));
    if let Some(place) = place {
        holders.swap_remove(place);
    }
    if holders.is_empty() {
        rows.remove(row);
    }
    place.is_some()
}

impl Watched {
    /// Wakes when this process has changed the session.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    fn token(&self) -> Arc<ReferenceToken> {
        Arc::clone(&self.token.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn go_on_as(&self, successor: &Arc<ReferenceToken>) {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        *token = Arc::clone(successor);
        drop(token);
        self.news.send_replace(());
    }
}

impl Engine {
    /// The watchers; `None` where sessions are cookies.
    pub(crate) fn watchers(&self) -> Option<&Watchers> {
        self.server().map(|server| &server.watchers)
    }

    /// The pause between two reads of a session: at most half the grace of a renewed id, so that no successor is
    /// missed. It differs between sessions, so that they are not all read at once.
    pub(crate) fn pause(&self, watched: &Watched) -> Duration {
        let interval = self.watchers().map_or(DEFAULT_INTERVAL, |it| it.interval);
        let longest = interval.min(self.policy().renewal_grace / 2);
        let [spread, ..] = *watched.token().row_key().as_bytes();
        longest - longest / 4 * u32::from(spread) / 256
    }

    /// The session as it is stored now; `None` if it has ended.
    pub(crate) async fn look(
        &self,
        watched: &Arc<Watched>,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        let Some(server) = self.server() else {
            return Ok(None);
        };
        let token = watched.token();
        let live = server.look(&token, now).await?;
        if let Some(live) = &live {
            server.watchers.follow(watched, token.row_key(), live);
        }
        Ok(live)
    }

    /// As [`look`](Self::look), after waiting for its turn.
    pub(crate) async fn look_in_turn(
        &self,
        watched: &Arc<Watched>,
    ) -> Result<Option<Live>, StoreError> {
        // The semaphore is never closed; if it were, the read would run without waiting.
        let _turn = match self.watchers() {
            Some(watchers) => watchers.looks.acquire().await.ok(),
            None => None,
        };
        self.look(watched, self.now()).await
    }
}

/// How many reads of held sessions may run at the same time.
const MAX_LOOKS: usize = 32;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;
    use crate::record::Record;
    use crate::store::Row;

    fn token() -> Arc<ReferenceToken> {
        ReferenceToken::mint(&KeyRing::generate().unwrap()).unwrap()
    }

    fn live(token: &Arc<ReferenceToken>) -> Live {
        let at = Timestamp::default();
        let record = Record::new(at, at);
        Live::issued(Arc::clone(token), record, Row::new([], at, at))
    }

    fn is_empty(watchers: &Watchers) -> bool {
        watchers.rows().is_empty() && watchers.count.load(Ordering::Acquire) == 0
    }

    #[test]
    fn the_holders_of_a_row_hear_of_it_and_no_others() {
        let watchers = Watchers::new(None);
        let (here, there) = (token(), token());
        let held = [&here, &here, &there].map(|token| watchers.add(Arc::clone(token)));
        let news = held.each_ref().map(|watched| watched.news());
        watchers.changed(here.row_key());
        let heard = news.each_ref().map(|news| news.has_changed().unwrap());
        assert_eq!(heard, [true, true, false]);
        for watched in &held {
            watchers.remove(watched);
        }
        assert!(is_empty(&watchers), "what is not held takes no room");
    }

    #[test]
    fn a_handle_goes_with_its_session_and_is_forgotten_under_its_last_id() {
        let watchers = Watchers::new(None);
        let (first, second, third) = (token(), token(), token());
        let watched = watchers.add(Arc::clone(&first));
        let news = watched.news();
        watchers.moved(first.row_key(), &second);
        assert!(news.has_changed().unwrap());
        assert_eq!(watched.token().row_key(), second.row_key());
        let live = live(&third);
        watchers.follow(&watched, second.row_key(), &live);
        watchers.follow(&watched, third.row_key(), &live);
        assert_eq!(watched.token().row_key(), third.row_key());
        assert_eq!(watchers.rows().len(), 1);
        watchers.remove(&watched);
        assert!(is_empty(&watchers));
    }

    #[test]
    fn a_look_that_a_renewal_has_overtaken_leads_no_handle_back() {
        let watchers = Watchers::new(None);
        let (first, second) = (token(), token());
        let watched = watchers.add(Arc::clone(&first));
        watchers.moved(first.row_key(), &second);
        watchers.follow(&watched, first.row_key(), &live(&first));
        assert_eq!(watched.token().row_key(), second.row_key());
    }
}
