//! Settings of a layer.

mod build;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http::request::Parts;

use super::config_error::ConfigError;
use super::layer::SessionLayer;
use super::pages::{Pages, Rejection};
use crate::bearer::{Carriers, Transport, TransportConfigError};
use crate::clock::{Clock, SystemClock};
use crate::cookie::{CookieBuilder, CookieConfig};
use crate::crypto::KeyRing;
#[cfg(feature = "dbsc")]
use crate::device::{DeviceBinding, DeviceBindingError, DeviceRules, Unbound};
use crate::engine::{Context, Engine, Settings};
use crate::lifecycle::{
    AtLimit, FailurePolicy, Lifetime, MIN_RENEWAL, OnServerError, Policy, SessionLimit,
};
use crate::observe::{EventSender, Observer, Reporter};
#[cfg(feature = "python")]
use crate::python::Sessions;
use crate::request::{KnownSchemas, Realm};
use crate::store::{Backend, BackendKind, CookieMode};
#[cfg(feature = "takeover")]
use crate::takeover::TakeOver;

/// Builds a [`SessionLayer`]; every combination that cannot work is refused by
/// [`build`](Self::build) with a sentence that says what to change.
///
/// ```
/// use std::time::Duration;
/// use starsessions::{KeyRing, Lifetime, MemoryStore, SameSite, SessionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .cookie(|cookie| cookie.same_site(SameSite::Strict))
///     .lifetime(Lifetime::aal3())
///     .remembered_lifetime(Lifetime::aal1())
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct SessionLayerBuilder {
    backend: Backing,
    keys: KeyRing,
    cookie: CookieBuilder,
    former_cookie: Option<CookieBuilder>,
    transport: Transport,
    realm: String,
    audience: String,
    policy: Policy,
    failure_policy: FailurePolicy,
    settings: Settings,
    explains: bool,
    listener: Option<EventSender>,
    open_telemetry: bool,
    pages: Option<Pages>,
    #[cfg(feature = "takeover")]
    takeover: Option<TakeOver>,
    #[cfg(feature = "dbsc")]
    device: Option<DeviceBinding>,
    clock: Arc<dyn Clock>,
}

/// Where the layer's sessions are.
enum Backing {
    Own(BackendKind),
    #[cfg(feature = "python")]
    Python(Sessions),
}

impl SessionLayerBuilder {
    pub(super) fn new(backend: impl Backend, keys: KeyRing) -> Self {
        Self::over(Backing::Own(backend.into_backend()), keys)
    }

    /// The cookie and the timeouts default to Python's. The record limit is the maximum, because Python has no size
    /// limits.
    #[cfg(feature = "python")]
    pub(super) fn shared(sessions: Sessions, keys: KeyRing) -> Self {
        let (name, timeouts) = (sessions.name().to_owned(), sessions.timeouts());
        let is_persistent = sessions.is_persistent();
        Self::over(Backing::Python(sessions), keys)
            .cookie(|cookie| cookie.name(name).persistent(is_persistent))
            .lifetime(timeouts)
            .record_limit(MAX_RECORD)
    }

    fn over(backend: Backing, keys: KeyRing) -> Self {
        Self {
            backend,
            keys,
            cookie: CookieBuilder::default(),
            former_cookie: None,
            transport: Transport::cookie(),
            realm: String::new(),
            audience: String::new(),
            policy: Policy {
                standard: Lifetime::aal2(),
                remembered: None,
                renewal: None,
                renewal_grace: MAX_RENEWAL_GRACE,
                field_limit: 16 * 1024,
                record_limit: 64 * 1024,
                server_errors: OnServerError::Discard,
                check_round_trip: true,
            },
            failure_policy: FailurePolicy::Unavailable,
            settings: Settings::default(),
            explains: false,
            listener: None,
            open_telemetry: false,
            pages: None,
            #[cfg(feature = "takeover")]
            takeover: None,
            #[cfg(feature = "dbsc")]
            device: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the cookie's name and attributes.
    pub fn cookie(mut self, set: impl FnOnce(CookieBuilder) -> CookieBuilder) -> Self {
        self.cookie = set(self.cookie);
        self
    }

    /// Removes a leftover cookie of the same name that was set with another path, domain or partitioning, when a
    /// request brings both. `set` receives the [`cookie`](Self::cookie) as it is set so far, and changes what differs.
    /// Without this setting, a partitioned cookie's unpartitioned twin is removed.
    pub fn former_cookie(mut self, set: impl FnOnce(CookieBuilder) -> CookieBuilder) -> Self {
        self.former_cookie = Some(set(self.cookie.clone()));
        self
    }

    /// The cookie of [`SessionLayer::dev`]: for `http://localhost` only.
    pub fn local_development(mut self) -> Self {
        self.cookie = CookieBuilder::local_development();
        self
    }

    /// How clients send their session: in the cookie (the default), by a token in a header, or either way.
    ///
    /// ```
    /// use starsessions::config::Transport;
    /// # use starsessions::{KeyRing, MemoryStore, SessionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let api = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
    ///     .transport(Transport::bearer()) // `Authorization: Bearer <token>`
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The idle and the absolute timeout. Default: [`Lifetime::aal2`].
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.policy.standard = lifetime;
        self
    }

    /// The timeouts of a session that is [remembered](crate::CurrentSession::remember). Without them,
    /// remembering only gives the cookie a `Max-Age`.
    pub fn remembered_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.policy.remembered = Some(lifetime);
        self
    }

