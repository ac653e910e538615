//! The layer: gives each request a handle to its session, and loads nothing.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use serde::Serialize;
use tower_layer::Layer;
use tower_service::Service;

use super::builder::SessionLayerBuilder;
#[cfg(feature = "dbsc")]
use super::device_endpoints;
use super::future::ResponseFuture;
use super::pages::Pages;
use crate::bearer::{SecurityScheme, TokenHeader};
use crate::crypto::KeyRing;
use crate::error::SessionError;
use crate::request::{Realm, Slot};
use crate::schema::Indexed;
use crate::session::{InspectedCookie, ListedSession, PublicSessionId, lookup_named};
use crate::store::Backend;

/// Serves the sessions of every route inside it.
///
/// The defaults are those of a production site behind TLS: the cookie `__Host-Http-id` (`Secure`,
/// `HttpOnly`, `SameSite=Lax`), [`Lifetime::aal2`](crate::Lifetime::aal2), 503 when the store
/// fails. Everything else is in the [builder](Self::builder).
///
/// A request that takes no session costs one handle: no cookie is parsed, no store is asked, and
/// its response is left as it is.
///
/// ```
/// use starsessions::{KeyRing, MemoryStore, SessionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let app = axum::Router::<()>::new();
/// let layer = SessionLayer::new(MemoryStore::new(), KeyRing::generate()?);
/// let app = app.layer(layer);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionLayer {
    realm: Arc<Realm>,
    pages: Option<Pages>,
}

impl SessionLayer {
    /// A layer with the defaults of a production site.
    #[must_use]
    pub fn new(store: impl Backend, keys: KeyRing) -> Self {
        Self::builder(store, keys).build_defaults()
    }

    /// A layer for development on `http://localhost`: the cookie is called `starsessions-dev`
    /// and is not `Secure`, so that browsers keep it without TLS, and responses
    /// [say](SessionLayerBuilder::explain) why their session went as it did. Not for production.
    #[must_use]
    pub fn dev(store: impl Backend, keys: KeyRing) -> Self {
        Self::builder(store, keys)
            .local_development()
            .explain(true)
            .build_defaults()
    }

    /// A builder, for other settings.
    pub fn builder(store: impl Backend, keys: KeyRing) -> SessionLayerBuilder {
        SessionLayerBuilder::new(store, keys)
    }

    /// A builder for a layer whose sessions a Python deployment reads and writes too. The timeouts, and the cookie's
    /// name and persistence, are those of `sessions`; set path, domain and the rest as they are in Python. See
    /// [`python`](crate::python).
    #[cfg(feature = "python")]
    pub fn shared_with_python(
        sessions: crate::python::Sessions,
        keys: KeyRing,
    ) -> SessionLayerBuilder {
        SessionLayerBuilder::shared(sessions, keys)
    }

    /// The name of the cookie; `None` where the [transport](SessionLayerBuilder::transport) has none.
    #[must_use]
    pub fn cookie_name(&self) -> Option<&str> {
        let realm = &self.realm;
        realm.carriers.has_cookie.then(|| realm.cookie.name())
    }

    /// The ways in which clients can send their session, for the description of an API. Any one of them is enough.
    ///
    /// ```
    /// use starsessions::config::{SecurityScheme, Transport};
    /// use starsessions::{KeyRing, MemoryStore, SessionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
    ///     .transport(Transport::bearer().beside_cookie())
    ///     .build()?;
    /// assert_eq!(
    ///     layer.security_schemes(),
    ///     [SecurityScheme::Cookie("__Host-Http-id".to_owned()), SecurityScheme::Bearer]
    /// );
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn security_schemes(&self) -> Vec<SecurityScheme> {
        let cookie = self.cookie_name().map(str::to_owned);
        let cookie = cookie.map(SecurityScheme::Cookie);
        let header = self.realm.carriers.header.as_ref();
        let header = header.map(TokenHeader::security_scheme);
        cookie.into_iter().chain(header).collect()
    }

