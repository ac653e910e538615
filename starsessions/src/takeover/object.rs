//! The values of another library's session, by name.

use std::fmt;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

/// The values of another library's session: a JSON object that keeps the text of its values.
///
/// It keeps values that no Rust type holds: integers of any size, numbers as they were spelled, strings
/// with half a surrogate pair. If a name occurs twice, the last value counts, as in Python.
///
/// ```
/// use starsessions::takeover::JsonObject;
///
/// let session = JsonObject::parse(br#"{"user_id": 42, "big": 1180591620717411303424}"#).unwrap();
/// assert_eq!(session.get::<u64>("user_id"), Some(42));
/// assert_eq!(session.text("big"), Some("1180591620717411303424"));
/// ```
#[derive(Clone, Default)]
pub struct JsonObject(IndexMap<String, Box<RawValue>>);

impl JsonObject {
    /// The object in a JSON text; `None` if the text is not an object, or has a token that JSON does not have,
    /// such as `NaN`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The value of this name as a `T`; `None` if there is no value, or it is not a `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)?).ok()
    }

    /// The value of this name as its JSON text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        Some(self.0.get(name)?.get())
    }

    /// Sets the value of this name to a JSON text; `false` if the text is not JSON. A new name becomes the last one; an
    /// existing name keeps its place.
    pub fn set_text(&mut self, name: &str, text: &str) -> bool {
        let value = RawValue::from_string(text.to_owned());
        value
            .map(|value| self.0.insert(name.to_owned(), value))
            .is_ok()
    }

    /// The object as a JSON text, spaced as Python's `json.dumps` spaces it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (name, value) in &self.0 {
            if out.len() > 1 {
                out.push_str(", ");
            }
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push_str(": ");
            out.push_str(value.get());
        }
        out.push('}');
        out
    }

    /// Takes a value out, as its JSON text.
    #[cfg(feature = "python")]
    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        let value = self.0.shift_remove(name)?;
        Some(Box::<str>::from(value).into())
    }

    /// The values with their names, as JSON texts, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.get()))
    }

    /// A copy with these values, and without the other values for which `is_gone` is true.
    #[cfg(feature = "python")]
    pub(crate) fn updated(
        &self,
        values: &[(&str, &str)],
        is_gone: impl Fn(&str, &str) -> bool,
    ) -> serde_json::Result<Self> {
        let mut next = self.0.clone();
        let names: std::collections::HashSet<_> = values.iter().map(|(name, _)| *name).collect();
        next.retain(|name, value| names.contains(&**name) || !is_gone(name, value.get()));
        for (name, text) in values {
            next.insert(
                (*name).to_owned(),
                RawValue::from_string((*text).to_owned())?,
            );
        }
        Ok(Self(next))
    }
}

/// Shows the names: values are a session's data.
impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_rust_type_holds_is_kept_as_it_was_spelled() {
        let text = r#"{"big": -1180591620717411303424, "half": "\ud800", "one": 1.0, "deep": [[{"a": null}]]}"#;
        let object = JsonObject::parse(text.as_bytes()).unwrap();
        assert_eq!(object.text("big"), Some("-1180591620717411303424"));
        assert_eq!(object.text("half"), Some(r#""\ud800""#));
        assert_eq!(object.text("one"), Some("1.0"));
        assert_eq!(object.get::<String>("half"), None);
        assert_eq!(object.get::<u64>("big"), None);
    }

    #[test]
    fn the_last_of_two_values_counts_in_the_place_of_the_first() {
        let object = JsonObject::parse(br#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
        let pairs: Vec<_> = object.iter().collect();
        assert_eq!(pairs, [("a", "3"), ("b", "2")]);
    }

    #[test]
    fn what_is_no_object_is_refused_however_deep() {
        let deep = "[".repeat(100_000);
        let nested = format!("{{\"a\": {}}}", "[".repeat(1_000) + &"]".repeat(1_000));
        for text in [
            "",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{",
            "{\"a\": NaN}",
            "{\"a\": -Infinity}",
            "{\"\\ud800\": 1}",
            "{} {}",
            &deep,
        ] {
            assert!(JsonObject::parse(text.as_bytes()).is_none(), "{text:.20}");
        }
        let nested = JsonObject::parse(nested.as_bytes()).unwrap();
        assert!(nested.get::<serde_json::Value>("a").is_none());
    }
}
