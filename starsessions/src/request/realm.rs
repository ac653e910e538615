//! One layer's sessions: what its requests share.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

use super::transport;
use crate::clock::Timestamp;
use crate::cookie::CookieConfig;
use crate::data::{Absent, Checks, FieldReader, SessionData};
use crate::engine::Engine;
use crate::lifecycle::FailurePolicy;
use crate::observe;
use crate::record::Record;
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
}

impl Realm {
    /// A view of what is in a record.
    pub(crate) fn read_view<T: SessionData>(
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

    pub(crate) fn report_ambiguous(&self, too_many: bool) {
        observe::ambiguous();
        let cookie = self.cookie.name();
        let what = if too_many {
            "a request has more cookies of the session's name than are tried"
        } else {
            "two cookies of one request lead to two different sessions"
        };
        if self.is_first("two sessions") {
            tracing::warn!(
                cookie,
                "{what}, and none is used: somebody may have planted one; further ones are logged at debug level"
            );
        } else {
            tracing::debug!(cookie, "{what}");
        }
    }

    fn is_first(&self, name: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(name)
    }
}

impl Realm {
    pub(crate) fn checks(&self) -> Checks {
        let policy = self.engine.policy();
        Checks {
            round_trip: policy.check_round_trip,
            limit: policy.field_limit,
        }
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
