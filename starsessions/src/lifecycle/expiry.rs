//! The three timers: idle, absolute, renewal. All of them are functions of `now`.

use std::time::Duration;

use super::{Lifetime, MIN_RENEWAL, Policy};
use crate::clock::Timestamp;
use crate::observe::Refusal;
use crate::record::Record;
use crate::schema::{FieldSpec, Schema};

/// Deadlines that a use of the session moves forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The idle deadlines of fields, by their stored names.
    pub(crate) idle: Vec<(&'static str, Timestamp)>,
}

impl Due {
    /// Moves the record's own deadlines; they never move back.
    pub(crate) fn move_times(&self, record: &mut Record) {
        record.last_seen_at = record.last_seen_at.max(self.last_seen_at);
        record.expires_at = record.expires_at.max(self.expires_at);
    }

    /// Whether this moves a deadline of the record, or of one of its fields.
    pub(crate) fn moves(&self, record: &Record) -> bool {
        let is_later = |(name, deadline): &(&'static str, Timestamp)| {
            let idle_at = record.get(name).and_then(|field| field.idle_at());
            idle_at.is_some_and(|idle_at| idle_at < *deadline)
        };
        record.expires_at < self.expires_at || self.idle.iter().any(is_later)
    }
}

impl Policy {
    /// The lifetime that applies to a session.
    pub(crate) fn lifetime(&self, remembered: bool) -> Lifetime {
        match self.remembered {
            Some(long) if remembered => long,
            _ => self.standard,
        }
    }

    /// Whether a record is live by its own deadline *and* by the timers as configured today, so that a shorter timeout
    /// applies to existing sessions, too.
    pub(crate) fn is_live(&self, record: &Record, now: Timestamp) -> bool {
        let lifetime = self.lifetime(record.remembered);
        now < record.expires_at
            && now < record.last_seen_at + lifetime.idle
            && now < record.created_at + lifetime.absolute
    }

    /// The timer that has ended a record that [is not live](Self::is_live).
    pub(crate) fn end_of(&self, record: &Record, now: Timestamp) -> Refusal {
        let lifetime = self.lifetime(record.remembered);
        let absolute = record.created_at + lifetime.absolute;
        let idle = record.last_seen_at + lifetime.idle;
        // If both timers have run out, the earlier one has ended the record.
        if now < absolute.min(idle) {
            Refusal::Expired
        } else if absolute <= idle {
            Refusal::Absolute
        } else {
            Refusal::Idle
        }
    }

    /// When a session ends if no request uses it after `now`.
    pub(crate) fn deadline(&self, record: &Record, now: Timestamp) -> Timestamp {
        let lifetime = self.lifetime(record.remembered);
        (now + lifetime.idle).min(record.created_at + lifetime.absolute)
    }

    /// The record's own deadlines after a use.
    pub(crate) fn used(&self, record: &Record, now: Timestamp) -> Due {
        Due {
            last_seen_at: now,
            expires_at: self.deadline(record, now),
            idle: Vec::new(),
        }
    }

    /// The time at which a session that began at `created_at` has ended for certain, under every profile.
    pub(crate) fn last_deadline(&self, created_at: Timestamp) -> Timestamp {
        let profiles = [Some(self.standard), self.remembered];
        let absolute = profiles.into_iter().flatten().map(|it| it.absolute);
        created_at + absolute.max().unwrap_or_default()
    }

    /// Whether the id is old enough for a new one.
    pub(crate) fn is_renewal_due(&self, record: &Record, now: Timestamp) -> bool {
        self.renewal
            .is_some_and(|age| now.since(record.issued_at) >= age)
    }

