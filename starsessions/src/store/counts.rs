//! How many rows a store holds.

use super::Row;
use crate::clock::Timestamp;

/// How many sessions a store holds, from what a store can see: for a gauge, or for an administrator.
///
/// Some rows that are not sessions count as well:
/// - for minutes, the row that a sign-in leaves under the former id;
/// - a claim under a limit of sessions, as signed in;
/// - in a store that cannot change two keys at once, the row that reserves the new key of a moving session, as signed
///   in if the session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounts {
    /// Sessions that have not expired.
    pub live: u64,
    /// Live sessions that are listed: those of signed-in users.
    pub signed_in: u64,
    /// Live sessions that were used in the last hour.
    pub used_within_hour: u64,
    /// Live sessions that were used in the last 24 hours.
    pub used_within_day: u64,
    /// Live sessions that were used in the last seven days.
    pub used_within_week: u64,
    /// Sessions that have expired and are still stored.
    pub expired: u64,
}

impl StoreCounts {
    /// Counts one row.
    pub(super) fn add(&mut self, row: &Row, is_listed: bool, now: Timestamp) {
        if !row.is_live(now) {
            self.expired += 1;
            return;
        }
        let unused_for = now
            .as_unix_seconds()
            .saturating_sub(row.last_seen.as_unix_seconds());
        let within = |hours: u64| u64::from(unused_for < hours * 3600);
        self.live += 1;
        self.signed_in += u64::from(is_listed);
        self.used_within_hour += within(1);
        self.used_within_day += within(24);
        self.used_within_week += within(7 * 24);
    }
}
