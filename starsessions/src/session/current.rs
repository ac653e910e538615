//! The whole session of a request, with the fields of all types.

use std::sync::Arc;

use http::request::Parts;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::rejection::MissingLayer;
use super::{Session, SessionRejection};
use crate::clock::Timestamp;
use crate::crypto::Fingerprint;
use crate::error::SessionError;
use crate::request::Slot;
use crate::schema::{FieldWriter, SessionData};
use crate::sentence::debug_as_name;

/// The request's session as a whole: sign in, sign out, a new id, what is known about it.
///
/// Methods that are not `async` only record what to do. The layer does it in one operation after the handler
/// has returned, or [`commit`](Self::commit) does.
///
/// ```
/// use starsessions::{CurrentSession, Session, SessionError};
///
/// #[derive(Session)]
/// #[session(reject = "/login")]
/// struct Login {
///     #[session(required, rotate)]
///     user: u64,
/// }
///
/// async fn sign_in(session: CurrentSession) -> Result<&'static str, SessionError> {
///     session.insert(Login { user: 7 })?; // `rotate`: a new id, in the same commit
///     Ok("welcome")
/// }
///
/// async fn sign_out(session: CurrentSession) -> Result<&'static str, SessionError> {
///     session.destroy()?;
///     Ok("bye")
/// }
/// ```
///
/// In a `CookieStore` without a revocation list no session can be ended for good:
/// [`destroy`](Self::destroy) is an error, and [`forget`](Self::forget) only removes the cookie.
#[derive(Clone)]
pub struct CurrentSession {
    pub(crate) slot: Arc<Slot>,
}

/// Facts about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// When it began.
    pub created_at: Timestamp,
    /// The last request that used it, to within a tenth of the idle timeout and at most a minute.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used again.
    pub expires_at: Timestamp,
    /// Whether it has the remembered lifetime.
    pub remembered: bool,
    /// Whether only one device can use it.
    pub bound: bool,
}

/// For a page or an API that shows the session; times are Unix seconds.
impl Serialize for SessionInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("SessionInfo", 5)?;
        out.serialize_field("created_at", &self.created_at)?;
        out.serialize_field("last_seen_at", &self.last_seen_at)?;
        out.serialize_field("expires_at", &self.expires_at)?;
        out.serialize_field("remembered", &self.remembered)?;
        out.serialize_field("bound", &self.bound)?;
        out.end()
    }
}

impl CurrentSession {
    pub(crate) fn new(slot: Arc<Slot>) -> Self {
        Self { slot }
    }

