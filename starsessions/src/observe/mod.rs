//! What happens to sessions, as `tracing` events, and with the feature `metrics` as counters.
//!
//! An event names a session by its [fingerprint](LogId), never by an id, and has numbers and sizes of
//! fields, never values. Without a listener it costs a comparison.

mod latency;
mod outages;
mod reporter;

use std::fmt;

pub(crate) use self::latency::{counted, measured, operation_span};
pub(crate) use self::outages::Outages;
pub(crate) use self::reporter::Reporter;
use crate::crypto::{KeyRing, LogId, ReferenceToken, RowKey};
use crate::record::Record;

/// Counts one more.
macro_rules! count {
    ($name:literal $(, $label:literal => $value:expr)*) => {
        #[cfg(feature = "metrics")]
        metrics::counter!($name $(, $label => $value)*).increment(1);
    };
}

/// Notes how large a session is.
macro_rules! measure {
    ($record:expr) => {
        #[cfg(feature = "metrics")]
        #[expect(clippy::cast_precision_loss, reason = "sizes are below a megabyte")]
        metrics::histogram!("starsessions_record_bytes").record($record.size() as f64);
    };
}

/// The name of a session in a log. The fingerprint is calculated when it is formatted.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    /// Of a session in a store.
    Token(&'a ReferenceToken),
    /// Of one that is known by its row alone.
    Row(&'a KeyRing, RowKey),
}

impl Name<'_> {
    fn log_id(&self) -> LogId {
        match self {
            Self::Token(token) => token.log_id(),
            Self::Row(keys, row) => keys.log_id(row),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log_id().fmt(f)
    }
}

/// Why a cookie or a token leads to no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none.
    NoCookie,
    /// Its value is not one that this library makes.
    Malformed,
    /// It stands under a key that this layer does not have, or it was made for another cookie.
    Key,
    /// Nothing is stored under its id.
    Unknown,
    /// By the idle timeout.
    Idle,
    /// By the absolute timeout.
    Absolute,
    /// By the deadline that was written when it was used last.
    Expired,
    /// It was ended before its cookie was.
    Revoked,
    /// It says that it was made in the future.
    Future,
}

impl Refusal {
    /// As a label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::NoCookie => "no_cookie",
            Self::Malformed => "malformed",
            Self::Key => "key",
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Absolute => "absolute",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Future => "future",
        }
    }
}

/// Why a flow is not finished, or not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowRefusal {
    /// The browser has sent no cookie of it.
    Unknown,
    /// Its cookie is not one of this layer, or of another version of the application.
    Unreadable,
    /// It has taken too long.
    Expired,
    /// Another site wants to begin it unseen.
    Embedded,
}

impl FlowRefusal {
    fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
            Self::Embedded => "embedded",
        }
    }
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndCause {
    /// By its own request.
    Logout,
    /// By another session, or by the application.
    Revoked,
}

impl EndCause {
    fn label(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
        }
    }
}

/// What carries a session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Cookie,
    Header,
}

impl By {
    fn label(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Header => "header",
        }
    }
}

/// A request has found its session.
pub(crate) fn loaded(name: Name<'_>, by: By, record: &Record) {
    tracing::trace!(
        session = %name,
        by = by.label(),
        fields = record.len(),
        revision = record.revision,
        "session loaded"
    );
    count!("starsessions_loads_total", "outcome" => "hit");
}

/// A request has no session: it has no cookie and no token, or one that leads to none.
pub(crate) fn refused(refusal: Refusal, by: By) {
    if refusal == Refusal::NoCookie {
        count!("starsessions_loads_total", "outcome" => "guest");
        return;
    }
    match by {
        By::Cookie => tracing::debug!(reason = refusal.label(), "session cookie refused"),
        By::Header => tracing::debug!(reason = refusal.label(), "session token refused"),
    }
    count!("starsessions_loads_total", "outcome" => "refused");
    count!("starsessions_refused_cookies_total", "reason" => refusal.label());
}

/// A cookie leads to an id that a sign-in has just ended.
pub(crate) fn behind() {
    tracing::debug!("session cookie is behind a sign-in");
    count!("starsessions_loads_total", "outcome" => "behind");
}

/// A request shows its session twice, and is refused.
pub(crate) fn twofold() {
    tracing::debug!("session refused: the request shows more than one credential");
    count!("starsessions_loads_total", "outcome" => "twofold");
}

/// A handler has taken a session's token.
pub(crate) fn handed_out(name: Name<'_>) {
    tracing::debug!(session = %name, "session token handed out");
}

/// Two cookies lead to two sessions. The realm has its own line for it.
pub(crate) fn ambiguous() {
    count!("starsessions_loads_total", "outcome" => "ambiguous");
}

/// The store has failed a request that asks for its session. The realm has its own line for it.
pub(crate) fn load_failed() {
    count!("starsessions_loads_total", "outcome" => "failed");
}

/// A session has begun.
pub(crate) fn created(name: Name<'_>, record: &Record) {
    tracing::debug!(session = %name, fields = record.len(), "session created");
    count!("starsessions_created_total");
    measure!(record);
}

/// Changes are stored: after so many conflicts, in this record.
pub(crate) fn committed(name: Name<'_>, fields: usize, conflicts: u32, record: &Record) {
    tracing::debug!(
        session = %name,
        fields,
        conflicts,
        revision = record.revision,
        "session committed"
    );
    count!("starsessions_commits_total", "merged" => if conflicts > 0 { "true" } else { "false" });
    measure!(record);
}

/// Another request came first; the change is merged and tried again.
pub(crate) fn retried(name: Name<'_>) {
    tracing::debug!(session = %name, "session changed meanwhile; the change is merged");
    count!("starsessions_conflicts_total", "outcome" => "merged");
}

