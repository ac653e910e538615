//! Events of sessions, as `tracing` events, with the feature `metrics` as counters, and as values for the application.
//!
//! An event names a session by its [fingerprint](Fingerprint), never by an id, and has numbers and sizes of
//! fields, never values. Without a listener it costs a comparison.

macro_rules! count {
    ($name:literal $(, $label:literal => $value:expr)*) => {
        #[cfg(feature = "metrics")]
        metrics::counter!($name $(, $label => $value)*).increment(1);
    };
}

macro_rules! measure {
    ($record:expr) => {
        #[cfg(feature = "metrics")]
        #[expect(clippy::cast_precision_loss, reason = "sizes are below a megabyte")]
        metrics::histogram!("starsessions_record_bytes").record($record.size() as f64);
    };
}

mod channel;
mod event;
mod latency;
mod observer;
mod outages;
mod reasons;
mod reporter;

use std::fmt;

pub use self::channel::{EventSender, Events, channel};
pub(crate) use self::event::Known;
pub use self::event::{EventKind, SessionEvent};
pub(crate) use self::latency::{counted, measured, operation_span};
pub(crate) use self::observer::Observer;
pub(crate) use self::outages::Outages;
#[cfg(feature = "dbsc")]
pub(crate) use self::reasons::DeviceRefusal;
pub(crate) use self::reasons::{By, FlowRefusal};
pub use self::reasons::{EndCause, Refusal, RenewalReason};
pub(crate) use self::reporter::Reporter;
use crate::crypto::{Fingerprint, KeyRing, ReferenceToken, RowKey};

/// The name of a session in a log. The fingerprint is calculated when it is formatted.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    /// The name of a session in a store.
    Token(&'a ReferenceToken),
    /// The name of a session that is known by its row only.
    Row(&'a KeyRing, RowKey),
}

impl Name<'_> {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Token(token) => token.fingerprint(),
            Self::Row(keys, row) => keys.fingerprint(row),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fingerprint().fmt(f)
    }
}

/// A request has brought no cookie and no token of a session.
pub(crate) fn guest() {
    count!("starsessions_loads_total", "outcome" => "guest");
}

pub(crate) fn behind() {
    tracing::debug!("session cookie is behind a sign-in");
    count!("starsessions_loads_total", "outcome" => "behind");
}

pub(crate) fn twofold() {
    tracing::debug!("session refused: the request shows more than one credential");
    count!("starsessions_loads_total", "outcome" => "twofold");
}

pub(crate) fn handed_out(name: Name<'_>) {
    tracing::debug!(session = %name, "session token handed out");
}

/// Two cookies lead to two sessions. The realm's `Reporter` logs it.
pub(crate) fn ambiguous() {
    count!("starsessions_loads_total", "outcome" => "ambiguous");
}

/// The store has failed a request that asks for its session. The realm's `Reporter` logs it.
pub(crate) fn load_failed() {
    count!("starsessions_loads_total", "outcome" => "failed");
}

pub(crate) fn event_lost() {
    count!("starsessions_events_lost_total");
}

pub(crate) fn conflict(field: &'static str) {
    tracing::debug!(field, "session change refused: another request came first");
    count!("starsessions_conflicts_total", "outcome" => "refused");
}

pub(crate) fn dropped() {
    tracing::debug!("session changes of a failed request are dropped");
    count!("starsessions_dropped_total");
}

/// A view cannot be stored, not even its `commit = always` fields alone.
pub(crate) fn nothing_kept(view: &'static str, error: &dyn fmt::Display) {
    tracing::debug!(view, %error, "session changes of a failed view are dropped");
}

/// A sign-in has taken place, and another session could not be ended for it.
pub(crate) fn over_limit(error: &impl fmt::Display) {
    tracing::warn!(%error, "a user has more sessions than the limit, until the next sign-in");
}

/// A stored value cannot be read. The realm's `Reporter` logs it.
pub(crate) fn unreadable(field: &'static str) {
    count!("starsessions_unreadable_fields_total", "field" => field);
    tracing::trace!(field, "session field unreadable");
}

/// The codec cannot keep some values of a field's type. Logged before a value is written.
pub(crate) fn lossy(realm: &str, session: &str, field: &str, loss: &impl fmt::Display) {
    tracing::warn!(
        realm,
        view = session,
        field,
        %loss,
        "some values of this field would not survive a round trip, and are refused when they are written"
    );
}

/// Two structs do not agree about a field that both store.
pub(crate) fn conflicting(realm: &str, loses_values: bool, conflict: &impl fmt::Display) {
    if loses_values {
        tracing::error!(realm, "{conflict}");
    } else {
        tracing::warn!(realm, "{conflict}");
    }
}

/// A session server may remove any key of its own accord.
#[cfg(feature = "redis")]
pub(crate) fn evicting(policy: &str) {
    tracing::error!(
        policy,
        "the session server removes keys when its memory is full: sessions that are in use are then missing from \
         lists and revocations, and cookies that were revoked are valid again; set `maxmemory-policy noeviction`"
    );
}

/// A struct requires a proof of the device, but its layer binds no session to a device.
pub(crate) fn never_bound(realm: &str, session: &str) {
    tracing::error!(
        realm,
        view = session,
        "the struct is `bound`, and its layer binds no sessions to devices: all are let in without a proof; \
         add `.device_bound(|device| device)` to the layer, or take the attribute away"
    );
}

pub(crate) fn explained(realm: &str, text: &str) {
    tracing::debug!(realm, explanation = text, "session explained");
}

pub(crate) fn flow_begun() {
    tracing::debug!("flow begun");
    count!("starsessions_flows_total", "outcome" => "begun");
}

pub(crate) fn flow_finished() {
    tracing::debug!("flow finished");
    count!("starsessions_flows_total", "outcome" => "finished");
}

/// A flow cannot be finished, or must not begin.
pub(crate) fn flow_refused(refusal: FlowRefusal) {
    tracing::debug!(reason = refusal.as_str(), "flow refused");
    count!("starsessions_flows_total", "outcome" => refusal.as_str());
}

/// The last clone of a handle is gone.
pub(crate) fn released() {
    #[cfg(feature = "metrics")]
    metrics::gauge!("starsessions_detached").decrement(1.0);
}

#[cfg(feature = "dbsc")]
pub(crate) fn registration_refused(why: DeviceRefusal) {
    tracing::debug!(reason = why.as_str(), "registration of a device refused");
    count!("starsessions_device_registrations_total", "outcome" => why.as_str());
}

#[cfg(feature = "dbsc")]
pub(crate) fn refresh_refused(why: DeviceRefusal) {
    tracing::debug!(reason = why.as_str(), "refresh by a device refused");
    count!("starsessions_device_refreshes_total", "outcome" => why.as_str());
}

/// A handler asked for a view that requires a device, in a session without one.
#[cfg(feature = "dbsc")]
pub(crate) fn device_unbound(session: &'static str) {
    tracing::debug!(session, "session without a device refused");
    count!("starsessions_device_missing_total", "reason" => "unbound");
}