    /// Gives a session a new id when the old one is this old. The old id leads to its successor for
    /// a grace of 30 seconds, so that requests on their way do not fail.
    ///
    /// Off by default: a browser that never receives the response with the new cookie is signed out
    /// when the grace is over. (OWASP Session Management Cheat Sheet, "Renewal Timeout".)
    pub fn renewal(mut self, age: Duration) -> Self {
        self.policy.renewal = Some(age);
        self
    }

    /// How long a renewed id leads to its successor, up to 30 seconds, which is the default.
    pub fn renewal_grace(mut self, grace: Duration) -> Self {
        self.policy.renewal_grace = grace;
        self
    }

    /// Sets what happens to data changes when the response is a 5xx, or a 408, the answer of time-out layers for a
    /// handler that they have dropped.
    pub fn on_server_error(mut self, rule: OnServerError) -> Self {
        self.policy.server_errors = rule;
        self
    }

    /// Sets what a request gets when the store fails.
    pub fn on_store_failure(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// How long a request waits for one operation of the store, before the failure policy decides;
    /// 5 seconds by default. The runtime must have its timer enabled, as that of `#[tokio::main]` has.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.settings.store_timeout = Some(timeout);
        self
    }

    /// How long a [`Watch`](crate::session::Watch) may miss a change or an end that another process has made; 10
    /// seconds by default. Each watched session is loaded about once per interval. Half of the
    /// [renewal grace](Self::renewal_grace) is the upper limit, because a change of keys renews ids as well.
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.settings.watch_interval = Some(interval);
        self
    }

    /// How many sessions a user may have, and what happens when one more is begun (OWASP ASVS 7.1.2).
    /// Sessions belong to one user if their fields marked `index` have the same value. A sign-in sets this
    /// field to a value that the session did not have, or sets it in a new session.
    ///
    /// A sign-in lists that user's sessions once, or twice with [`AtLimit::Refuse`]; other requests cost
    /// nothing. When several sign-ins of one user run at the same time:
    ///
    /// - At most `max` sessions are left when all sign-ins have been answered. If the store fails while a completed
    ///   sign-in ends another session, that session stays until the next sign-in.
    /// - With [`AtLimit::EndOldest`], `max` are left. Sign-ins of one user take turns; a sign-in that has waited about
    ///   a second may get [`SessionError::TooManySessions`](crate::SessionError::TooManySessions). If `max` is 1 and
    ///   the store fails while a sign-in gives its turn back, the sign-ins of the next two minutes get this error, too.
    /// - With [`AtLimit::Refuse`], at least one of the sign-ins that compete for the last places succeeds; the
    ///   others may be refused even if a place is left.
    /// - A refused sign-in changes nothing.
    /// - A session whose id is renewed while the store lists the sessions may be overlooked until the next sign-in.
    pub fn sessions_per_user(mut self, max: usize, at_limit: AtLimit) -> Self {
        self.settings.limit = Some(SessionLimit { max, at_limit });
        self
    }

    /// The most bytes of one field's encoded value, up to 64 KiB. Default: 16 KiB.
    pub fn field_limit(mut self, bytes: usize) -> Self {
        self.policy.field_limit = bytes;
        self
    }

    /// The most bytes of all names and values together, up to 1 MiB. Default: 64 KiB.
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.policy.record_limit = bytes;
        self
    }

    /// Whether each value that is written is read back before it is stored, and refused if another
    /// value would come back. Default: yes, in release builds too.
    pub fn check_round_trip(mut self, check: bool) -> Self {
        self.policy.check_round_trip = check;
        self
    }

    /// Serves the structs with `#[session(realm = "..")]` of this name, next to the layer of the
    /// main realm. Give it a cookie name of its own. It may share the store and the keys: a cookie of
    /// one realm is worthless in every other.
    pub fn realm(mut self, name: impl Into<String>) -> Self {
        self.realm = name.into();
        self
    }

    /// Names this deployment, as in `shop-production`: the layer refuses what another application or
    /// deployment has sealed with the same keys. Different keys are better still.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Binds sessions to a key that the browser's device keeps, where the browser can (Device Bound Session Credentials):
    /// a copy of the cookie is worth nothing elsewhere. The layer answers two paths by itself;
    /// [`docs::device_binding`](crate::docs::device_binding) says what else to know.
    ///
    /// ```
    /// use starsessions::{KeyRing, MemoryStore, SessionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
    ///     .device_bound(|device| device.exclude("/assets"))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "dbsc")]
    pub fn device_bound(mut self, set: impl FnOnce(DeviceBinding) -> DeviceBinding) -> Self {
        self.device = Some(set(self.device.unwrap_or_else(DeviceBinding::new)));
        self
    }

    /// Whether each response whose session was used says in the header `x-session-explain`, and in the
    /// log at debug level, why the session was loaded, written or refused. Off by default, on in
    /// [`SessionLayer::dev`]: it helps developers of the site, and attackers as well.
    pub fn explain(mut self, explain: bool) -> Self {
        self.explains = explain;
        self
    }

    /// Replaces the library's answers with pages of the application: for a guest where a user is expected (401), for a
    /// request that another site may have caused or a device has not proved (403), for a conflict or a session that has
    /// ended (409), during an outage (503), and for mistakes of the application (500). Redirects and the application's
    /// own answers stay as they are. Without this setting, an answer is a sentence.
    ///
    /// `page` receives the head of the request, to choose a language, or JSON; that costs each request a copy of its
    /// headers. The page is sent with `Cache-Control: private, no-store`, and with the cookies that the layer sets.
    /// Headers of middleware inside the layer stay, except for those that describe the body. The status of the replaced
    /// answer, not of the page, decides what is written. Of several layers, the innermost that has pages makes them.
    ///
    /// ```
    /// use axum::response::{Html, IntoResponse, Json};
    /// use http::header::ACCEPT;
    /// use starsessions::{KeyRing, MemoryStore, SessionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
    ///     .on_rejection(|rejection, request| {
    ///         let accept = request.headers.get(ACCEPT).and_then(|types| types.to_str().ok());
    ///         let message = rejection.message();
    ///         if accept.is_some_and(|types| types.contains("json")) {
    ///             (rejection.status(), Json(message)).into_response()
    ///         } else {
    ///             (rejection.status(), Html(format!("<h1>Sorry</h1><p>{message}</p>"))).into_response()
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Under tower without axum, a page must have the body type of the service inside the layer. Without a page, the
    /// answer has a sentence if that type is `Bytes` or `String`, and otherwise an empty body.
    pub fn on_rejection<B: 'static>(
        mut self,
        page: impl Fn(&Rejection, &Parts) -> Response<B> + Send + Sync + 'static,
    ) -> Self {
        self.pages = Some(Pages::new(page));
        self
    }

    /// Sends what happens to sessions to the application: for an audit log, or a mail about a new device. See
    /// [`events::channel`](crate::events::channel).
    pub fn on_event(mut self, sender: EventSender) -> Self {
        self.listener = Some(sender);
        self
    }

    /// Whether log events name sessions in the fields of OpenTelemetry's semantic conventions, and the span around the
    /// layer gets these fields as well, if it has declared them. Off by default. The values are fingerprints, never ids.
    ///
    /// ```
    /// use starsessions::{KeyRing, MemoryStore, SessionLayer};
    /// use tracing::field::Empty;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
    ///     .open_telemetry(true)
    ///     .build()?;
    /// // The span of a request, made outside of the layer, as by `TraceLayer::make_span_with` of tower-http:
    /// let span = tracing::info_span!(
    ///     "request",
    ///     session.id = Empty,
    ///     session.previous_id = Empty, // where the session gets a new id
    ///     enduser.pseudo.id = Empty,   // of the field that is marked `index`
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_telemetry(mut self, names: bool) -> Self {
        self.open_telemetry = names;
        self
    }

    /// Accepts the sessions of another library: see [`takeover`](crate::takeover).
    #[cfg(feature = "takeover")]
    pub fn take_over(mut self, takeover: TakeOver) -> Self {
        self.takeover = Some(takeover);
        self
    }

    /// The clock. Default: the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for SessionLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayerBuilder")
            .field("realm", &self.realm)
            .field("cookie", &self.cookie)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// With a longer grace, the old id would be as good as a second one.
const MAX_RENEWAL_GRACE: Duration = Duration::from_secs(30);
const MAX_RECORD: usize = 1024 * 1024;
