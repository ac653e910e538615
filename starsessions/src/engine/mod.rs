//! The only code that awaits a store: it finds the session of a request and carries out its plan.

#[cfg(feature = "dbsc")]
mod bind_device;
mod by_parts;
mod claims;
mod client_side;
mod ending;
mod limit;
mod listing;
mod overtaken;
mod presented;
mod server_side;
#[cfg(feature = "python")]
mod shared;
#[cfg(feature = "takeover")]
mod takeover;
mod tombstones;
mod vault;
mod watchers;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use self::client_side::ClientSide;
pub(crate) use self::ending::Endable;
pub(crate) use self::listing::FoundSession;
use self::presented::Credential;
pub(crate) use self::presented::{Live, Presented};
use self::server_side::ServerSide;
#[cfg(feature = "python")]
use self::shared::SharedSide;
use self::vault::Vault;
pub(crate) use self::watchers::{Watched, Watchers};
pub(crate) use self::ways::ENDING_GRACE;
use crate::clock::{Clock, Timestamp};
use crate::crypto::{CookieKind, Fingerprint, KeyRing, ReferenceToken};
use crate::error::SessionError;
use crate::lifecycle::changes::{Changes, FieldConflict};
use crate::lifecycle::expiry::is_old_enough_for_new_id;
use crate::lifecycle::plan::{Next, Plan};
use crate::lifecycle::{Policy, SessionLimit};
use crate::observe::{self, Name, Observer, Refusal};
#[cfg(feature = "python")]
use crate::python::Sessions;
use crate::record::Record;
use crate::sentence::debug_as_name;
#[cfg(feature = "python")]
use crate::store::DEFAULT_TIMEOUT;
use crate::store::{BackendKind, StoreError};

/// Where the sessions of a layer are.
pub(crate) enum Engine {
    /// The cookie refers to a record in a store.
    Server(ServerSide),
    /// The cookie is the record.
    Client(ClientSide),
    /// The store is Python's.
    #[cfg(feature = "python")]
    Shared(SharedSide),
}

/// The settings of all sessions of a layer, wherever they are.
pub(crate) struct Context {
    pub(crate) keys: KeyRing,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Observer,
    /// Separates the sessions of this application from those of others in the same store.
    pub(crate) audience: String,
    /// The cookie's name, which is authenticated with its value.
    pub(crate) cookie_name: String,
    /// The cookie carries `Max-Age` also for sessions that are not remembered.
    pub(crate) persistent_cookie: bool,
}

/// The settings of the engine beside its context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) store_timeout: Option<Duration>,
    pub(crate) watch_interval: Option<Duration>,
    /// How many sessions a user may have.
    pub(crate) limit: Option<SessionLimit>,
}

/// A plan, and the session that it is for.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) live: Option<Live>,
    pub(crate) plan: Plan,
}

/// The result of a plan. The session itself is in the work.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    pub(crate) cookie: CookieChange,
    /// Another request had ended the session; nothing was written.
    pub(crate) is_gone: bool,
    /// The error that kept the timers from moving. The session only expires earlier, so the request goes on.
    pub(crate) untouched: Option<StoreError>,
}

/// The change of the browser's cookie that the response makes.
#[derive(Default)]
pub(crate) enum CookieChange {
    #[default]
    Keep,
    Set {
        value: Zeroizing<String>,
        max_age: Option<Duration>,
    },
    Remove,
}

debug_as_name!(CookieChange);

impl Engine {
    pub(crate) fn new(backend: BackendKind, context: Context, settings: Settings) -> Self {
        match backend {
            BackendKind::Store(store) => Self::Server(ServerSide {
                vault: Vault {
                    store: store.with_timeout(settings.store_timeout),
                },
                watchers: Watchers::new(settings.watch_interval),
                limit: settings.limit,
                context,
            }),
            BackendKind::Cookie(store) => Self::Client(ClientSide {
                mode: store.mode,
                revocations: store
                    .revocations
                    .map(|store| store.with_timeout(settings.store_timeout)),
                context,
            }),
        }
    }

    #[cfg(feature = "python")]
    pub(crate) fn shared(sessions: Sessions, context: Context, settings: Settings) -> Self {
        Self::Shared(SharedSide {
            context,
            sessions,
            limit: settings.store_timeout.unwrap_or(DEFAULT_TIMEOUT),
            outages: observe::Outages::default(),
        })
    }

    pub(crate) fn context(&self) -> &Context {
        match self {
            Self::Server(server) => &server.context,
            Self::Client(client) => &client.context,
            #[cfg(feature = "python")]
            Self::Shared(shared) => &shared.context,
        }
    }

    /// The store side; `None` where sessions are cookies.
    pub(crate) fn server(&self) -> Option<&ServerSide> {
        match self {
            Self::Server(server) => Some(server),
            _ => None,
        }
    }

    /// The side that finds sessions by a value in them.
    pub(crate) fn listing(&self) -> Result<&ServerSide, SessionError> {
        self.server().ok_or(SessionError::Unlisted)
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.context().keys
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.context().policy
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context().clock.now()
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.context().observer
    }

