//! Sessions of another library, taken over one by one: users stay signed in through a move.
//!
//! A request without a session of ours may bring the cookie of another library's. A [`Source`] finds what is
//! behind it, a function of the application says what of it goes on in which session type, and the layer
//! writes that as a session of ours under a new id and removes the former one.
//!
//! ```
//! use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
//! use starsessions::takeover::{Source, TakeOver};
//!
//! #[derive(Session)]
//! struct Login {
//!     #[session(required, rotate)]
//!     user_id: u64,
//! }
//!
//! fn sessions(former: impl Source, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
//!     // Each field of `Login` is read from the value of its own name.
//!     let former = TakeOver::new(former, |former, taken| taken.insert_if(former.view::<Login>()));
//!     Ok(SessionLayer::builder(MemoryStore::new(), keys).take_over(former).build()?)
//! }
//! ```
//!
//! [`TowerSessions`] and [`AxumSession`] are sources for those libraries (with a feature of a store), and
//! [`python::Sessions`](crate::python::Sessions) is one for the Python library.
//!
//! # What holds
//!
//! - **Once.** However many requests bring the former cookie at the same moment, one session of ours comes of
//!   it, and all of them see that one. A copy of the cookie that comes more than five minutes later is refused,
//!   also where the former session was its cookie and cannot be removed. While keys are rotated, requests that meet at
//!   the same moment on two nodes with different active keys may make a session each.
//! - **What a cookie remembers.** Where the former session is its cookie, that cannot be removed. Ours knows it by the keys:
//!   one that is dropped from the ring takes the memory along, so leave it there, with an end, until those cookies are over.
//!   Another cookie of the same session, as the other library makes one with each response, is another session.
//! - **Whole or not at all.** The former session is removed when ours is written. A request that dies in
//!   between loses nothing: the next one finds what there is.
//! - **One, or none.** Two former cookies of one request that lead to two sessions are ambiguous, since one may be planted: the
//!   request is a guest's, and its logout ends both. So are more than four.
//! - **A new id.** Ours follows from the former id only with the deployment's keys.
//! - **No sign-in.** Its event is [`Begun`](crate::events::EventKind::Begun), and it ends no other session of its user:
//!   [`sessions_per_user`](crate::SessionLayerBuilder::sessions_per_user) counts it at the next sign-in.
//! - **No longer life.** The session began when the former one says that it began. It ends by the layer's own
//!   [`Lifetime`](crate::Lifetime): where the former library let sessions live longer, set a longer one until the
//!   move is over.
//! - **Failure is not absence.** If the former store does not answer, the request gets what the layer's
//!   [`FailurePolicy`](crate::config::FailurePolicy) says, as when our own store fails.
//! - The handler sees the session at once, and its changes are written with it. A session that the function
//!   takes nothing from is left alone.
//!
//! The layer's own sessions must be in a store, not in a [`CookieStore`](crate::CookieStore).

mod erased;
mod object;
#[cfg(any(
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
mod stored;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

pub(crate) use self::erased::{ErasedSource, Found};
pub use self::object::JsonObject;
#[cfg(any(
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
pub use self::stored::{AxumSession, Database, TowerSessions};
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::record::{Edit, Record};
use crate::schema::{Changed, Checks, FieldReader, FieldWriter, SessionData, key_of};
use crate::store::StoreError;
use crate::value::json_value;

