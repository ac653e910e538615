//! One layer's sessions: what all of its requests share.

use std::fmt;
#[cfg(feature = "dbsc")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;

use super::known_schemas::KnownSchemas;
use super::provenance;
use crate::bearer::Carriers;
use crate::clock::Timestamp;
use crate::cookie::CookieConfig;
#[cfg(feature = "dbsc")]
use crate::device::DeviceRules;
use crate::engine::Engine;
use crate::lifecycle::FailurePolicy;
use crate::observe::Reporter;
use crate::record::Record;
use crate::schema::{Absent, FieldReader, Schema, SessionData};
#[cfg(feature = "takeover")]
use crate::takeover::TakeOver;

pub(crate) struct Realm {
    /// Empty for the main realm.
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) cookie: CookieConfig,
    /// How the cookie was set in the past; a response removes a leftover of it that its request has brought.
    pub(crate) former_cookie: Option<CookieConfig>,
    pub(crate) carriers: Carriers,
    /// How sessions are bound to devices.
    #[cfg(feature = "dbsc")]
    pub(crate) device: Option<Arc<DeviceRules>>,
    pub(crate) failure_policy: FailurePolicy,
    /// Ending a session is final, also for copies of its cookie.
    pub(crate) is_revocable: bool,
    /// Responses say why the session went as it did.
    pub(crate) explains: bool,
    /// The cookie has come back once, or the log says that it will not.
    pub(crate) is_transport_known: AtomicBool,
    pub(crate) reporter: Reporter,
    pub(crate) schemas: KnownSchemas,
    #[cfg(feature = "takeover")]
    pub(crate) takeover: Option<TakeOver>,
}

impl Realm {
    /// Logs the problems of a struct at its first use in this layer.
    #[inline]
    pub(crate) fn note_schema(&self, schema: &'static Schema) {
        self.schemas.note(schema, &self.name, self.binds());
    }

    fn binds(&self) -> bool {
        #[cfg(feature = "dbsc")]
        return self.device.is_some();
        #[cfg(not(feature = "dbsc"))]
        false
    }

    /// The view, and whether the struct's `validate` has refused the stored fields, which then count as absent.
    pub(crate) fn read_view<T: SessionData>(
        &self,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<(T, bool), Absent> {
        self.note_schema(T::SCHEMA);
        let value: T = self.read_fields(record, now)?;
        if let Err(invalid) = value.validate() {
            // Fields that are invalid together count as absent together.
            self.reporter.invalid(T::SCHEMA.type_name, &invalid);
            return Ok((self.read_fields(None, now)?, true));
        }
        Ok((value, false))
    }

    pub(super) fn read_fields<T: SessionData>(
        &self,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<T, Absent> {
        let mut report = |name, error: &_| self.reporter.unreadable(name, error);
        T::load(&mut FieldReader::new(T::SCHEMA, record, now, &mut report))
    }

    pub(super) fn knows_transport(&self) -> bool {
        self.is_transport_known.load(Ordering::Relaxed)
    }

    /// Logs once, at a request that shows it, that a `Secure` cookie over plain http never comes back, or that a cookie
    /// for development is in use on a site that is served over https.
    pub(super) fn learn_transport(
        &self,
        headers: &HeaderMap,
        authority: Option<&str>,
        has_cookie: bool,
    ) {
        if self.knows_transport() {
            return;
        }
        if !self.cookie.is_secure() {
            if !provenance::is_public_https(headers, authority) {
                return;
            }
            self.reporter.development_cookie(self.cookie.name());
        } else if !has_cookie {
            if !provenance::is_plain(headers, authority) {
                return;
            }
            self.reporter.plain_http(self.cookie.name());
        }
        self.is_transport_known.store(true, Ordering::Relaxed);
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
