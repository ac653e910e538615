//! `__metadata__`: what the Python library knows about a session, beside its values.

use crate::clock::Timestamp;
use crate::record::Record;
use crate::takeover::JsonObject;

pub(super) const METADATA: &str = "__metadata__";

/// The lifetime and the times of a session. What else stands there is kept.
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

    /// When the session began, never later than `now`; `None` if it is not said. A writer of the store could
    /// otherwise make a session that never ends.
    pub(crate) fn created(&self, now: Timestamp) -> Option<Timestamp> {
        self.time(CREATED, now)
    }

    /// The last use, never later than `now`; `None` if it is not said.
    pub(crate) fn last_access(&self, now: Timestamp) -> Option<Timestamp> {
        self.time(LAST_ACCESS, now)
    }

    /// Sets the second in which the session began. The fraction is random: it tells cookies apart that begin in the
    /// same second. It is spelled as Python's `repr` would, so that it stays when Python writes.
    pub(super) fn set_beginning(&mut self, at: Timestamp, random: u32) {
        let micros = (random % 1_000_000) | 1;
        let text = format!("{}.{micros:06}", at.as_unix_seconds());
        self.0.set_text(CREATED, &text);
    }

    /// The times of a record. A time that has not moved by a second stays as Python has written it.
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
        // A cast of what is negative or no number is 0.
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
