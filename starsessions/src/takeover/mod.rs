//! Sessions of another library, taken over one by one: users stay signed in through a move.
//!
//! A request without a session of this library may bring the cookie of another library. A [`Source`] finds the former
//! session, a function of the application copies its values into session types, and the layer writes a new session with
//! a new id and removes the former one.
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
//! - **Once.** If several requests bring the former cookie at the same time, the layer makes one new session, and all
//!   of the requests see it. A copy of the cookie that comes more than five minutes later is refused, even if the
//!   former session was in its cookie and cannot be removed. While keys are rotated, concurrent requests on two nodes
//!   with different active keys may make a session each.
//! - **Sessions in cookies.** A former session in its cookie cannot be removed, so the layer remembers it under a key
//!   of the ring. Keep that key in the ring, with an end, until those cookies have expired. If the other library makes
//!   a new cookie with each response, each cookie is a session of its own.
//! - **Whole or not at all.** The former session is removed when the new one is written. A request that dies in
//!   between loses nothing: the next request finds either session.
//! - **One, or none.** If the former cookies of a request lead to two sessions, one of them may be planted: the request is
//!   a guest's, and its logout ends both. Of more than four former cookies the layer tries none, and refuses the logout.
//! - **A new id.** The new id can be derived from the former id only with the deployment's keys.
//! - **No sign-in.** The event is [`Begun`](crate::events::EventKind::Begun), and no other session of the user ends:
//!   [`sessions_per_user`](crate::SessionLayerBuilder::sessions_per_user) counts the session at the next sign-in.
//! - **No longer life.** The session keeps the beginning of the former session. It ends by the layer's own
//!   [`Lifetime`](crate::Lifetime): if the former library let sessions live longer, set a longer one until the
//!   move is over.
//! - **Failure is not absence.** If the former store does not answer, the layer's
//!   [`FailurePolicy`](crate::config::FailurePolicy) applies, as when the layer's own store fails.
//! - The handler sees the session at once, and its changes are written with it. If the function takes nothing, the
//!   former session stays as it is.
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

    /// The part of a cookie's value that names the session; by default the whole value. Implement it if the rest can
    /// vary, as an unchecked signature can. All cookies with one name are one session, so that a logout ends the
    /// session of each.
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

    /// Removes the session that a cookie's value leads to, after the new session was written. Succeeds if there is
    /// nothing to remove.
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
    /// When the session began; `None` if unknown: the new session then begins now.
    pub created_at: Option<Timestamp>,
    /// The time from which on the other library would not accept the cookie.
    pub expires_at: Timestamp,
}

impl FormerSession {
    /// A session with these values, which the other library accepts until `expires_at`.
    #[must_use]
    pub fn new(values: JsonObject, expires_at: Timestamp) -> Self {
        Self {
            values,
            created_at: None,
            expires_at,
        }
    }

    /// The value of this name as a `T`; `None` if there is no value, or it is not a `T`.
    #[must_use]
    pub fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.values.get(name)
    }

    /// The value of this key in the object of this name as a `T`; `None` if there is no value, or it is not a `T`.
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

    /// A session type, each field of which has the value of the field's name (or `rename`; without the namespace).
    /// `None` if a required field is missing, or if no field has a value.
    ///
    /// A value that does not fit the type of its field counts as absent, and so does `null`.
    #[must_use]
    pub fn view<T: SessionData>(&self) -> Option<T> {
        view_of(&self.values)
    }

    /// Like [`view`](Self::view), with the values in the object of this name, which was inserted as one struct.
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
        let mut texts = names.filter_map(|name| values.text(key_of(name)));
        if let Some(text) = texts.find(|text| *text != "null") {
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
    /// The realm of the layer that takes over.
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
    /// Takes over what `map` puts into the new session. If `map` takes nothing, the former session stays as it is and
    /// the request is a guest's. An error of `map` is the request's error.
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
