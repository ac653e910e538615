//! Converts a Python session to a record, and back.
//!
//! The session's values are the fields of the namespace `python`, as JSON. One more value, `__rust__`, holds the
//! fields of other namespaces, the deadlines of all fields and the rest of the record. Python keeps `__rust__` like
//! any value that it does not know.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

use super::format::{Content, FormatError};
use crate::clock::Timestamp;
use crate::record::{Edit, Field, Record};
use crate::value::{json_text, json_value};

impl Content {
    /// The session as a record. The caller sets its deadline.
    pub(crate) fn record(&self, now: Timestamp) -> Record {
        let ours = self.ours();
        let mut record = ours.clone().unwrap_or_else(|| Record::new(now, now));
        record.created_at = self.metadata.created(now).unwrap_or(now);
        record.last_seen_at = self.metadata.last_access(now).unwrap_or(record.created_at);
        record.issued_at = record.issued_at.max(record.created_at).min(now);
        record.revision = mark(&self.values.to_json()).into();
        let fields: Vec<_> = self
            .fields()
            .map(|(name, text)| (name, json_value(text), mark(text)))
            .collect();
        let names: HashSet<_> = fields.iter().map(|(name, ..)| name.as_str()).collect();
        let stored = record.fields().map(|(name, _)| name);
        let gone = stored.filter(|name| name.starts_with(NAMESPACE) && !names.contains(name));
        let gone: Vec<_> = gone.map(str::to_owned).collect();
        let known: HashMap<_, _> = ours.iter().flat_map(Record::fields).collect();
        let copies = fields.iter().map(|(name, value, written)| {
            let known = known.get(name.as_str()).copied();
            Edit::copy(name, Field::new(value, *written, known))
        });
        let removals = gone.iter().map(|name| Edit::remove(name));
        let edits = copies.chain(removals).collect();
        record.rewrite(edits);
        record
    }

    /// The session with the fields and the times of `record`. Values that no field can have stay as they are.
    pub(crate) fn with(&self, record: &Record, lifetime: u64) -> Result<Self, FormatError> {
        let mut texts = Vec::new();
        let mut ours = record.clone();
        let mut edits = Vec::new();
        let mut has_ours = record.remembered;
        for (name, field) in record.fields() {
            if !name.starts_with(NAMESPACE) {
                has_ours = true;
                continue;
            }
            let text =
                json_text(field.value).ok_or_else(|| FormatError::NotJson(name.to_owned()))?;
            texts.push((key(name), text));
            if field.ends_at().is_some() {
                has_ours = true;
                let value: &[u8] = &[];
                edits.push(Edit::copy(
                    name,
                    Field::new(value, field.written, Some(field)),
                ));
            } else {
                edits.push(Edit::remove(name));
            }
        }
        ours.rewrite(edits);
        let own = has_ours.then(|| format!("\"{}\"", STANDARD_NO_PAD.encode(ours.packed())));
        texts.extend(own.as_deref().map(|text| (OURS, text)));
        let is_gone = |key: &str, text: &str| key == OURS || is_field(key, text);
        let values = self.values.updated(&texts, is_gone);
        let mut next = Self {
            values: values.map_err(|error| FormatError::Unwritable(error.into()))?,
            metadata: self.metadata.clone(),
        };
        next.metadata.set(record, lifetime);
        Ok(next)
    }

    /// The values that are fields, by their names in the record.
    fn fields(&self) -> impl Iterator<Item = (String, &str)> {
        let fields = self.values.iter().filter(|(key, text)| is_field(key, text));
        fields.map(|(key, text)| (format!("{NAMESPACE}{key}"), text))
    }

    fn ours(&self) -> Option<Record> {
        let text: String = self.values.get(OURS)?;
        let packed = STANDARD_NO_PAD.decode(text).ok()?;
        Record::parse_strictly(packed.into())
    }
}

