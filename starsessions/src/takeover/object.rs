//! The values of a session by name, as the library that has written them has them.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The values of another library's session: a JSON object whose values stay the text that they were.
///
/// What no Rust type holds is kept as well: integers of any size, numbers as they were spelled, strings
/// with half a surrogate pair. Of a name that occurs twice, the last value counts, as in Python.
///
/// ```
/// use starsessions::takeover::JsonObject;
///
/// let session = JsonObject::parse(br#"{"user_id": 42, "big": 1180591620717411303424}"#).unwrap();
/// assert_eq!(session.get::<u64>("user_id"), Some(42));
/// assert_eq!(session.text("big"), Some("1180591620717411303424"));
/// ```
#[derive(Clone, Default)]
pub struct JsonObject(Vec<(String, Box<RawValue>)>);

impl JsonObject {
    /// The object in a JSON text; `None` if it is anything else, or a token that JSON does not have, such
    /// as `NaN`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The value of this name as a `T`; `None` if there is none, or it is no `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)?).ok()
    }

    /// The value of this name as its JSON text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value.get())
    }

    /// Sets the value of this name. It keeps its place among the others, or is the last one.
    ///
    /// # Errors
    /// If JSON cannot carry the value.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        let value = serde_json::value::to_raw_value(value)?;
        self.put(name.to_owned(), value);
        Ok(())
    }

    /// Sets the value of this name to a JSON text; `false` if it is none.
    pub fn set_text(&mut self, name: &str, text: &str) -> bool {
        let value = RawValue::from_string(text.to_owned());
        value.map(|value| self.put(name.to_owned(), value)).is_ok()
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
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(Box::<str>::from(self.0.remove(place).1).into())
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values with their names, as JSON texts, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.get()))
    }

    /// The same with these values, each name once, and without those that are gone.
    #[cfg(feature = "python")]
    pub(crate) fn updated(
        &self,
        values: &[(&str, &str)],
        is_gone: impl Fn(&str, &str) -> bool,
    ) -> serde_json::Result<Self> {
        let raw = |text: &str| RawValue::from_string(text.to_owned());
        let mut left: HashMap<_, _> = values.iter().copied().collect();
        let mut pairs = Vec::with_capacity(self.0.len() + values.len());
        for (name, value) in &self.0 {
            let value = match left.remove(name.as_str()) {
                Some(text) if text != value.get() => raw(text)?,
                None if is_gone(name, value.get()) => continue,
                _ => value.clone(),
            };
            pairs.push((name.clone(), value));
        }
        for (name, text) in values.iter().filter(|(name, _)| left.contains_key(name)) {
            pairs.push(((*name).to_owned(), raw(text)?));
        }
        Ok(Self(pairs))
    }

    /// Of JSON texts with a name of its own each; what is no JSON is left out.
    #[cfg(any(
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    ))]
    pub(super) fn of_texts(texts: HashMap<String, String>) -> Self {
        let raw = |(name, text)| Some((name, RawValue::from_string(text).ok()?));
        Self(texts.into_iter().filter_map(raw).collect())
    }

    fn put(&mut self, name: String, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((name, value)),
        }
    }
}

/// Shows the names: values are a session's data.
impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = JsonObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
        let mut pairs: Vec<(String, Box<RawValue>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            match places.get(&name).and_then(|place| pairs.get_mut(*place)) {
                Some((_, place)) => *place = value,
                None => {
                    places.insert(name.clone(), pairs.len());
                    pairs.push((name, value));
                }
            }
        }
        Ok(JsonObject(pairs))
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