/// A change could not be merged.
pub(crate) fn conflict(field: &'static str) {
    tracing::debug!(field, "session change refused: another request came first");
    count!("starsessions_conflicts_total", "outcome" => "refused");
}

/// A session has a new id, with a grace for the old one or without.
pub(crate) fn rotated(old: Name<'_>, new: Name<'_>, grace: bool, record: &Record) {
    let reason = if grace { "renewal" } else { "privilege" };
    let revision = record.revision;
    tracing::debug!(session = %old, successor = %new, reason, revision, "session has a new id");
    count!("starsessions_rotations_total", "reason" => reason);
    measure!(record);
}

/// The deadlines of a session were moved.
pub(crate) fn touched(name: Name<'_>) {
    tracing::trace!(session = %name, "session touched");
    count!("starsessions_touches_total");
}

/// A session has ended.
pub(crate) fn ended(name: Name<'_>, cause: EndCause) {
    tracing::debug!(session = %name, cause = cause.label(), "session ended");
    count!("starsessions_ended_total", "cause" => cause.label());
}

/// A request wanted to write to a session that had ended.
pub(crate) fn gone(name: Name<'_>) {
    tracing::debug!(session = %name, "session has ended; nothing is written");
    count!("starsessions_gone_total");
}

/// What a failed request has changed is dropped.
pub(crate) fn dropped() {
    tracing::debug!("session changes of a failed request are dropped");
    count!("starsessions_dropped_total");
}

/// A stored value cannot be read. The realm has its own line for it.
pub(crate) fn unreadable(field: &'static str) {
    count!("starsessions_unreadable_fields_total", "field" => field);
    tracing::trace!(field, "session field unreadable");
}

/// Known of a type before a value of it is written.
pub(crate) fn lossy(realm: &str, session: &str, field: &str, loss: &impl fmt::Display) {
    tracing::warn!(
        realm,
        view = session,
        field,
        %loss,
        "some values of this field would not come back as they are, and are refused when they are written"
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

/// A struct wants a proof of the device where no session can have a device.
pub(crate) fn never_bound(realm: &str, session: &str) {
    tracing::error!(
        realm,
        view = session,
        "the struct is `bound`, and its layer binds no sessions to devices: all are let in without a proof; \
         add `.device_bound(|device| device)` to the layer, or take the attribute away"
    );
}

/// Why a request's session went as it did.
pub(crate) fn explained(realm: &str, text: &str) {
    tracing::debug!(realm, explanation = text, "session explained");
}

/// A browser is on its way to another site.
pub(crate) fn flow_begun() {
    tracing::debug!("flow begun");
    count!("starsessions_flows_total", "outcome" => "begun");
}

/// It has come back.
pub(crate) fn flow_finished() {
    tracing::debug!("flow finished");
    count!("starsessions_flows_total", "outcome" => "finished");
}

/// It cannot be told where it comes back from, or must not be sent there.
pub(crate) fn flow_refused(refusal: FlowRefusal) {
    tracing::debug!(reason = refusal.label(), "flow refused");
    count!("starsessions_flows_total", "outcome" => refusal.label());
}

/// A handle was detached from its request.
pub(crate) fn detached(name: Name<'_>) {
    tracing::debug!(session = %name, "session detached");
    #[cfg(feature = "metrics")]
    metrics::gauge!("starsessions_detached").increment(1.0);
}

/// The last clone of a handle is gone.
pub(crate) fn released() {
    #[cfg(feature = "metrics")]
    metrics::gauge!("starsessions_detached").decrement(1.0);
}

/// Why a browser's errand for its device is refused.
#[cfg(feature = "dbsc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceRefusal {
    /// No header, or one that is not of this protocol.
    Malformed,
    /// A signature that the key has not made, or a challenge that was not given to it.
    Forged,
    /// The challenge is old, or was answered before: another one is sent.
    Challenged,
    /// The session has ended, or has another device.
    Ended,
    /// The store has failed.
    Failed,
}

#[cfg(feature = "dbsc")]
impl DeviceRefusal {
    /// As a label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Challenged => "challenged",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// A session was bound to a device.
#[cfg(feature = "dbsc")]
pub(crate) fn device_registered(name: Name<'_>) {
    tracing::debug!(session = %name, "session bound to a device");
    count!("starsessions_device_registrations_total", "outcome" => "bound");
}

/// The device of a session has proved itself.
#[cfg(feature = "dbsc")]
pub(crate) fn device_refreshed(name: Name<'_>) {
    tracing::debug!(session = %name, "session proved by its device");
    count!("starsessions_device_refreshes_total", "outcome" => "proved");
}

/// A registration was refused.
#[cfg(feature = "dbsc")]
pub(crate) fn registration_refused(why: DeviceRefusal) {
    tracing::debug!(reason = why.label(), "registration of a device refused");
    count!("starsessions_device_registrations_total", "outcome" => why.label());
}

/// A refresh was refused.
#[cfg(feature = "dbsc")]
pub(crate) fn refresh_refused(why: DeviceRefusal) {
    tracing::debug!(reason = why.label(), "refresh by a device refused");
    count!("starsessions_device_refreshes_total", "outcome" => why.label());
}

/// A request has brought a session of a device, and no proof.
#[cfg(feature = "dbsc")]
pub(crate) fn device_missing(name: Name<'_>, reason: &'static str) {
    tracing::debug!(session = %name, reason, "session of a device without its proof");
    count!("starsessions_device_missing_total", "reason" => reason);
}

/// A view for sessions of a device was asked for in one that has none.
#[cfg(feature = "dbsc")]
pub(crate) fn device_unbound(session: &'static str) {
    tracing::debug!(session, "session without a device refused");
    count!("starsessions_device_missing_total", "reason" => "unbound");
}
