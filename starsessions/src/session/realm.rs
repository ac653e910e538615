//! One layer's sessions: what its requests share.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

use super::transport;
use crate::clock::Timestamp;
use crate::cookie::CookieConfig;
use crate::data::{Absent, FieldReader, SessionData};
use crate::engine::Engine;
use crate::lifecycle::FailurePolicy;
use crate::observe;
use crate::record::Record;
use crate::store::StoreError;
use crate::value::{Invalid, ValueError};

/// One layer's sessions.
pub(crate) struct Realm {
    /// Empty for the main realm.
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) cookie: CookieConfig,
    /// How the cookie was set in the past; a leftover of it is removed where it is met.
    pub(crate) former_cookie: Option<CookieConfig>,
    pub(crate) failure_policy: FailurePolicy,
    /// Ending a session is final, also for copies of its cookie.
    pub(crate) is_revocable: bool,
    /// Responses say why the session went as it did.
    pub(crate) explains: bool,
    /// The cookie has come back once, or it was said that it will not.
    pub(crate) is_transport_known: AtomicBool,
    /// Names that a warning was logged for; each is logged once.
    pub(crate) warned: Mutex<HashSet<&'static str>>,
    /// When the last line about a failing store was logged, in Unix seconds.
    pub(crate) outage_at: AtomicU64,
}

impl Realm {
    /// A view of what is in a record.
    pub(super) fn read_view<T: SessionData>(
        &self,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<T, Absent> {
        let value: T = self.read_fields(record, now)?;
        if let Err(invalid) = value.validate() {
            // Fields that are impossible together count as absent together.
            self.report_invalid(T::SCHEMA.type_name, &invalid);
            return self.read_fields(None, now);
        }
        Ok(value)
    }

    fn read_fields<T: SessionData>(
        &self,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<T, Absent> {
        let mut report = |name, error: &_| self.report_unreadable(name, error);
        T::load(&mut FieldReader::new(T::SCHEMA, record, now, &mut report))
    }

    /// A `Secure` cookie that is set over plain http never comes back: said once, by the request of a
    /// guest that shows it.
    pub(super) fn learn_transport(&self, headers: &HeaderMap, has_cookie: bool) {
        if self.is_transport_known.load(Ordering::Relaxed) {
            return;
        }
        if !has_cookie && self.cookie.is_secure() {
            if !transport::is_plain(headers) {
                return;
            }
            tracing::warn!(
                cookie = self.cookie.name(),
                "the session cookie is `Secure` and a request came over plain http, where browsers \
                 do not keep it, so nobody stays signed in: serve https; for http://localhost use \
                 `SessionLayer::dev`, or `.cookie(|cookie| cookie.secure(false))` and another name"
            );
        }
        self.is_transport_known.store(true, Ordering::Relaxed);
    }

    pub(crate) fn report_unreadable(&self, field: &'static str, error: &ValueError) {
        observe::unreadable(field);
        if self.is_first(field) {
            tracing::warn!(
                field,
                %error,
                "a stored session field cannot be read and counts as absent; further ones like it are logged at debug level"
            );
        } else {
            tracing::debug!(field, %error, "a stored session field cannot be read");
        }
    }

    pub(crate) fn report_invalid(&self, session: &'static str, invalid: &Invalid) {
        if self.is_first(session) {
            tracing::warn!(
                session,
                %invalid,
                "stored session fields are refused by `validate` and count as absent; further ones like them are logged at debug level"
            );
        } else {
            tracing::debug!(session, %invalid, "stored session fields are refused by `validate`");
        }
    }

    pub(crate) fn report_unavailable(&self, error: &StoreError) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        if self.opens_outage_window() {
            tracing::error!(
                %error,
                source,
                "the session store failed; for {OUTAGE_WINDOW} seconds further failures are logged \
                 at debug level"
            );
        } else {
            tracing::debug!(%error, source, "the session store failed");
        }
    }

    /// Whether this failure is the first for a while: an outage is one line in a window, however
    /// many requests meet it.
    fn opens_outage_window(&self) -> bool {
        let now = self.engine.now().as_unix_seconds();
        let begin =
            |open: u64| (now >= open.saturating_add(OUTAGE_WINDOW) || now < open).then_some(now);
        self.outage_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, begin)
            .is_ok()
    }

    pub(crate) fn report_ambiguous(&self) {
        let cookie = self.cookie.name();
        if self.is_first("two sessions") {
            tracing::warn!(
                cookie,
                "two cookies of one request lead to two different sessions, and neither is used: \
                 somebody may have planted one; further ones are logged at debug level"
            );
        } else {
            tracing::debug!(
                cookie,
                "two cookies of one request lead to two different sessions"
            );
        }
    }

    fn is_first(&self, name: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(name)
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm")
            .field("name", &self.name)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}

/// Seconds.
const OUTAGE_WINDOW: u64 = 10;
