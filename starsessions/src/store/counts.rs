//! How many rows a store holds.

use crate::clock::Timestamp;

/// How many sessions a store holds, by what a store can see of them: for a gauge, or for an administrator.
///
/// What a sign-in has left under a former id counts as well, for the minutes that it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounts {
    /// Those that have not expired.
    pub live: u64,
    /// Of the live ones, those that are listed: of users who have signed in.
    pub signed_in: u64,
    /// Of the live ones, those that were used in the last hour.
    pub used_within_hour: u64,
    /// Of the live ones, those that were used in the last 24 hours.
    pub used_within_day: u64,
    /// Of the live ones, those that were used in the last seven days.
    pub used_within_week: u64,
    /// Those that have expired and are still stored.
    pub expired: u64,
}

impl StoreCounts {
    /// The beginnings of the three spans, the shortest one first.
    pub(super) fn since(now: Timestamp) -> [Timestamp; 3] {
        let now = now.as_unix_seconds();
        [HOUR, 24 * HOUR, 7 * 24 * HOUR]
            .map(|span| Timestamp::from_unix_seconds(now.saturating_sub(span)))
    }

    /// Counts one row.
    pub(super) fn add(
        &mut self,
        deadline: Timestamp,
        last_seen: Timestamp,
        is_listed: bool,
        now: Timestamp,
    ) {
        if deadline <= now {
            self.expired += 1;
            return;
        }
        let [hour, day, week] = Self::since(now).map(|since| u64::from(last_seen > since));
        self.live += 1;
        self.signed_in += u64::from(is_listed);
        self.used_within_hour += hour;
        self.used_within_day += day;
        self.used_within_week += week;
    }

    /// The columns of the statements that count, in the order of the fields.
    #[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
    pub(super) fn of_columns(columns: [i64; 6]) -> Self {
        let [live, signed_in, hour, day, week, expired] =
            columns.map(|count| count.max(0).cast_unsigned());
        Self {
            live,
            signed_in,
            used_within_hour: hour,
            used_within_day: day,
            used_within_week: week,
            expired,
        }
    }
}

const HOUR: u64 = 3600;
