//! Sessions in tests, without a store to start, without waiting and without a network.
//!
//! [`TestSessions`] makes a layer whose clock the test sets. It can begin a session, and read the session
//! that a response leaves:
//!
//! ```
//! use starsessions::{Session, testing::TestSessions};
//!
//! #[derive(Session)]
//! struct Login {
//!     #[session(required)]
//!     user: u64,
//! }
//!
//! # async fn test() -> Result<(), starsessions::SessionError> {
//! let test = TestSessions::new();
//! let app: axum::Router = axum::Router::new().layer(test.layer());
//! let cookie = test.cookie_with(Login { user: 7 }).await?; // for the `Cookie` header of a request
//! let login: Option<Login> = test.read(&cookie).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Session::for_test`], [`CurrentSession::for_test`] and [`User::for_test`] make a handler's arguments, so that a
//! test can call the handler as a plain function.

pub mod conformance;
mod schema_lock;
mod stored;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};

pub use self::schema_lock::{SchemaChange, SchemaLock, SchemaLockError, UpdateSchema};
pub use self::stored::{StoredField, stored_fields, with_stored_field};
use crate::clock::{Clock, Timestamp};
use crate::crypto::KeyRing;
use crate::engine::CookieChange;
use crate::error::SessionError;
use crate::middleware::{SessionLayer, SessionLayerBuilder};
use crate::request::{Remaining, ResponseKind, Seen, Slot};
use crate::schema::SessionData;
use crate::session::{CurrentSession, Session, User};
use crate::store::MemoryStore;

/// A clock that stands still until the test sets it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that shows the second `unix_seconds`.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_seconds)))
    }

    /// Moves the clock forward, by whole seconds.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, unix_seconds: u64) {
        self.0.store(unix_seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::Relaxed))
    }
}

/// A layer for tests, and access to its sessions without HTTP.
#[derive(Clone, Debug)]
pub struct TestSessions {
    layer: SessionLayer,
    clock: TestClock,
}

impl TestSessions {
    /// Sessions in memory under the settings of [`SessionLayer::dev`].
    ///
    /// # Panics
    /// If the operating system gives no randomness.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Sessions in memory under the settings of [`SessionLayer::dev`], changed by `set`. The clock is the test's.
    ///
    /// # Panics
    /// If the settings cannot work together, with the sentence that says why, or if the operating
    /// system gives no randomness.
    #[must_use]
    #[expect(clippy::panic, reason = "a test that cannot be set up has failed")]
    pub fn with(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        let clock = TestClock::at(1_800_000_000);
        let keys = KeyRing::generate().unwrap_or_else(|error| panic!("{error}"));
        let builder = SessionLayer::builder(MemoryStore::new(), keys).local_development();
        let layer = set(builder.clock(clock.clone()))
            .clock(clock.clone())
            .build()
            .unwrap_or_else(|error| panic!("{error}"));
        Self { layer, clock }
    }

    /// The layer to put around the routes under test.
    #[must_use]
    pub fn layer(&self) -> SessionLayer {
        self.layer.clone()
    }

    /// The clock that the layer reads.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Begins a session with this view in it; returns a `Cookie` header for it.
    ///
    /// # Errors
    /// If the value cannot be stored.
    pub async fn cookie_with<T: SessionData>(&self, value: T) -> Result<HeaderValue, SessionError> {
        self.cookie_of(|session| session.insert(value)).await
    }

    /// Begins a session as a handler does; returns a `Cookie` header for it.
    ///
    /// ```
    /// # use starsessions::{Session, SessionError, testing::TestSessions};
    /// # #[derive(Session)]
    /// # struct Login { #[session(required)] user: u64 }
    /// # #[derive(Session)]
    /// # struct Shop { cart: Vec<u32> }
    /// # async fn test() -> Result<(), SessionError> {
    /// let test = TestSessions::new();
    /// let cookie = test.cookie_of(|session| {
    ///     session.insert(Login { user: 7 })?;
    ///     session.insert(Shop { cart: vec![1, 2] })
    /// });
    /// let cookie = cookie.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The function's own error, or if a value cannot be stored.
    pub async fn cookie_of(
        &self,
        begin: impl FnOnce(&CurrentSession) -> Result<(), SessionError>,
    ) -> Result<HeaderValue, SessionError> {
        let slot = self.slot(&HeaderMap::new());
        begin(&CurrentSession::new(Arc::clone(&slot)))?;
        if let Remaining::ToWrite(work) = slot.close(ResponseKind::Answer) {
            Arc::clone(&slot).finish(work).await?;
        }
        let pair = match slot.effects().cookie {
            CookieChange::Set { value, .. } => {
                format!("{}={}", slot.realm().cookie.name(), *value)
            }
            CookieChange::Keep | CookieChange::Remove => String::new(),
        };
        Ok(HeaderValue::try_from(pair).unwrap_or(HeaderValue::from_static("")))
    }

