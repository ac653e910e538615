//! Time as an argument: all other code of this crate gets the time passed in.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole seconds since the Unix epoch.
///
/// One unit everywhere: timers, records, cookies and stores. Arithmetic saturates, so that no
/// stored number, however hostile, wraps an expiry into the future.
///
/// ```
/// use std::time::Duration;
/// use starsessions::Timestamp;
///
/// let login = Timestamp::from_unix_seconds(1_700_000_000);
/// assert_eq!((login + Duration::from_secs(60)).since(login), Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// The seconds plus one: never zero, so that an `Option` of it takes no more space.
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    /// The instant `seconds` after 1970-01-01T00:00:00Z; at most `u64::MAX - 1` of them.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(seconds))
    }

    /// The instant with exactly this number of seconds; `None` for `u64::MAX`, which
    /// [`from_unix_seconds`](Self::from_unix_seconds) turns into the second before.
    pub(crate) fn of_exactly(seconds: u64) -> Option<Self> {
        NonZeroU64::MIN.checked_add(seconds).map(Self)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_unix_seconds(self) -> u64 {
        self.0.get() - 1
    }

    /// The packed form, big endian. A time beyond 40 bits, after the year 36 000, is capped.
    #[inline]
    pub(crate) fn to_packed(self) -> [u8; Self::PACKED] {
        let [_, _, _, bytes @ ..] = self.as_unix_seconds().min((1 << 40) - 1).to_be_bytes();
        bytes
    }

    #[inline]
    pub(crate) fn from_packed([a, b, c, d, e]: [u8; Self::PACKED]) -> Self {
        Self::from_unix_seconds(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }

    pub(crate) const PACKED: usize = 5;

    /// The time that has passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.get().saturating_sub(earlier.0.get()))
    }
}

/// The epoch.
impl Default for Timestamp {
    fn default() -> Self {
        Self::from_unix_seconds(0)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.as_unix_seconds())
    }
}

/// For a deadline in a header, or for other time libraries. A time that `SystemTime` cannot hold becomes the epoch.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let since_epoch = Duration::from_secs(time.as_unix_seconds());
        UNIX_EPOCH.checked_add(since_epoch).unwrap_or(UNIX_EPOCH)
    }
}

/// Serialized as Unix seconds.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_unix_seconds().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::from_unix_seconds)
    }
}

/// Where the runtime reads the time: once for a request that only reads its session, and again for a write.
///
/// Implement it to put sessions under a simulated clock; `starsessions::testing` has one that tests set by hand.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where time is read"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 counts as 1970: nothing expires early, nothing panics.
        Timestamp::from_unix_seconds(since_epoch.map_or(0, |elapsed| elapsed.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_unix_seconds_and_read_as_it_was() {
        let time = Timestamp::from_unix_seconds(1_700_000_000);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "1700000000");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), time);
        let since_epoch = SystemTime::from(time).duration_since(UNIX_EPOCH);
        assert_eq!(since_epoch.unwrap(), Duration::from_secs(1_700_000_000));
    }
}