    /// The deadlines that this use of the session moves by more than the touch interval; `None` if there are none, as
    /// in most requests.
    pub(crate) fn due(
        &self,
        record: &Record,
        used: &[&'static Schema],
        now: Timestamp,
    ) -> Option<Due> {
        let idle = due_idle_fields(record, used, now);
        let interval = touch_interval(self.lifetime(record.remembered).idle);
        let is_early = now.since(record.last_seen_at) < interval;
        if is_early && idle.is_empty() {
            return None;
        }
        // The record's own deadline does not apply if it was written under a longer timeout.
        let binding = self
            .deadline(record, record.last_seen_at)
            .min(record.expires_at);
        let used = self.used(record, now);
        let is_due = used.expires_at > binding;
        (is_due || !idle.is_empty()).then_some(Due { idle, ..used })
    }
}

/// Whether the id is old enough to be replaced by one under another key. Nodes that do not agree on the active key yet
/// would renew a session back and forth, and requests in flight would not know the newest id.
pub(crate) fn is_old_enough_for_new_id(record: &Record, now: Timestamp) -> bool {
    now.since(record.issued_at) >= MIN_RENEWAL
}

/// How much of an idle timeout may pass before a use is written down: a tenth, at most a minute.
/// A session therefore ends between `idle - interval` and `idle` after its last use, never later.
fn touch_interval(idle: Duration) -> Duration {
    (idle / 10).min(Duration::from_secs(60))
}

fn due_idle_fields(
    record: &Record,
    used: &[&'static Schema],
    now: Timestamp,
) -> Vec<(&'static str, Timestamp)> {
    let due = |spec: &'static FieldSpec| {
        let idle = spec.idle?;
        let (name, field) = spec.find(record)?;
        let deadline = field.idle_at().filter(|_| field.is_live(now))?;
        ((now + idle).since(deadline) >= touch_interval(idle)).then_some((name, now + idle))
    };
    let used = used.iter().flat_map(|schema| schema.fields);
    used.filter_map(due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::OnServerError;

    fn policy(idle: u64, absolute: u64) -> Policy {
        Policy {
            standard: Lifetime::new(Duration::from_secs(idle), Duration::from_secs(absolute)),
            remembered: None,
            renewal: Some(Duration::from_secs(100)),
            renewal_grace: Duration::from_secs(30),
            field_limit: 1,
            record_limit: 1,
            server_errors: OnServerError::Discard,
            check_round_trip: true,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000 + seconds)
    }

    #[test]
    fn each_timer_ends_the_session_at_its_second_and_not_before() {
        let policy = policy(60, 100);
        let record = Record::new(at(0), at(1_000));
        assert!(policy.is_live(&record, at(59)));
        assert!(!policy.is_live(&record, at(60)), "idle");
        assert_eq!(policy.end_of(&record, at(60)), Refusal::Idle);
        assert_eq!(
            policy.end_of(&record, at(200)),
            Refusal::Idle,
            "it came first"
        );

        let mut busy = record.clone();
        busy.last_seen_at = at(90);
        assert!(policy.is_live(&busy, at(99)));
        assert!(!policy.is_live(&busy, at(100)), "absolute");
        assert_eq!(policy.end_of(&busy, at(100)), Refusal::Absolute);

        let mut stored = record;
        stored.expires_at = at(10);
        assert!(policy.is_live(&stored, at(9)));
        assert!(
            !policy.is_live(&stored, at(10)),
            "the record's own deadline"
        );
        assert_eq!(policy.end_of(&stored, at(10)), Refusal::Expired);
    }

    #[test]
    fn a_clock_that_jumps_back_ends_and_overflows_nothing() {
        let policy = policy(60, 100);
        let record = Record::new(at(50), at(110));
        assert!(policy.is_live(&record, at(0)));
        assert!(!policy.is_renewal_due(&record, at(0)));
        assert!(policy.due(&record, &[], at(0)).is_none());
        let far = Record::new(Timestamp::from_unix_seconds(u64::MAX), at(110));
        assert!(!policy.is_live(&far, at(110)));
    }

    #[test]
    fn a_touch_is_due_once_in_an_interval_and_stops_at_the_absolute_deadline() {
        let policy = policy(600, 1_000);
        let mut record = Record::new(at(0), at(600));
        assert!(policy.due(&record, &[], at(59)).is_none());
        let touch = policy.due(&record, &[], at(60)).unwrap();
        assert_eq!(touch.expires_at, at(660));

        record.last_seen_at = at(500);
        record.expires_at = at(1_000);
        assert!(
            policy.due(&record, &[], at(900)).is_none(),
            "the absolute deadline cannot move, so there is nothing to write"
        );
    }

    #[test]
    fn a_record_from_under_shorter_timers_is_touched_too() {
        let record = Record::new(at(0), at(600));
        let touch = policy(1_000, 1_000).due(&record, &[], at(100)).unwrap();
        assert_eq!(touch.expires_at, at(1_000));
    }

    #[test]
    fn no_deadline_moves_back() {
        let mut record = Record::new(at(50), at(600));
        policy(60, 100)
            .used(&record, at(10))
            .move_times(&mut record);
        assert_eq!((record.last_seen_at, record.expires_at), (at(50), at(600)));
    }

    #[test]
    fn renewal_is_due_at_its_age() {
        let policy = policy(600, 1_000);
        let record = Record::new(at(0), at(600));
        assert!(!policy.is_renewal_due(&record, at(99)));
        assert!(policy.is_renewal_due(&record, at(100)));
    }
}
