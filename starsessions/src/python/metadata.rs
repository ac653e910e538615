//! `__metadata__`: the lifetime and the times that the Python library keeps beside a session's values.

use crate::clock::Timestamp;
use crate::record::Record;
use crate::takeover::JsonObject;

pub(super) const METADATA: &str = "__metadata__";

/// The lifetime and the times of a session. Other entries are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata(JsonObject);

impl Metadata {
    /// `None` if it is not an object, or a time in it is not a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let object = JsonObject::parse(text.as_bytes())?;
        let is_number = |name| object.text(name).is_none() || object.get::<f64>(name).is_some();
        [CREATED, LAST_ACCESS]
            .into_iter()
            .all(is_number)
            .then_some(Self(object))
    }

    /// When the session began; `None` if it is missing. Never later than `now`: otherwise a writer to the store could
    /// make a session that never ends.
    pub(crate) fn created(&self, now: Timestamp) -> Option<Timestamp> {
        self.time(CREATED, now)
    }

    /// The last use, never later than `now`; `None` if it is missing.
    pub(crate) fn last_access(&self, now: Timestamp) -> Option<Timestamp> {
        self.time(LAST_ACCESS, now)
    }

    /// Sets the second in which the session began. The random fraction distinguishes sessions that begin in the same
    /// second. It is spelled as by Python's `repr`, so that a write by Python does not change it.
    pub(super) fn set_beginning(&mut self, at: Timestamp, random: u32) {
        let micros = (random % 1_000_000) | 1;
        let text = format!("{}.{micros:06}", at.as_unix_seconds());
        self.0.set_text(CREATED, &text);
    }

    /// Sets the lifetime and the times of a record. A time of the same second stays as Python has written it.
    pub(super) fn set(&mut self, record: &Record, lifetime: u64) {
        let times = [
            (CREATED, record.created_at),
            (LAST_ACCESS, record.last_seen_at),
        ];
        self.0.set_text(LIFETIME, &lifetime.to_string());
        for (name, time) in times {
            if self.time(name, LATEST) != Some(time) {
                // A float, as in Python.
                let text = format!("{}.0", time.as_unix_seconds());
                self.0.set_text(name, &text);
            }
        }
    }

    pub(super) fn created_text(&self) -> &str {
        self.0.text(CREATED).unwrap_or_default()
    }

    pub(super) fn to_json(&self) -> String {
        self.0.to_json()
    }

    fn time(&self, name: &str, now: Timestamp) -> Option<Timestamp> {
        let seconds = self.0.get::<f64>(name)?;
        // The cast of a negative number or a NaN is 0.
        Some(Timestamp::from_unix_seconds(seconds as u64).min(now))
    }
}

const LATEST: Timestamp = Timestamp::from_unix_seconds(u64::MAX);
const LIFETIME: &str = "lifetime";
const CREATED: &str = "created";
const LAST_ACCESS: &str = "last_access";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_clamped_and_what_is_no_time_is_refused() {
        let now = Timestamp::from_unix_seconds(1_000);
        let created = |text: &str| Metadata::parse(text).map(|metadata| metadata.created(now));
        let at = |seconds| Some(Some(Timestamp::from_unix_seconds(seconds)));
        assert_eq!(created(r#"{"created": 999.75}"#), at(999));
        assert_eq!(created(r#"{"created": 1}"#), at(1));
        assert_eq!(created(r#"{"created": 1e300}"#), at(1_000));
        assert_eq!(created(r#"{"created": -1e300}"#), at(0));
        assert_eq!(created("{}"), Some(None));
        for text in [
            "[]",
            "null",
            r#"{"created": "1"}"#,
            r#"{"created": null}"#,
            r#"{"created": NaN}"#,
        ] {
            assert_eq!(created(text), None, "{text}");
        }
    }
}
