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

/// A site with production settings and a clock that the test controls. It keeps sessions in memory by default.
#[derive(Clone, Debug)]
pub struct Site<S = MemoryStore> {
    /// The store behind the layer. If sessions are kept in cookies, it holds their revocations.
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
    /// In sealed cookies, with a list of ended sessions.
    InCookies,
    /// In sealed cookies, without a way to end a session.
    InCookiesForGood,
}

impl Kept {
    /// Every place.
    pub const ANYWHERE: [Self; 3] = [Self::OnServer, Self::InCookies, Self::InCookiesForGood];
    /// The places where a session can be ended.
    pub const REVOCABLY: [Self; 2] = [Self::OnServer, Self::InCookies];
}

impl Site {
    /// A site with sessions in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|layer| layer)
    }

    /// A site with sessions in memory and other settings.
    #[must_use]
    pub fn with(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        Self::over(Spy::new(MemoryStore::new()), Kept::OnServer, set)
    }

    /// A site that keeps its sessions in the given place.
    #[must_use]
    pub fn kept(kept: Kept) -> Self {
        Self::over(Spy::new(MemoryStore::new()), kept, |layer| layer)
    }

    /// The number of session rows, including expired rows that were not freed, without ways of former IDs.
    ///
    /// # Panics
    /// Never, because an in-memory store answers at once.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.count(holds_session)
    }

    /// The number of keys reserved for sessions that are about to move there.
    ///
    /// # Panics
    /// Never, because an in-memory store answers at once.
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
    /// A site with a store that others could read. Its clock starts in the year 2100, later than the clock of a server,
    /// so that the server itself expires no row.
    #[must_use]
    pub fn on(store: S) -> Self {
        let site = Self::over(Spy::new(store).sealed(), Kept::OnServer, |layer| layer);
        site.clock().set(4_102_444_800);
        site
    }

    /// A site with a given store, place and settings.
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
        Self::assemble(store, kept, KeyRing::generate().unwrap(), Box::new(set))
    }

    /// The same sessions under other settings, as after a restart or on another node.
    ///
    /// # Panics
    /// If the settings cannot work together.
    #[must_use]
    pub fn restarted(&self, set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        let site = Self::assemble(
            self.store.clone(),
            self.kept,
            self.keys.clone(),
            Box::new(set),
        );
        site.clock().set(self.clock().now().as_unix_seconds());
        site
    }

    /// The same sessions under other keys, as on another node before or after a key rotation.
    #[must_use]
    pub fn under(&self, keys: KeyRing) -> Self {
        self.under_with(keys, |layer| layer)
    }

    /// The same sessions under other keys and settings.
    ///
    /// # Panics
    /// If the settings cannot work together.
    #[must_use]
    pub fn under_with(
        &self,
        keys: KeyRing,
        set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
    ) -> Self {
        let site = Self::assemble(self.store.clone(), self.kept, keys, Box::new(set));
        site.clock().set(self.clock().now().as_unix_seconds());
        site
    }

    /// Takes a box, so that it is compiled once for the settings of all tests.
    fn assemble(
        store: Spy<S>,
        kept: Kept,
        keys: KeyRing,
        set: Box<dyn FnOnce(SessionLayerBuilder) -> SessionLayerBuilder + '_>,
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

    /// Advances the clock.
    pub fn wait(&self, time: Duration) {
        self.sessions.clock().advance(time);
    }

    /// Advances the clock by seconds.
    pub fn wait_seconds(&self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        self.sessions.clock()
    }
}

/// Whether a row holds a session: it is neither left by a rotation nor reserved for one.
fn holds_session(row: &Row) -> bool {
    !matches!(row.value.first(), Some(&(3..=6 | RESERVED)))
}

const RESERVED: u8 = 9;

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}