    /// Begins a session with this view in it; returns the value of the header with its token:
    /// `Authorization`, or the layer's custom header.
    ///
    /// ```
    /// # use starsessions::{Session, SessionError, testing::TestSessions};
    /// use starsessions::config::Transport;
    ///
    /// # #[derive(Session)]
    /// # struct Login { #[session(required)] user: u64 }
    /// # async fn test() -> Result<(), SessionError> {
    /// let test = TestSessions::with(|layer| layer.transport(Transport::bearer()));
    /// let authorization = test.authorization_with(Login { user: 7 }).await?;
    /// let request = http::Request::get("/me").header("authorization", &authorization);
    /// // .. and what the session holds afterwards:
    /// let login: Option<Login> = test.read_authorized(&authorization).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the value cannot be stored, or the layer's transport has no header.
    pub async fn authorization_with<T: SessionData>(
        &self,
        value: T,
    ) -> Result<HeaderValue, SessionError> {
        let session = CurrentSession::new(self.slot(&HeaderMap::new()));
        session.insert(value)?;
        let token = session.bearer_token().await?;
        let header = self.layer.realm().carriers.header.as_ref();
        let scheme = header.map_or("", |header| header.scheme());
        let value = HeaderValue::try_from(format!("{scheme}{}", token.as_str()));
        Ok(value.unwrap_or(HeaderValue::from_static("")))
    }

    /// The value of a view in the session of such a header; `None` if a required field is missing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn read_authorized<T: SessionData>(
        &self,
        authorization: &HeaderValue,
    ) -> Result<Option<T>, SessionError> {
        let header = self.layer.realm().carriers.header.iter();
        let shown = header.map(|it| (it.name.clone(), authorization.clone()));
        CurrentSession::new(self.slot(&shown.collect())).get().await
    }

    /// The value of a view in the session of a `Cookie` header; `None` if a required field is missing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn read<T: SessionData>(
        &self,
        cookie: &HeaderValue,
    ) -> Result<Option<T>, SessionError> {
        let shown = HeaderMap::from_iter([(COOKIE, cookie.clone())]);
        CurrentSession::new(self.slot(&shown)).get().await
    }

    /// The value of a view in the session that a response has set.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn read_from<T: SessionData, B>(
        &self,
        response: &Response<B>,
    ) -> Result<Option<T>, SessionError> {
        let cookie = cookie_header(response).unwrap_or(HeaderValue::from_static(""));
        self.read(&cookie).await
    }

    fn slot(&self, headers: &HeaderMap) -> Arc<Slot> {
        let slot = Slot::new(Arc::clone(self.layer.realm()), None, None::<&Request<()>>);
        slot.see(headers);
        slot
    }
}

impl Default for TestSessions {
    fn default() -> Self {
        Self::new()
    }
}

/// The `Cookie` header with which a browser answers the `Set-Cookie` headers of a response; `None`
/// if they set no cookie. A cookie with `Max-Age=0` is removed, and not sent.
#[must_use]
pub fn cookie_header<B>(response: &Response<B>) -> Option<HeaderValue> {
    let lines = response.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<_> = lines
        .filter_map(|line| cookie_pair(line.to_str().ok()?))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    HeaderValue::try_from(pairs.join("; ")).ok()
}

/// Name and value of a cookie; `None` if the line removes it.
fn cookie_pair(line: &str) -> Option<&str> {
    let mut parts = line.split(';').map(str::trim_ascii);
    let pair = parts.next();
    let is_removed = parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0"));
    pair.filter(|_| !is_removed)
}

impl<T: SessionData> Session<T> {
    /// A handler's argument without a request: it holds `value`, takes changes, and writes nothing.
    ///
    /// # Panics
    /// If the operating system gives no randomness.
    #[must_use]
    pub fn for_test(value: T) -> Self {
        let slot = TestSessions::new().slot(&HeaderMap::new());
        Self::new(value, Seen::default(), slot)
    }
}

impl<U, P> User<U, P> {
    /// A handler's argument without a request: this user, with any permission.
    #[must_use]
    pub fn for_test(user: U) -> Self {
        Self::new(Arc::new(user))
    }
}

impl CurrentSession {
    /// A handler's argument without a request: the session of a guest. It takes changes and shows them to
    /// its clones.
    ///
    /// ```
    /// # use starsessions::{CurrentSession, Session, SessionError};
    /// # #[derive(Session)]
    /// # struct Login { #[session(required, rotate)] user: u64 }
    /// async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    ///     session.insert(Login { user: 7 })
    /// }
    ///
    /// # async fn test() -> Result<(), SessionError> {
    /// let session = CurrentSession::for_test();
    /// sign_in(session.clone()).await?;
    /// let login = session.get::<Login>().await?;
    /// assert_eq!(login.map(|login| login.user), Some(7));
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test()).unwrap();
    /// ```
    ///
    /// # Panics
    /// If the operating system gives no randomness.
    #[must_use]
    pub fn for_test() -> Self {
        let mut slot = TestSessions::new().slot(&HeaderMap::new());
        if let Some(slot) = Arc::get_mut(&mut slot) {
            slot.is_of_any_realm = true;
        }
        Self::new(slot)
    }
}