/// Where the sessions of another library are.
pub trait Source: Send + Sync + 'static {
    /// The name of their cookie.
    fn cookie_name(&self) -> &str;

    /// The part of a cookie's value that names the session, where the rest may be written in several ways, as a signature
    /// that is not checked. All cookies with one name are one session, so that a logout ends what each of them leads to.
    /// Unless it is written, the whole value.
    fn id<'c>(&self, cookie: &'c str) -> &'c str {
        cookie
    }

    /// The session that a cookie's value leads to, as long as it is alive.
    ///
    /// Check the shape of the value before you ask a store for it.
    ///
    /// # Errors
    /// If the store fails; "not there" and "not readable" are `None`.
    fn find(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<FormerSession>, StoreError>> + Send;

    /// Removes the session that a cookie's value leads to, after ours was written. Where there is nothing to
    /// remove, that is done.
    ///
    /// # Errors
    /// If the store fails. The session stays taken over; the next request tries again.
    fn remove(&self, cookie: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A session as the other library has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FormerSession {
    /// Its values by name.
    pub values: JsonObject,
    /// When it began; `None` if that is not known, and it then begins now.
    pub created_at: Option<Timestamp>,
    /// From then on the other library would not accept its cookie.
    pub expires_at: Timestamp,
}

impl FormerSession {
    /// A session with these values, which the other library accepts until then.
    #[must_use]
    pub fn new(values: JsonObject, expires_at: Timestamp) -> Self {
        Self {
            values,
            created_at: None,
            expires_at,
        }
    }

    /// The value of this name as a `T`; `None` if there is none, or it is no `T`.
    #[must_use]
    pub fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.values.get(name)
    }

    /// The value of this key in the object of this name as a `T`; `None` if there is none, or it is no `T`.
    ///
    /// ```
    /// # use starsessions::takeover::FormerSession;
    /// # fn f(former: &FormerSession) {
    /// let user: Option<i64> = former.get_in("axum-login.data", "user_id");
    /// # }
    /// ```
    #[must_use]
    pub fn get_in<T: serde::de::DeserializeOwned>(&self, name: &str, key: &str) -> Option<T> {
        self.get::<JsonObject>(name)?.get(key)
    }

    /// A session type whose fields are the values of their names (of their `rename`, where there is one; the
    /// namespace does not count). `None` if a required field is missing, or there is no value for any field.
    ///
    /// A value that is no value of its field counts as absent, and so does `null`.
    #[must_use]
    pub fn view<T: SessionData>(&self) -> Option<T> {
        view_of(&self.values)
    }

    /// A session type from the values in the object of this name, as [`view`](Self::view) makes one: what was inserted
    /// as one struct.
    ///
    /// ```
    /// # use starsessions::{Session, SessionError};
    /// # use starsessions::takeover::{FormerSession, Taken};
    /// #[derive(Session)]
    /// struct Guest {
    ///     pageviews: u64,
    /// }
    ///
    /// fn goes_on(former: &FormerSession, taken: &mut Taken) -> Result<(), SessionError> {
    ///     // session.insert("guest.data", GuestData { pageviews, .. })
    ///     taken.insert_if(former.view_in::<Guest>("guest.data"))
    /// }
    /// ```
    #[must_use]
    pub fn view_in<T: SessionData>(&self, name: &str) -> Option<T> {
        view_of(&self.get(name)?)
    }
}

fn view_of<T: SessionData>(values: &JsonObject) -> Option<T> {
    let at = Timestamp::default();
    let mut found = Vec::new();
    for spec in T::SCHEMA.fields {
        let names = std::iter::once(&spec.name).chain(spec.aliases);
        let texts = names.filter_map(|name| values.text(key_of(name)));
        if let Some(text) = texts.filter(|text| *text != "null").take(1).next() {
            found.push((spec.name, json_value(text)));
        }
    }
    if found.is_empty() {
        return None;
    }
    let mut record = Record::new(at, at);
    let edits = found.iter().map(|(name, value)| Edit::set(name, value));
    record.rewrite(edits.collect());
    let mut report = |field, error: &_| {
        tracing::debug!(field, %error, "a value of a former session cannot be read");
    };
    let view = T::load(&mut FieldReader::new(
        T::SCHEMA,
        Some(&record),
        at,
        &mut report,
    ));
    view.ok().filter(|view| view.validate().is_ok())
}

/// The part of a former session that goes on.
#[derive(Debug)]
pub struct Taken {
    pub(crate) changes: Vec<Changed>,
    pub(crate) remember: Option<bool>,
    checks: Checks,
    /// Of the layer that takes over.
    realm: Arc<str>,
}

impl Taken {
    /// Puts a view with all its fields into the new session.
    ///
    /// # Errors
    /// If a value cannot be stored, or `T` is of another realm than the layer that takes over.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the value is handed over: a change made to it later would be lost"
    )]
    pub fn insert<T: SessionData>(&mut self, value: T) -> Result<(), SessionError> {
        T::SCHEMA.is_served_by(&self.realm)?;
        let fields = FieldWriter::all(&value, self.checks)?;
        self.changes.extend(fields.iter());
        Ok(())
    }

    /// Puts a view with all its fields into the new session, if there is one.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn insert_if<T: SessionData>(&mut self, value: Option<T>) -> Result<(), SessionError> {
        value.map_or(Ok(()), |value| self.insert(value))
    }

    /// Gives the session the [remembered](crate::CurrentSession::remember) lifetime.
    pub fn remember(&mut self) {
        self.remember = Some(true);
    }
}

/// Takes the part of a former session that goes on.
type Map = dyn Fn(&FormerSession, &mut Taken) -> Result<(), SessionError> + Send + Sync;

/// Takes the sessions of a [`Source`] over; for [`SessionLayerBuilder::take_over`](crate::SessionLayerBuilder::take_over).
pub struct TakeOver {
    pub(crate) source: Box<dyn ErasedSource>,
    map: Box<Map>,
    until: Option<Timestamp>,
}

impl TakeOver {
    /// Takes over what `map` takes of each session: it puts session types into the new one. If it takes
    /// nothing, the former session is left alone and the request is a guest's. An error of `map` is the
    /// request's error.
    #[must_use]
    pub fn new(
        source: impl Source,
        map: impl Fn(&FormerSession, &mut Taken) -> Result<(), SessionError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Box::new(source),
            map: Box::new(map),
            until: None,
        }
    }

    /// The cut-over: from this second on, no former session is accepted, and the source is not asked any more.
    ///
    /// ```
    /// # use starsessions::{Timestamp, takeover::{Source, TakeOver}};
    /// # fn f(former: TakeOver) -> TakeOver {
    /// former.until(Timestamp::from_unix_seconds(1_798_761_600)) // 1 January 2027
    /// # }
    /// ```
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    pub(crate) fn take(
        &self,
        former: &FormerSession,
        checks: Checks,
        realm: &Arc<str>,
    ) -> Result<Taken, SessionError> {
        let mut taken = Taken {
            changes: Vec::new(),
            remember: None,
            checks,
            realm: Arc::clone(realm),
        };
        (self.map)(former, &mut taken)?;
        Ok(taken)
    }
}

impl fmt::Debug for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeOver")
            .field("cookie", &self.source.cookie_name())
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
