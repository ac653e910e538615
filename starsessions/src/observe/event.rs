//! Events of sessions, as values for the application.

use std::sync::Arc;

use super::reasons::{EndCause, Refusal, RenewalReason};
use crate::clock::Timestamp;
use crate::crypto::Fingerprint;
use crate::record::{LABEL, Record};
use crate::sentence::debug_as_name;

/// An event of a session: for an audit log, or a mail about a new device.
///
/// It names sessions by their [`Fingerprint`]s, as the log does, never by an id. [`user`](Self::user) returns the name
/// of the session's user; `Debug` does not show it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionEvent {
    /// When, by the layer's clock.
    pub at: Timestamp,
    /// The realm of the layer; empty for the main one.
    pub realm: Arc<str>,
    /// The session, under the id that it has now; `None` if a cookie leads to none.
    pub session: Option<Fingerprint>,
    /// The kind of event.
    pub kind: EventKind,
    pub(super) known: Known,
}

/// The kinds of events.
///
/// A sign-in by a guest who has a cart is two events: [`Renewed`](Self::Renewed), and [`SignedIn`](Self::SignedIn) for
/// the new id. One by a guest without a session is [`Begun`](Self::Begun) and `SignedIn`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A first value was stored.
    Begun,
    /// The field that is marked `index` was set, and had no value or another one before. In a session without such a
    /// field, a field that is `required` and `rotate` counts instead.
    SignedIn,
    /// The session has a new id.
    Renewed {
        /// Its fingerprint under the former id.
        previous: Fingerprint,
        /// Why.
        reason: RenewalReason,
    },
    /// The session was ended. A session that expires sends no event; if its cookie comes again, that is
    /// [`Refused`](Self::Refused).
    Ended {
        /// Why.
        cause: EndCause,
    },
    /// A request has brought a cookie that leads to no session, or to one that it may not use.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The session was bound to a key of the browser's device (feature `dbsc`).
    Bound,
}

/// The facts about its session's user that an event knows.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// The values of fields that are marked `index`, by their names.
    pub(crate) indexed: Vec<(Box<str>, Box<[u8]>)>,
    pub(crate) label: Option<String>,
    /// The session has a user.
    pub(crate) identified: bool,
}

debug_as_name!(Known);

impl Known {
    pub(crate) fn of(record: &Record) -> Self {
        let mut known = Self {
            identified: record.identified,
            ..Self::default()
        };
        for (name, field) in record.fields() {
            if name == LABEL {
                known.label = String::from_utf8(field.value.to_vec()).ok();
            } else if field.is_indexed() {
                known.indexed.push((name.into(), field.value.into()));
            }
        }
        known
    }
}

impl SessionEvent {
    /// The [label](crate::CurrentSession::set_label) of the session, as its user sees it in a list.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.known.label.as_deref()
    }

    /// Whether guests can cause any number of such events.
    pub(super) fn is_cheap(&self) -> bool {
        match self.kind {
            EventKind::SignedIn => false,
            EventKind::Begun | EventKind::Refused { .. } => true,
            _ => !self.known.identified,
        }
    }

    /// The stored value of an indexed field, under the first of these names.
    pub(crate) fn indexed<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&[u8]> {
        let value = |name: &str| self.known.indexed.iter().find(|(it, _)| **it == *name);
        let found = names.into_iter().find_map(value);
        found.map(|(_, value)| &**value)
    }
}
