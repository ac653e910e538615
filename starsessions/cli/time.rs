//! Times as people and programs write them.

use std::time::Duration;

use starsessions::Timestamp;

/// A time in UTC, as RFC 3339 has it. In JSON it is Unix seconds.
pub(crate) fn text(time: Timestamp) -> String {
    let seconds = time.as_unix_seconds();
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date of a day after 1970-01-01. Years begin in March, so that the leap day is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// `90s`, `15m`, `24h` or `30d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let cure = || format!("`{text}` is not a duration; write it as `90s`, `15m`, `24h` or `30d`");
    let unit = text.chars().last().ok_or_else(cure)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => DAY,
        _ => return Err(cure()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| cure())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(cure)
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_calendar_has_it() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(text(Timestamp::from_unix_seconds(seconds)), expected);
        }
        text(Timestamp::from_unix_seconds(u64::MAX));
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * DAY)));
        for wrong in ["", "m", "15", "-1m", "15 m", "1w", "99999999999999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