    pub(super) fn from_realm(realm: Realm, pages: Option<Pages>) -> Self {
        Self {
            realm: Arc::new(realm),
            pages,
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }
}

/// For background tasks and administrators' pages.
impl SessionLayer {
    /// The live sessions with this value in `T`'s indexed field, the last used first.
    ///
    /// ```
    /// # use starsessions::{Session, SessionError, SessionLayer};
    /// #[derive(Session)]
    /// struct Login {
    ///     #[session(required, rotate, index)]
    ///     user: u64,
    /// }
    ///
    /// async fn devices_of(layer: &SessionLayer, user: u64) -> Result<usize, SessionError> {
    ///     Ok(layer.list::<Login>(&user).await?.len())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store fails, the sessions are cookies, the value cannot be encoded, or `T` is of another realm.
    pub async fn list<T: Indexed>(
        &self,
        value: &T::Index,
    ) -> Result<Vec<ListedSession>, SessionError> {
        let lookup = self.realm.lookup::<T>(value)?;
        self.realm.list(&lookup, None).await
    }

    /// Ends all sessions with this value in `T`'s indexed field; returns how many there were. For an
    /// account that is disabled or deleted (OWASP ASVS 7.4.2, 7.4.5). The timeouts of this layer do not
    /// matter: a job need not know those of the application.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn revoke_all<T: Indexed>(&self, value: &T::Index) -> Result<usize, SessionError> {
        let lookup = self.realm.lookup::<T>(value)?;
        self.realm.revoke(lookup, None).await
    }

    /// [`list`](Self::list) for a program that does not know the struct: by the stored name of the indexed field, as in
    /// `login.user` (a field with `until = rotate` is stored as `login.~user`), and its value. The value is encoded
    /// like a field without a `codec`: a newtype like its inner value, unsigned integers of 16 bits and more alike, and
    /// signed ones alike.
    ///
    /// ```
    /// # use starsessions::{SessionError, SessionLayer};
    /// async fn devices_of(layer: &SessionLayer, user: u64) -> Result<usize, SessionError> {
    ///     Ok(layer.list_by("login.user", &user).await?.len())
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn list_by<V: Serialize + ?Sized>(
        &self,
        field: &str,
        value: &V,
    ) -> Result<Vec<ListedSession>, SessionError> {
        self.realm.list(&lookup_named(field, value)?, None).await
    }

    /// Ends the sessions that [`list_by`](Self::list_by) shows, or only one of them; returns how many there were.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn revoke_by<V: Serialize + ?Sized>(
        &self,
        field: &str,
        value: &V,
        only: Option<PublicSessionId>,
    ) -> Result<usize, SessionError> {
        self.realm.revoke(lookup_named(field, value)?, only).await
    }

    /// Looks up a cookie's value: its kind, key, times, and the names of its session's fields, without their values.
    /// For support; it counts as no use of the session.
    ///
    /// ```
    /// # use starsessions::{SessionError, SessionLayer};
    /// async fn names(layer: &SessionLayer, cookie: &str) -> Result<Vec<String>, SessionError> {
    ///     let session = layer.inspect(cookie).await?.session;
    ///     let fields = session.into_iter().flat_map(|session| session.fields);
    ///     Ok(fields.map(|field| field.name).collect())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store fails.
    pub async fn inspect(&self, value: &str) -> Result<InspectedCookie, SessionError> {
        self.realm.inspect(value).await
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        let layer = self.clone();
        SessionService { inner, layer }
    }
}

/// The service that [`SessionLayer`] makes.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    layer: SessionLayer,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for SessionService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Default + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let SessionLayer { realm, pages } = &self.layer;
        #[cfg(feature = "dbsc")]
        if let Some(rules) = &realm.device
            && let Some(errand) = rules.errand(request.method(), request.uri().path())
        {
            let (realm, rules) = (Arc::clone(realm), Arc::clone(rules));
            let headers = std::mem::take(request.headers_mut());
            return ResponseFuture::by_layer(device_endpoints::run(realm, rules, errand, headers));
        }
        let extensions = request.extensions_mut();
        let outer = extensions.get::<Arc<Slot>>().cloned();
        if let Some(slot) = &outer {
            let Realm { reporter, name, .. } = &**realm;
            if slot.find(name).is_some() {
                reporter.second_layer(name, request.uri().path());
                return ResponseFuture::passing(self.inner.call(request));
            }
            if let Some(other) = slot.same_cookie(realm) {
                reporter.shared_cookie(realm.cookie.name(), name, &other.realm().name);
            }
        }
        let slot = Slot::new(Arc::clone(realm), outer, Some(&request));
        #[cfg(feature = "dbsc")]
        slot.arrive(&request);
        let asked = pages.as_ref().map(|pages| pages.ask(&request));
        let extensions = request.extensions_mut();
        extensions.insert(Arc::clone(&slot));
        ResponseFuture::new(self.inner.call(request), slot, asked)
    }
}
