//! The reports of one layer about its sessions: to the log, to the metrics, to the application.

use std::sync::Arc;

use tracing::Level;

use super::Name;
use super::channel::EventSender;
use super::event::{EventKind, Known, SessionEvent};
use super::reasons::{By, EndCause, Refusal, RenewalReason};
use crate::clock::Clock;
use crate::crypto::{Fingerprint, KeyRing, RowKey};
use crate::record::Record;
use crate::value;

pub(crate) struct Observer {
    pub(crate) realm: Arc<str>,
    pub(crate) keys: KeyRing,
    pub(crate) audience: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listener: Option<EventSender>,
    /// Fields have the names of OpenTelemetry, also in the span around the layer.
    pub(crate) open_telemetry: bool,
}

/// A log event of one session, which the field `session` names, or `session.id` for OpenTelemetry.
macro_rules! tell {
    ($self:ident, $level:ident, $name:expr, $($rest:tt)*) => {
        if $self.open_telemetry {
            tracing::event!(target: TARGET, Level::$level, session.id = %$name, $($rest)*);
        } else {
            tracing::event!(target: TARGET, Level::$level, session = %$name, $($rest)*);
        }
    };
}

impl Observer {
    /// Whether the application receives events.
    #[inline]
    pub(crate) fn listens(&self) -> bool {
        self.listener.is_some()
    }

    fn send(
        &self,
        session: impl FnOnce() -> Option<Fingerprint>,
        kind: EventKind,
        known: impl FnOnce() -> Known,
    ) {
        if let Some(listener) = &self.listener {
            listener.send(SessionEvent {
                at: self.clock.now(),
                realm: Arc::clone(&self.realm),
                session: session(),
                kind,
                known: known(),
            });
        }
    }

    fn send_of(&self, name: Name<'_>, kind: EventKind, known: impl FnOnce() -> Known) {
        self.send(|| Some(name.fingerprint()), kind, known);
    }

    /// Records the request's session in the span around the layer.
    fn mark_span(&self, name: Name<'_>, previous: Option<Name<'_>>, record: &Record) {
        if !self.open_telemetry {
            return;
        }
        let span = tracing::Span::current();
        span.record("session.id", tracing::field::display(name));
        if let Some(previous) = previous {
            span.record("session.previous_id", tracing::field::display(previous));
        }
        if let Some(user) = self.pseudonym(record) {
            span.record("enduser.pseudo.id", tracing::field::display(user));
        }
    }

    /// The user's name in traces: derived from the indexed field, under a key of the deployment.
    fn pseudonym(&self, record: &Record) -> Option<Fingerprint> {
        let (name, field) = record.indexed().next()?;
        let value = value::content(field.value);
        let user = self.keys.index_key(&self.audience, name, value);
        Some(self.keys.fingerprint(&RowKey::from_bytes(*user.as_bytes())))
    }

    pub(crate) fn loaded(&self, name: Name<'_>, by: By, record: &Record) {
        tell!(
            self,
            TRACE,
            name,
            by = by.as_str(),
            fields = record.len(),
            revision = record.revision,
            "session loaded"
        );
        count!("starsessions_loads_total", "outcome" => "hit");
        self.mark_span(name, None, record);
    }

    /// A request has a cookie or a token that leads to no session.
    pub(crate) fn refused(
        &self,
        refusal: Refusal,
        by: By,
        session: impl FnOnce() -> Option<Fingerprint>,
    ) {
        let (reason, what) = (refusal.as_str(), by.what());
        tracing::event!(target: TARGET, Level::DEBUG, reason, "session {what} refused");
        count!("starsessions_loads_total", "outcome" => "refused");
        count!("starsessions_refused_cookies_total", "reason" => reason);
        let kind = EventKind::Refused { reason: refusal };
        self.send(session, kind, Known::default);
    }

    /// A session has begun, perhaps by a sign-in.
    pub(crate) fn created(&self, name: Name<'_>, record: &Record, signs_in: bool) {
        tell!(self, DEBUG, name, fields = record.len(), "session created");
        count!("starsessions_created_total");
        measure!(record);
        self.mark_span(name, None, record);
        self.send_of(name, EventKind::Begun, || Known::of(record));
        self.signed_in(name, record, signs_in);
    }