    /// Puts a view with all its fields into the session, replacing their values. If one of the fields is
    /// marked `rotate`, the session gets a new id and the old one ends.
    ///
    /// # Errors
    /// If a value cannot be stored, `T` is of another realm, or the response has left.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the value is handed over: a change made to it later would be lost"
    )]
    pub fn insert<T: SessionData>(&self, value: T) -> Result<(), SessionError> {
        self.slot.serves(T::SCHEMA)?;
        let realm = self.slot.realm();
        realm.note_schema(T::SCHEMA);
        let fields = FieldWriter::all(&value, realm.engine.policy().checks())?;
        self.slot.push_any(fields.iter())
    }

    /// Removes a view with all its fields from the session.
    ///
    /// # Errors
    /// If `T` is of another realm, or the response has left.
    pub fn remove<T: SessionData>(&self) -> Result<(), SessionError> {
        self.slot.serves(T::SCHEMA)?;
        self.slot
            .push_any(T::SCHEMA.fields.iter().map(|spec| (spec, None)))
    }

    /// The fields of a view as this request has left them so far; `None` where a required one is
    /// missing.
    ///
    /// # Errors
    /// If the store fails, or `T` is of another realm.
    pub async fn get<T: SessionData>(&self) -> Result<Option<T>, SessionError> {
        self.slot.serves(T::SCHEMA)?;
        self.slot.ready_to_read(None).await?;
        #[cfg(feature = "dbsc")]
        self.slot.demand(T::SCHEMA)?;
        Ok(self.slot.view().ok().map(|(value, ..)| value))
    }

    /// A tracked view, like the handler argument [`Session<T>`](Session).
    ///
    /// # Errors
    /// If the argument would be rejected, or if `T` is of another realm.
    pub async fn view<T: SessionData>(&self) -> Result<Session<T>, SessionRejection> {
        self.slot.serves(T::SCHEMA)?;
        Session::load(Arc::clone(&self.slot), None).await
    }

    /// Gives the session a new id; the old one ends without a grace. For a change of privileges that no
    /// `rotate` field declares. Without a session it does nothing.
    ///
    /// # Errors
    /// If the response has left.
    pub fn rotate(&self) -> Result<(), SessionError> {
        self.slot.rotate()
    }

    /// Gives the session the layer's [remembered lifetime](crate::SessionLayerBuilder::remembered_lifetime)
    /// from now on, or the ordinary one again. Takes effect if a session exists or this request begins
    /// one, and stays when the id or the user changes: set it at each sign-in.
    ///
    /// # Errors
    /// If the response has left.
    pub fn remember(&self, remember: bool) -> Result<(), SessionError> {
        self.slot.remember(remember)
    }

    /// Facts about the session that the request came with; `None` without one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn info(&self) -> Result<Option<SessionInfo>, SessionError> {
        self.slot.ready_to_read(None).await?;
        Ok(self.slot.record().map(|record| SessionInfo {
            created_at: record.created_at,
            last_seen_at: record.last_seen_at,
            expires_at: record.expires_at,
            remembered: record.remembered,
            bound: record.is_bound(),
        }))
    }

    /// The log's name for the session that the request came with, or has begun and committed; `None` without a session.
    /// For the application's own log and spans, which must not contain an id.
    ///
    /// ```
    /// use starsessions::{CurrentSession, SessionError};
    ///
    /// async fn pay(session: CurrentSession) -> Result<(), SessionError> {
    ///     if let Some(fingerprint) = session.fingerprint().await? {
    ///         tracing::info!(session = %fingerprint, "paid");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store fails.
    pub async fn fingerprint(&self) -> Result<Option<Fingerprint>, SessionError> {
        self.slot.ready_to_read(None).await?;
        Ok(self.slot.fingerprint())
    }

    /// Writes everything recorded so far, and reports the outcome.
    ///
    /// # Errors
    /// As [`Session::commit`].
    pub async fn commit(&self) -> Result<(), SessionError> {
        self.slot.commit().await
    }

    /// Drops the request's changes at its end, as a 5xx does: for a handler that has changed a view and then
    /// refuses the request. Other answers, 4xx included, store the changes, except for a [`SessionError`]'s.
    ///
    /// A logout, a call of [`rotate`](Self::rotate), fields with `commit = always` and everything committed
    /// before stay. Views may be dropped before or after this call.
    ///
    /// ```
    /// use starsessions::{CurrentSession, Session, SessionError};
    /// # #[derive(Session)]
    /// # struct Shop {
    /// #     cart: Vec<String>,
    /// # }
    ///
    /// async fn add(mut shop: Session<Shop>, session: CurrentSession, article: String) -> Result<&'static str, SessionError> {
    ///     shop.cart.push(article);
    ///     if shop.cart.len() > 100 {
    ///         session.discard()?;
    ///         return Ok("the cart is full");
    ///     }
    ///     Ok("added")
    /// }
    /// ```
    ///
    /// # Errors
    /// If the response has left.
    pub fn discard(&self) -> Result<(), SessionError> {
        self.slot.discard_at_end()
    }

    /// Drops everything that was recorded and not yet committed. Existing views no longer write.
    pub fn rollback(&self) {
        self.slot.rollback();
    }

    /// The session of a request outside of axum's extractors, in the main realm.
    ///
    /// # Errors
    /// If no [`SessionLayer`](crate::SessionLayer) serves the request.
    pub fn from_parts(parts: &Parts) -> Result<Self, SessionRejection> {
        Self::from_parts_in(parts, "")
    }

    /// The session of a request in the realm of this name.
    ///
    /// # Errors
    /// If no [`SessionLayer`](crate::SessionLayer) of this realm serves the request.
    pub fn from_parts_in(parts: &Parts, realm: &'static str) -> Result<Self, SessionRejection> {
        let slot = find_slot(parts, realm).ok_or_else(|| {
            MissingLayer::new(&parts.extensions, "CurrentSession".to_owned(), realm)
        })?;
        slot.see(&parts.headers);
        slot.note_manner(parts);
        Ok(Self::new(slot))
    }
}

/// The ways to end a session.
impl CurrentSession {
    /// Ends the session: its record is deleted, and no copy of its cookie works any more. This
    /// request's changes so far are dropped, and existing views no longer write unless they are
    /// [reloaded](Session::reload). A later insert, or a change in a later view, begins a new session
    /// under a new id.
    ///
    /// # Errors
    /// [`SessionError::NotRevocable`] if copies of the cookie would go on working: in a `CookieStore`
    /// without a revocation list. Nothing changes then. Also if the response has left.
    pub fn destroy(&self) -> Result<(), SessionError> {
        if !self.slot.realm().is_revocable {
            return Err(SessionError::NotRevocable);
        }
        self.slot.destroy()
    }

    /// Ends the session like [`destroy`](Self::destroy). Where `destroy` is refused, the cookie is at
    /// least removed from the browser; a copy of the cookie then works until it expires.
    ///
    /// # Errors
    /// If the response has left.
    pub fn forget(&self) -> Result<(), SessionError> {
        self.slot.destroy()
    }
}

/// The slot of a realm among a request's extensions.
pub(crate) fn find_slot(parts: &Parts, realm: &str) -> Option<Arc<Slot>> {
    parts.extensions.get::<Arc<Slot>>()?.find(realm)
}

debug_as_name!(CurrentSession);
