//! Types that bincode supports: their values read back as written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroI64, NonZeroU8, Wrapping};
use std::ops::{Bound, Range, RangeInclusive};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use starsessions::__private::Stored;

use crate::support::{Value, assert_changed, bincode, encode, json, types};

types! {
    struct Unit;
    struct Id(u64);
    struct Pair(Id, Unit);
    struct Empty {}
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Named {
        first_name: String,
        #[serde(rename = "surname", alias = "last_name")]
        second_name: Option<String>,
        #[serde(default)]
        ids: Vec<Id>,
        pair: Pair,
        choice: Choice,
    }
    enum Choice {
        #[default]
        Nothing,
        One(u8),
        Two(u8, String),
        Both { left: bool, right: Box<Choices> }
    }
    struct Choices { last: Option<Id> }
    #[serde(transparent)]
    struct Bare { value: u16 }
    struct Wrapper<T> { value: T }
    struct Phantom<T> { value: PhantomData<T> }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Email(String);

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let valid = text
            .split_once('@')
            .is_some_and(|(_, host)| host.contains('.'));
        if valid {
            Ok(Self(text))
        } else {
            Err("no e-mail address")
        }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

fn email() -> Email {
    Email("ada@example.org".to_owned())
}

#[track_caller]
fn carried<T: Value + PartialEq + Debug>(value: T) {
    fn round_trip<T: Value + PartialEq + Debug>(stored: &Stored<T>, value: &T) {
        let bytes = encode(stored, value).unwrap();
        assert_eq!(stored.decode(&bytes).as_ref(), Ok(value));
    }
    round_trip(&bincode(), &value);
    round_trip(&bincode(), &vec![value]);
}

#[test]
fn primitives() {
    carried(true);
    carried('ß');
    carried((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    carried((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    carried((1.5_f32, f64::MIN_POSITIVE));
}

/// The common helper does not fit here, because it wraps the value in a `Vec`, and `Vec<()>` is refused.
#[test]
fn values_without_bytes() {
    fn alone<T: Value + PartialEq + Debug>(value: T) {
        let bytes = encode(&bincode(), &value).unwrap();
        assert_eq!(bincode().decode(&bytes), Ok(value));
    }
    alone(());
    alone(Unit);
    alone(Empty {});
    alone(PhantomData::<u8>);
    alone([(); 7]);
    alone(Phantom::<Email> { value: PhantomData });
}

#[test]
fn text_and_paths() {
    carried("text".to_owned());
    carried(Cow::Borrowed("text"));
    carried(Box::<str>::from("text"));
    carried(PathBuf::from("/a/path"));
}

#[test]
fn collections() {
    carried(vec![1, 2, 3]);
    carried(VecDeque::from([1, 2]));
    carried(LinkedList::from([1, 2]));
    carried(HashSet::from([1, 2, 3, 4, 5, 6, 7, 8]));
    carried(BTreeSet::from(["a".to_owned()]));
    carried(HashMap::from([
        (1, "one".to_owned()),
        (2, "two".to_owned()),
    ]));
    carried(BTreeMap::from([((1, 'a'), vec![Some(1), None])]));
    carried(vec![vec![HashMap::<String, Vec<u8>>::new()]]);
    // Only nesting counts as depth.
    carried(vec![Some((1, vec![1])); 500]);
}

#[test]
fn tuples_and_arrays() {
    carried((1,));
    carried((1, 'a', "b".to_owned(), Some(false)));
    carried([7_u8; 32]);
    carried([[1.0; 3]; 3]);
    carried((
        0_u8, 1_u8, 2_u8, 3_u8, 4_u8, 5_u8, 6_u8, 7_u8, 8_u8, 9_u8, 10_u8, 11_u8,
    ));
    // serde supports tuples of up to sixteen elements; `Debug` ends at twelve.
    let sixteen = (
        0_u8, 1_u8, 2_u8, 3_u8, 4_u8, 5_u8, 6_u8, 7_u8, 8_u8, 9_u8, 10_u8, 11_u8, 12_u8, 13_u8,
        14_u8, 'p',
    );
    let bytes = encode(&bincode(), &sixteen).unwrap();
    let last = bincode::<(
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        u8,
        char,
    )>();
    assert_eq!(last.decode(&bytes).unwrap().15, 'p');
}

#[test]
fn options_boxes_and_results() {
    carried(Some(Some(1)));
    carried(None::<Box<u8>>);
    carried(Ok::<u8, String>(1));
    carried(Err::<u8, String>("no".to_owned()));
    carried(Box::new(1));
    carried(std::cell::RefCell::new(1));
    carried(Wrapping(1));
    carried(std::cmp::Reverse(1));
}

#[test]
fn types_of_the_standard_library() {
    carried(Duration::from_millis(1500));
    carried(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    carried(IpAddr::V4(Ipv4Addr::LOCALHOST));
    carried(IpAddr::V6(Ipv6Addr::LOCALHOST));
    carried(SocketAddr::from(([127, 0, 0, 1], 80)));
    carried((NonZeroU8::MIN, NonZeroI64::MAX, 7_u8));
    carried(Range { start: 1, end: 2 });
    carried(RangeInclusive::new(1, 2));
    carried(Bound::Included(1));
}

#[test]
fn derived_types() {
    carried(Id(1));
    carried(Bare { value: 1 });
    carried(Named::default());
    for choice in [
        Choice::Nothing,
        Choice::One(1),
        Choice::Two(2, "two".to_owned()),
        Choice::Both {
            left: true,
            right: Box::new(Choices { last: Some(Id(1)) }),
        },
    ] {
        carried(Named {
            choice,
            ..Named::default()
        });
    }
}

#[test]
fn nesting_of_one_generic_type_is_no_recursion() {
    let value = Wrapper {
        value: Wrapper {
            value: Wrapper {
                value: Wrapper { value: 1 },
            },
        },
    };
    carried(value);
    carried(Some(Some(Some(Some(Some(1))))));
    carried(vec![vec![vec![vec![vec![vec![1]]]]]]);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Level {
    Low,
    #[serde(alias = "Middle")]
    Medium(u8),
    High {
        #[serde(alias = "peak")]
        top: u8,
    },
    #[serde(other)]
    Unknown,
}

#[test]
fn enums_with_aliases_and_a_variant_for_the_rest() {
    for level in [
        Level::Low,
        Level::Medium(1),
        Level::High { top: 2 },
        Level::Unknown,
    ] {
        carried((level, 7));
    }
}

#[test]
fn text_of_the_operating_system() {
    carried(std::ffi::OsString::from("text"));
}

/// A type whose visitor knows the order of the fields, but not their names.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Ordered<T> {
    email: Email,
    value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the fields in order")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Ordered<T>, A::Error> {
                let (Some(email), Some(value)) = (fields.next_element()?, fields.next_element()?)
                else {
                    return Err(Error::custom("a field is missing"));
                };
                Ok(Ordered { email, value })
            }
        }

        deserializer.deserialize_struct("Ordered", &["email", "value"], InOrder(PhantomData))
    }
}

#[test]
fn visitors_that_know_no_names() {
    let ordered = Ordered {
        email: email(),
        value: 1_u8,
    };
    assert_changed::<Ordered<u8>, Ordered<i8>>(&ordered);
    carried((ordered, 1));
}

#[test]
fn validated_types() {
    carried(email());
    carried(Wrapper { value: email() });
    // The examination must find values that pass the checks, so that it reaches the fields behind them.
    carried((email(), 1));
    carried((NonZeroU8::MIN, email(), Choice::One(1), uuid(), 1));
    carried(BTreeMap::from([(String::from(email()), 1)]));
    carried(vec![(
        email(),
        Wrapper {
            value: (email(), email()),
        },
        1,
    )]);
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x1234)
}

#[test]
fn types_of_other_crates() {
    let chrono = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    carried(starsessions::Timestamp::from_unix_seconds(1_700_000_000));
    carried(uuid());
    carried(chrono);
    carried((chrono, 1));
    carried((chrono.date_naive(), chrono.time(), chrono.naive_utc(), 1));
    let time = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    carried(time);
    carried((time, 1));
    carried((
        time.date(),
        time.time(),
        time::Duration::seconds(1),
        time.month(),
        1,
    ));
    carried(HashMap::from([(uuid(), chrono)]));
}

#[test]
fn json_carries_them_too() {
    let value = Named {
        choice: Choice::One(1),
        ..Named::default()
    };
    let bytes = encode(&json(), &value).unwrap();
    assert_eq!(json().decode(&bytes), Ok(value));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Expression {
    One,
    Not(Box<Self>),
    Both(Box<Self>, Box<Self>),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Folder {
    name: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Entry {
    File(Vec<u8>),
    Folder { inner: Folder },
}

#[test]
fn types_that_contain_themselves() {
    let not = Expression::Not(Box::new(Expression::One));
    carried(Expression::Both(Box::new(not.clone()), Box::new(not)));
    let entries = BTreeMap::from([("file".to_owned(), Entry::File(vec![1]))]);
    let inner = Folder {
        name: "inner".to_owned(),
        entries,
    };
    carried(Folder {
        name: "outer".to_owned(),
        entries: BTreeMap::from([("folder".to_owned(), Entry::Folder { inner })]),
    });
}

#[test]
fn types_of_many_parts() {
    type Row = [(u8, u16, u32, u64); 16];
    carried(Some([[Row::default(); 16]; 4]));
}

/// A type that rejects every made-up value, wherever it is nested.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(try_from = "String", into = "String")]
struct Code(String);

impl TryFrom<String> for Code {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "code 93761" {
            Ok(Self(text))
        } else {
            Err("no code")
        }
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

#[test]
fn what_cannot_be_judged_is_not_refused() {
    let code = || Code("code 93761".to_owned());
    carried((code(), 1_u8));
    carried(BTreeMap::from([(code(), 1_u8)]));
    carried(vec![(1_u8, code(), 1_u8)]);
    carried(HashMap::from([
        (chrono::Weekday::Mon, 1),
        (chrono::Weekday::Tue, 2),
        (chrono::Weekday::Sun, 3),
    ]));
    carried(vec![(chrono::Month::May, 1), (chrono::Month::June, 2)]);
}