/// Whether a value is a field. A `null` counts as absent, as in Rust.
fn is_field(key: &str, text: &str) -> bool {
    key != OURS && text != "null" && key.len() + NAMESPACE.len() <= LONGEST_NAME
}

fn key(name: &str) -> &str {
    name.strip_prefix(NAMESPACE).unwrap_or(name)
}

/// Stands in for a revision, which Python does not keep: a hash of a field's value, or of all values of the session.
fn mark(text: &str) -> u32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(text));
    // Neither the revision of an absent field nor `NOT_STORED`.
    (u32::from_be_bytes([a, b, c, d]) | 1) & (u32::MAX >> 1)
}

/// The namespace of the fields that are Python's values.
const NAMESPACE: &str = "python.";
/// The value that holds what Python has no place for.
const OURS: &str = "__rust__";
/// The longest name of a record's field.
const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FieldChange;
    use crate::takeover::JsonObject;

    fn content(text: &str) -> Content {
        Content {
            values: JsonObject::parse(text.as_bytes()).unwrap(),
            ..Content::default()
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn what_rust_does_not_change_stays_as_python_has_written_it() {
        let long = "k".repeat(250);
        let text = format!(
            r#"{{"a": 1.0, "big": 1180591620717411303424, "half": "\ud800", "none": null, "{long}": [1,  2], "b": {{"c": 1}}}}"#
        );
        let before = content(&text);
        let record = before.record(at(100));
        assert_eq!(record.len(), 4);
        let after = before.with(&record, 3_600).unwrap();
        assert_eq!(after.values.to_json(), before.values.to_json());
    }

    #[test]
    fn a_field_that_changes_or_goes_is_the_value_of_its_name() {
        let before = content(r#"{"a": 1, "b": 2, "c": 3}"#);
        let mut record = before.record(at(100));
        let (new, last) = (json_value("[1]"), json_value("\"x\""));
        record.rewrite(vec![
            Edit::set("python.a", &new),
            Edit::remove("python.b"),
            Edit::set("python.d", &last),
        ]);
        let after = before.with(&record, 0).unwrap();
        assert_eq!(after.values.to_json(), r#"{"a": [1], "c": 3, "d": "x"}"#);
        record.rewrite(vec![Edit::set("python.a", &[1, 1, 0, 0, 0, 0, 7])]);
        assert!(
            matches!(before.with(&record, 0), Err(FormatError::NotJson(name)) if name == "python.a")
        );
    }

    #[test]
    fn what_is_ours_alone_comes_back_and_python_hands_it_on() {
        let before = content(r#"{"a": 1}"#);
        let mut record = before.record(at(100));
        record.remembered = true;
        let value = json_value("2");
        record.rewrite(vec![
            Edit::set("shop.cart", b"\x01\x02"),
            Edit::new(
                "python.a",
                FieldChange::Set {
                    value: value.clone().into(),
                    expires_at: Some(at(200)),
                    idle_at: None,
                    indexed: false,
                },
            ),
        ]);
        let mut after = before.with(&record, 0).unwrap();
        after.values.set_text("python_wrote", "true");
        let again = after.record(at(150));
        assert!(again.remembered);
        assert_eq!(again.get("shop.cart").unwrap().value, b"\x01\x02");
        let field = again.get("python.a").unwrap();
        assert_eq!((field.value, field.expires_at()), (&*value, Some(at(200))));
        assert!(again.get("python.python_wrote").is_some());
        // Python clears its value: the deadline goes with it.
        after.values.remove("a");
        assert!(after.record(at(150)).get("python.a").is_none());
        // Or Python breaks ours.
        after.values.set_text("__rust__", "\"broken\"");
        assert!(after.record(at(150)).get("shop.cart").is_none());
    }

    #[test]
    fn two_values_have_two_marks() {
        let marks = ["1", "2", "\"1\"", ""].map(mark);
        for (place, one) in marks.iter().enumerate() {
            assert!(*one != 0 && *one != u32::MAX);
            assert!(!marks[place + 1..].contains(one));
        }
    }
}
