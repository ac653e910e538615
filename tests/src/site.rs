//! A site under test: its layer, its clock, its store.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use starsessions::config::{Clock, CookieBuilder};
use starsessions::store::{Row, RowKey, Store};
use starsessions::testing::{TestClock, TestSessions};
use starsessions::{
    CookieStore, KeyRing, MemoryStore, SessionLayer, SessionLayerBuilder, Timestamp,
};

use crate::client::Client;
use crate::spy::Spy;

/// A site with the settings of production, whose time the test turns. In memory, unless it says
/// otherwise.
#[derive(Clone, Debug)]
pub struct Site<S = MemoryStore> {
    /// What stands between the layer and the sessions. Where sessions are cookies, it sees their
    /// revocations.
    pub store: Spy<S>,
    /// The layer and its clock.
    pub sessions: TestSessions,
    kept: Kept,
    keys: KeyRing,
}

/// Where a site keeps its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the store.
    OnServer,
    /// In sealed cookies, with a list of those that were ended.
    InCookies,
    /// In sealed cookies that cannot be ended.
    InCookiesForGood,
}

impl Kept {
    /// Every place.
    pub const ANYWHERE: [Self; 3] = [Self::OnServer, Self::InCookies, Self::InCookiesForGood];
    /// The places where a session can be ended.
    pub const REVOCABLY: [Self; 2] = [Self::OnServer, Self::InCookies];
}

impl Site {
    /// Sessions in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|layer| layer)
    }

    /// Sessions in memory, under other settings.
    #[must_use]
    pub fn with(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        Self::over(Spy::new(MemoryStore::new()), Kept::OnServer, set)
    }

    /// Sessions in one of several places.
    #[must_use]
    pub fn kept(kept: Kept) -> Self {
        Self::over(Spy::new(MemoryStore::new()), kept, |layer| layer)
    }

    /// How many records there are, those that have expired and were not freed included; without the
    /// ways from former ids.
    ///
    /// # Panics
    /// Never: a store in memory answers at once.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.count(holds_session)
    }

    /// How many keys are reserved for sessions that are about to move there.
    ///
    /// # Panics
    /// Never: a store in memory answers at once.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.count(|row| *row.value == [RESERVED])
    }

    fn count(&self, is_one: impl Fn(&Row) -> bool) -> usize {
        let is_one = |key: &&RowKey| {
            let load = pin!(self.store.store().load(key, Timestamp::default()));
            match load.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(row) => row.is_ok_and(|row| row.as_ref().is_some_and(&is_one)),
                Poll::Pending => panic!("the store has not answered at once"),
            }
        };
        let keys: BTreeSet<_> = self.store.keys().into_iter().collect();
        keys.iter().filter(is_one).count()
    }
}

impl<S: Store + Clone> Site<S> {
    /// Sessions in a store that others could read, in the year 2100: later than the clock of a
    /// server that would expire them by it.
    #[must_use]
    pub fn on(store: S) -> Self {
        let site = Self::over(Spy::new(store).sealed(), Kept::OnServer, |layer| layer);
        site.clock().set(4_102_444_800);
        site
    }

    /// Sessions in one of several places, under other settings, in front of a store of one's own.
    ///
    /// # Panics
    /// If the settings cannot work together.
    #[must_use]
    pub fn over(
        store: Spy<S>,
        kept: Kept,
        set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
    ) -> Self {
        crate::logs::listen();
        Self::assemble(store, kept, KeyRing::generate().unwrap(), set)
    }

    /// The same sessions under other settings, from now on: after a restart, or on another node.
    ///
    /// # Panics
    /// If the settings cannot work together.
    #[must_use]
    pub fn restarted(&self, set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        let site = Self::assemble(self.store.clone(), self.kept, self.keys.clone(), set);
        site.clock().set(self.clock().now().as_unix_seconds());
        site
    }

    /// The same sessions under other keys: on another node, before or after a change of keys.
    #[must_use]
    pub fn under(&self, keys: KeyRing) -> Self {
        self.under_with(keys, |layer| layer)
    }

    /// The same under other settings.
    ///
    /// # Panics
    /// If the settings cannot work together.
    #[must_use]
    pub fn under_with(
        &self,
        keys: KeyRing,
        set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
    ) -> Self {
        let site = Self::assemble(self.store.clone(), self.kept, keys, set);
        site.clock().set(self.clock().now().as_unix_seconds());
        site
    }

    fn assemble(
        store: Spy<S>,
        kept: Kept,
        keys: KeyRing,
        set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
    ) -> Self {
        let (seen, ring) = (store.clone(), keys.clone());
        let sessions = TestSessions::with(move |_| {
            let layer = match kept {
                Kept::OnServer => SessionLayer::builder(seen, ring),
                Kept::InCookies => {
                    SessionLayer::builder(CookieStore::sealed().revoked_in(seen), ring)
                }
                Kept::InCookiesForGood => SessionLayer::builder(CookieStore::sealed(), ring),
            };
            set(layer.cookie(|_| CookieBuilder::default()))
        });
        Self {
            store,
            sessions,
            kept,
            keys,
        }
    }

    /// A browser without cookies in front of these routes.
    #[must_use]
    pub fn serve(&self, routes: Router) -> Client {
        Client::new(&routes.layer(self.sessions.layer()))
    }

    /// Turns the clock forward.
    pub fn wait(&self, time: Duration) {
        self.sessions.clock().advance(time);
    }

    /// Turns the clock forward by seconds.
    pub fn wait_seconds(&self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        self.sessions.clock()
    }
}

/// Whether a row is not what a rotation has left, and not a place that it has reserved.
fn holds_session(row: &Row) -> bool {
    !matches!(row.value.first(), Some(&(3..=6 | RESERVED)))
}

const RESERVED: u8 = 9;

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}