    /// Changes are stored in `record`, after `conflicts` lost races.
    pub(crate) fn committed(
        &self,
        name: Name<'_>,
        fields: usize,
        conflicts: u32,
        record: &Record,
        signs_in: bool,
    ) {
        tell!(
            self,
            DEBUG,
            name,
            fields,
            conflicts,
            revision = record.revision,
            "session committed"
        );
        count!("starsessions_commits_total", "merged" => if conflicts > 0 { "true" } else { "false" });
        measure!(record);
        self.signed_in(name, record, signs_in);
    }

    pub(crate) fn retried(&self, name: Name<'_>) {
        tell!(
            self,
            DEBUG,
            name,
            "session changed meanwhile; the change is merged"
        );
        count!("starsessions_conflicts_total", "outcome" => "merged");
    }

    /// A session has a new id, with a grace for the old one or without.
    pub(crate) fn rotated(
        &self,
        old: Name<'_>,
        new: Name<'_>,
        grace: bool,
        record: &Record,
        signs_in: bool,
    ) {
        let reason = if grace {
            RenewalReason::Age
        } else {
            RenewalReason::Privilege
        };
        let revision = record.revision;
        if self.open_telemetry {
            tracing::event!(target: TARGET, Level::DEBUG, session.id = %new, session.previous_id = %old, reason = reason.as_str(), revision, "session has a new id");
        } else {
            tracing::event!(target: TARGET, Level::DEBUG, session = %old, successor = %new, reason = reason.as_str(), revision, "session has a new id");
        }
        count!("starsessions_rotations_total", "reason" => reason.as_str());
        measure!(record);
        self.mark_span(new, Some(old), record);
        if self.listens() {
            let previous = old.fingerprint();
            let kind = EventKind::Renewed { previous, reason };
            self.send_of(new, kind, || Known::of(record));
        }
        self.signed_in(new, record, signs_in);
    }

    fn signed_in(&self, name: Name<'_>, record: &Record, signs_in: bool) {
        if signs_in {
            self.send_of(name, EventKind::SignedIn, || Known::of(record));
        }
    }

    pub(crate) fn touched(&self, name: Name<'_>) {
        tell!(self, TRACE, name, "session touched");
        count!("starsessions_touches_total");
    }

    pub(crate) fn ended(&self, name: Name<'_>, cause: EndCause, known: impl FnOnce() -> Known) {
        tell!(self, DEBUG, name, cause = cause.as_str(), "session ended");
        count!("starsessions_ended_total", "cause" => cause.as_str());
        self.send_of(name, EventKind::Ended { cause }, known);
    }

    pub(crate) fn gone(&self, name: Name<'_>) {
        tell!(self, DEBUG, name, "session has ended; nothing is written");
        count!("starsessions_gone_total");
    }

    pub(crate) fn detached(&self, name: Name<'_>) {
        tell!(self, DEBUG, name, "session detached");
        #[cfg(feature = "metrics")]
        metrics::gauge!("starsessions_detached").increment(1.0);
    }
}

#[cfg(feature = "dbsc")]
impl Observer {
    pub(crate) fn device_registered(&self, name: Name<'_>, record: &Record) {
        tell!(self, DEBUG, name, "session bound to a device");
        count!("starsessions_device_registrations_total", "outcome" => "bound");
        self.send_of(name, EventKind::Bound, || Known::of(record));
    }

    pub(crate) fn device_refreshed(&self, name: Name<'_>) {
        tell!(self, DEBUG, name, "session proved by its device");
        count!("starsessions_device_refreshes_total", "outcome" => "proved");
    }

    pub(crate) fn device_missing(&self, name: Name<'_>, why: &'static str, record: &Record) {
        tell!(
            self,
            DEBUG,
            name,
            reason = why,
            "session of a device without its proof"
        );
        count!("starsessions_device_missing_total", "reason" => why);
        let reason = Refusal::Unproven;
        self.send_of(name, EventKind::Refused { reason }, || Known::of(record));
    }
}

/// The default target of the events in `observe/mod.rs`.
const TARGET: &str = "starsessions::observe";
