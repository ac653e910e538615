//! Every decision about a session's life, as pure functions: no I/O, no clock, no randomness.

#[cfg(feature = "dbsc")]
pub(crate) mod bind_device;
pub(crate) mod changes;
pub(crate) mod expiry;
pub(crate) mod label;
pub(crate) mod plan;

use std::time::Duration;

use crate::schema::Checks;

/// How long a session lives: the idle and the absolute timeout.
///
/// Both are enforced by the server from the stored record, whatever the browser does with its
/// cookie. The presets follow NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3.
///
/// ```
/// use std::time::Duration;
/// use starsessions::Lifetime;
///
/// let office_hours = Lifetime::new(Duration::from_secs(30 * 60), Duration::from_secs(8 * 3600));
/// assert!(office_hours.idle < Lifetime::aal1().idle);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The session ends this long after the last request that used it.
    pub idle: Duration,
    /// The session ends this long after it began, however busy it is.
    pub absolute: Duration,
}

impl Lifetime {
    /// A lifetime with these timeouts, in whole seconds. The layer's builder refuses an idle
    /// timeout that is zero or longer than the absolute one.
    #[must_use]
    pub const fn new(idle: Duration, absolute: Duration) -> Self {
        Self { idle, absolute }
    }

    /// Assurance level 1: 30 days, and no idle timeout of its own.
    #[must_use]
    pub const fn aal1() -> Self {
        Self::new(Duration::from_secs(30 * DAY), Duration::from_secs(30 * DAY))
    }

    /// Assurance level 2: 24 hours, one hour without activity. The default.
    #[must_use]
    pub const fn aal2() -> Self {
        Self::new(Duration::from_secs(3_600), Duration::from_secs(DAY))
    }

    /// Assurance level 3: 12 hours, 15 minutes without activity.
    #[must_use]
    pub const fn aal3() -> Self {
        Self::new(Duration::from_secs(15 * 60), Duration::from_secs(DAY / 2))
    }
}

/// The timers and limits of a layer, checked when it was built.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) standard: Lifetime,
    /// The lifetime of remembered sessions; `None` if no session can be remembered.
    pub(crate) remembered: Option<Lifetime>,
    /// The id changes when it is this old.
    pub(crate) renewal: Option<Duration>,
    /// How long a renewed id still leads to its successor.
    pub(crate) renewal_grace: Duration,
    pub(crate) field_limit: usize,
    pub(crate) record_limit: usize,
    pub(crate) server_errors: OnServerError,
    pub(crate) check_round_trip: bool,
}

impl Policy {
    /// The checks of values that are written into a record.
    pub(crate) fn checks(&self) -> Checks {
        Checks {
            round_trip: self.check_round_trip,
            limit: self.field_limit,
        }
    }
}

/// What happens to a request's data changes when its response is a 5xx or a 408.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnServerError {
    /// They are dropped, except `commit = always` fields. Destroying and rotating are kept.
    #[default]
    Discard,
    /// They are kept, as on any other response.
    Commit,
}

/// What happens when a user who is at the limit of sessions signs in once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// The sign-in fails with [`SessionError::TooManySessions`](crate::SessionError::TooManySessions).
    /// The handler can return the error, or ask the user which device is to make room: it
    /// [lists](crate::CurrentSession::list_of) the sessions, and [ends](crate::CurrentSession::revoke_of) the chosen
    /// one before it signs in again.
    Refuse,
    /// The least recently used session ends.
    EndOldest,
}

/// How many sessions may hold the same value in an `index` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionLimit {
    pub(crate) max: usize,
    pub(crate) at_limit: AtLimit,
}

/// What a request gets when the store fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// 503, for every request that uses its session.
    #[default]
    Unavailable,
    /// A failed load is treated as a guest who can only read: views have their defaults, a required
    /// field is missing, and a request that writes gets 503. No user is signed in, and no cookie is
    /// set or cleared.
    ReadOnlyGuest,
}

/// The shortest life of an id. It is twice the longest grace, so at most one renewed id is in its grace.
pub(crate) const MIN_RENEWAL: Duration = Duration::from_secs(60);
const DAY: u64 = 24 * 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3: in all, and without activity.
    #[test]
    fn the_presets_are_those_of_the_assurance_levels() {
        let minutes = |lifetime: Lifetime| {
            let seconds = [lifetime.absolute, lifetime.idle].map(|it| it.as_secs());
            seconds.map(|seconds| seconds / 60)
        };
        assert_eq!(minutes(Lifetime::aal1()), [30 * 24 * 60; 2]);
        assert_eq!(minutes(Lifetime::aal2()), [24 * 60, 60]);
        assert_eq!(minutes(Lifetime::aal3()), [12 * 60, 15]);
    }
}