    /// The fingerprint, for the log, of the session that a cookie leads or may have led to.
    pub(crate) fn fingerprint(&self, cookie: &[u8], now: Timestamp) -> Option<Fingerprint> {
        match self {
            Self::Server(_) => {
                let token = ReferenceToken::parse(cookie, self.keys(), now).ok()?;
                Some(token.fingerprint())
            }
            Self::Client(client) => client.fingerprint(cookie, now),
            #[cfg(feature = "python")]
            Self::Shared(_) => None,
        }
    }

    /// Finds the session that several cookies of our name lead to: one of them is a leftover next to
    /// the real one, or an attempt to plant one.
    pub(crate) async fn choose(
        &self,
        cookies: &[&[u8]],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let mut all = Vec::with_capacity(cookies.len());
        for cookie in cookies {
            all.push(self.resolve(cookie, now).await?);
        }
        Ok(Presented::of_several(all))
    }

    pub(crate) async fn resolve(
        &self,
        cookie: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        match self {
            Self::Server(server) => server.resolve(cookie, now).await,
            Self::Client(client) => client.resolve(cookie, now).await,
            #[cfg(feature = "python")]
            Self::Shared(shared) => Box::pin(shared.resolve(cookie, now)).await,
        }
    }

    /// The same session as it is stored now; `None` if it has ended.
    pub(crate) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        match self {
            Self::Server(server) => server.refresh(live, now).await,
            Self::Client(client) => client.refresh(live, now).await,
            #[cfg(feature = "python")]
            Self::Shared(shared) => Box::pin(shared.refresh(live, now)).await,
        }
    }

    /// Carries out one plan and updates the session in `work`, unless it is gone. `work` is a reference, since moving
    /// it costs more than most steps. After an error, the session in `work` means nothing.
    pub(crate) async fn execute(&self, work: &mut Work) -> Result<Executed, SessionError> {
        match self {
            Self::Server(server) => server.execute(work).await,
            Self::Client(client) => client.execute(work).await,
            #[cfg(feature = "python")]
            Self::Shared(shared) => Box::pin(shared.execute(work)).await,
        }
    }

    /// Whether a plan with these changes may be subject to the limit of a user's sessions.
    pub(crate) fn counts(&self, changes: &Changes) -> bool {
        changes.may_sign_in() && self.server().is_some_and(|server| server.limit.is_some())
    }

    /// Whether the id is under a key that is not the active one, but is too young to be replaced.
    pub(crate) fn waits_for_new_id(&self, live: &Live, now: Timestamp) -> bool {
        let is_retired = |token: &Arc<ReferenceToken>| !token.is_under_active_key(self.keys());
        live.token().is_some_and(is_retired) && !is_old_enough_for_new_id(&live.record, now)
    }
}

impl Context {
    /// `Max-Age` of a cookie for this record: the rest of its life, or none for a session cookie.
    fn max_age(&self, record: &Record, now: Timestamp) -> Option<Duration> {
        (self.persistent_cookie || record.remembered).then(|| record.expires_at.since(now))
    }

    fn begin(&self, plan: &Plan) -> Result<Record, SessionError> {
        let record = plan.begin(&self.policy)?;
        self.check(&record)?;
        Ok(record)
    }

    fn next(&self, plan: &Plan, record: &Record) -> Result<Next, SessionError> {
        let next = plan.next(&self.policy, record)?;
        self.check(&next.record)?;
        Ok(next)
    }

    fn check(&self, record: &Record) -> Result<(), SessionError> {
        let limit = self.policy.record_limit;
        if record.packed_size() > limit && record.size() > limit {
            return Err(SessionError::too_large_record(record, record.size(), limit));
        }
        Ok(())
    }

    /// Reports that the session is gone, so that nothing was written.
    fn gone(&self, name: Name<'_>) -> Executed {
        self.observer.gone(name);
        Executed::gone()
    }

    /// Nothing was written, and the session may live on without the changes: an error, if there are any.
    fn lost(&self, name: Name<'_>, plan: &Plan) -> Result<Executed, SessionError> {
        let gone = self.gone(name);
        if plan.writes() {
            return Err(SessionError::Gone);
        }
        Ok(gone)
    }
}

/// Why a cookie's value could not be read.
fn why_unreadable(value: &[u8]) -> Refusal {
    match CookieKind::of(str::from_utf8(value).unwrap_or_default()) {
        Some((CookieKind::Stored | CookieKind::Sealed | CookieKind::Signed, _)) => Refusal::Key,
        _ => Refusal::Malformed,
    }
}

impl From<FieldConflict> for SessionError {
    fn from(FieldConflict(field): FieldConflict) -> Self {
        observe::conflict(field);
        Self::Conflict { field }
    }
}

impl Executed {
    fn gone() -> Self {
        Self {
            is_gone: true,
            ..Self::default()
        }
    }

    fn ended() -> Self {
        Self {
            cookie: CookieChange::Remove,
            ..Self::default()
        }
    }

    fn kept() -> Self {
        Self::default()
    }
}
