//! Values that would not read back as written: the write is refused. Every value that is not refused reads back as it
//! was written.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use starsessions::__private::Stored;
use starsessions::value::ValueError;

use crate::support::{Value, bincode, encode, json};

/// The value as it reads back, or the error of the write.
fn store<T: Value>(stored: &Stored<T>, value: &T) -> Result<T, ValueError> {
    stored.decode(&encode(stored, value)?)
}

#[track_caller]
fn refused<T: Value + Debug>(stored: &Stored<T>, value: &T) {
    let error = store(stored, value).unwrap_err();
    let named = matches!(
        error,
        ValueError::NoRoundTrip { .. } | ValueError::Unsupported { .. }
    );
    assert!(named, "{value:?}: {error:?}");
}

#[track_caller]
fn kept<T: Value + Debug + PartialEq>(stored: &Stored<T>, value: &T) {
    assert_eq!(store(stored, value).as_ref(), Ok(value));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Payment {
    Cash,
    #[serde(skip_deserializing)]
    Legacy,
    Card(String),
    Invoice(String),
}

#[test]
fn g17_a_variant_behind_one_that_is_not_read_is_not_read_as_its_neighbour() {
    for value in [
        Payment::Cash,
        Payment::Legacy,
        Payment::Card("x".into()),
        Payment::Invoice("x".into()),
    ] {
        refused(&bincode(), &value);
    }
    kept(&json(), &Payment::Card("x".into()));
    refused(&json(), &Payment::Legacy);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SkippedInTheMiddle {
    First,
    #[serde(skip)]
    Second,
    Third(u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SkippedAtTheEnd {
    First,
    Second(u8),
    #[serde(skip)]
    Third,
}

#[test]
fn g17_a_skipped_variant_is_refused_unless_it_is_the_last_one() {
    for value in [
        SkippedInTheMiddle::First,
        SkippedInTheMiddle::Second,
        SkippedInTheMiddle::Third(3),
    ] {
        refused(&bincode(), &value);
    }
    kept(&json(), &SkippedInTheMiddle::First);
    kept(&json(), &SkippedInTheMiddle::Third(3));
    let error = store(&bincode(), &SkippedInTheMiddle::First).unwrap_err();
    let told = error.to_string();
    for cure in ["codec = json", "move it to the end of the enum"] {
        assert!(told.contains(cure), "{told}");
    }
    // The remedies that the error names.
    kept(&bincode(), &SkippedAtTheEnd::First);
    kept(&bincode(), &SkippedAtTheEnd::Second(2));
    for stored in [bincode(), json()] {
        assert!(store(&stored, &SkippedAtTheEnd::Third).is_err());
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Extra {
    #[serde(skip)]
    Unset,
    Text(String),
    Raw(serde_json::Value),
}

/// serde numbers the variants with `Unset` when it writes, and without it when it reads: the text is read as `Raw`.
#[test]
fn g17_a_skipped_variant_in_front_of_a_self_describing_one_is_refused() {
    refused(&bincode(), &Extra::Text("x".into()));
    refused(&bincode(), &Extra::Raw(1.into()));
    for stored in [bincode(), json()] {
        assert!(store(&stored, &Extra::Unset).is_err());
    }
    kept(&json(), &Extra::Text("x".into()));
    kept(&json(), &Extra::Raw(1.into()));
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "SkippedInTheMiddle")]
enum BeforeTheSkip {
    First,
}

/// A type that was decoded successfully is still examined when a value is written.
#[test]
fn g17_a_type_that_was_read_is_refused_where_it_is_written() {
    let bytes = encode(&bincode(), &BeforeTheSkip::First).unwrap();
    let read: SkippedInTheMiddle = bincode().decode(&bytes).unwrap();
    assert_eq!(read, SkippedInTheMiddle::First);
    refused(&bincode(), &read);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Half {
    First(u8),
    #[serde(skip_serializing)]
    Second(u8),
    Third(u8),
}

#[test]
fn g17_a_variant_that_is_not_written_is_refused_and_moves_no_other() {
    kept(&bincode(), &Half::First(1));
    kept(&bincode(), &Half::Third(3));
    assert!(store(&bincode(), &Half::Second(2)).is_err());
    kept(&json(), &Half::Third(3));
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Crossed {
    #[serde(skip_deserializing)]
    a: u8,
    #[serde(skip_serializing, default)]
    b: u8,
    z: u8,
}

#[test]
fn g17_a_field_that_is_written_is_not_read_as_another() {
    refused(&bincode(), &Crossed { a: 3, b: 0, z: 9 });
    refused(&json(), &Crossed { a: 3, b: 0, z: 9 });
    // In JSON a name identifies each field, so this value loses nothing.
    kept(&json(), &Crossed { a: 0, b: 0, z: 9 });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    value: Option<Option<u64>>,
    unit: Option<()>,
    any: Option<serde_json::Value>,
}

#[test]
fn g17_json_has_one_null_for_two_kinds_of_nothing() {
    let full = Nested {
        value: Some(Some(1)),
        unit: None,
        any: Some(1.into()),
    };
    kept(&json(), &full);
    let null = Some(serde_json::Value::Null);
    refused(
        &json(),
        &Nested {
            value: Some(None),
            ..full.clone()
        },
    );
    refused(
        &json(),
        &Nested {
            unit: Some(()),
            ..full.clone()
        },
    );
    refused(&json(), &Nested { any: null, ..full });
    kept(&bincode(), &(Some(None::<u64>), Some(())));
}

#[test]
fn g17_json_has_no_float_that_is_not_finite() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = store(&json(), &number).unwrap_err().to_string();
        assert!(error.contains("not finite"), "{error}");
        let kept = store(&bincode(), &number).map(f64::to_bits);
        assert_eq!(kept, Ok(number.to_bits()));
    }
    kept(&json(), &[0.1, -0.0, f64::MAX, f64::MIN_POSITIVE]);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Small(u8),
    Large(u16),
    Signed(i64),
    Named {
        id: u64,
        #[serde(default)]
        name: String,
    },
    Numbered {
        id: u64,
    },
}

#[test]
fn g17_an_untagged_value_that_looks_like_another_is_refused_also_after_one_that_does_not() {
    kept(&json(), &Untagged::Small(1));
    kept(&json(), &Untagged::Large(300));
    refused(&json(), &Untagged::Large(3));
    kept(&json(), &Untagged::Signed(-1));
    refused(&json(), &Untagged::Signed(1));
    refused(&json(), &Untagged::Numbered { id: 1 });
    refused(&json(), &f64::NAN);
    refused(&json(), &f32::INFINITY);
}

/// Some values read back as another valid value of the type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
struct Percent(u8);

impl From<u8> for Percent {
    fn from(number: u8) -> Self {
        Self(number.min(100))
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

#[test]
fn g17_a_value_that_its_own_type_changes_is_refused() {
    for stored in [bincode(), json()] {
        kept(&stored, &Percent(7));
        refused(&stored, &Percent(101));
        kept(&stored, &Percent(100));
    }
}

/// Reads its elements in the reverse order.
#[derive(Clone, Debug, PartialEq)]
struct Turned(u8, u8);

impl Serialize for Turned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, self.1).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Turned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(u8, u8)>::deserialize(deserializer).map(|(first, second)| Self(second, first))
    }
}

/// Written as `u8`, read as `i8`.
#[derive(Clone, Debug, PartialEq)]
struct Signed(u8);

impl Serialize for Signed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i8::deserialize(deserializer).map(|number| Self(number.unsigned_abs()))
    }
}

/// Announces one element more than it writes.
#[derive(Clone, Debug, PartialEq)]
struct Boaster(Vec<u8>);

impl Serialize for Boaster {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = serializer.serialize_seq(Some(self.0.len() + 1))?;
        for element in &self.0 {
            list.serialize_element(element)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Boaster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

#[test]
fn g17_implementations_by_hand_that_disagree_are_refused() {
    refused(&bincode(), &Turned(1, 2));
    refused(&bincode(), &vec![Turned(1, 2)]);
    refused(&json(), &Turned(1, 2));
    refused(&bincode(), &Signed(200));
    refused(&bincode(), &(Signed(200), 7_u8));
    assert!(store(&bincode(), &(Boaster(vec![1]), 7_u8)).is_err());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Outer {
    #[serde(skip_serializing)]
    hidden: u8,
    last: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unread {
    #[serde(skip_deserializing)]
    hidden: u8,
    last: u8,
}

#[test]
fn g17_a_field_that_only_one_side_knows_is_refused_wherever_it_stands() {
    let outer = Outer { hidden: 1, last: 2 };
    refused(&bincode(), &outer);
    refused(&bincode(), &vec![(outer.clone(), outer.clone())]);
    refused(&bincode(), &HashMap::from([(1, outer.clone())]));
    refused(&json(), &outer);
    let unread = Unread { hidden: 1, last: 2 };
    refused(&bincode(), &unread);
    refused(&bincode(), &Some(vec![unread.clone()]));
    refused(&json(), &unread);
    kept(&json(), &Unread { hidden: 0, last: 2 });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename(serialize = "written", deserialize = "read"))]
    value: u8,
}

#[test]
fn g17_a_name_that_is_written_and_not_read_is_refused_where_names_count() {
    kept(&bincode(), &Renamed { value: 1 });
    refused(&json(), &Renamed { value: 1 });
}

#[test]
fn g17_keys_that_json_writes_alike_are_refused() {
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Key {
        Number(u8),
        Text(String),
    }
    let number = (Key::Number(1), 1);
    let text = (Key::Text("1".into()), 2);
    refused(&json(), &BTreeMap::from([number, text.clone()]));
    kept(&json(), &BTreeMap::from([text]));
}

/// The check of one value says nothing about the next value of the type.
#[test]
fn g17_every_write_is_checked() {
    for number in 0..=u8::MAX {
        let expected = (number <= 100).then_some(Percent(number));
        assert_eq!(store(&bincode(), &Percent(number)).ok(), expected);
    }
}
