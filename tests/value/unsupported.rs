//! Types that bincode does not carry: an error that says why and what to do, never wrong data.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use starsessions::{Incomplete, ValueError};

use crate::support::{Value, bincode, encode, json};

#[track_caller]
fn refused<T: Value>(value: &T, expected: &Incomplete) {
    let error = encode(&bincode(), value).unwrap_err();
    let ValueError::Unsupported { type_name, reason } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*type_name, std::any::type_name::<T>());
    assert_eq!(reason, expected);
    assert!(error.to_string().contains("codec = json"), "{error}");

    let bytes = [1, 1, 0, 0, 0, 0, 0];
    assert_eq!(bincode::<T>().decode(&bytes).map(|_| ()), Err(error));

    let bytes = encode(&json(), value).unwrap();
    json::<T>().check_round_trip(&bytes).unwrap();
}

fn recursive(path: &str) -> Incomplete {
    Incomplete::Recursive { path: path.into() }
}

fn self_describing(path: &str) -> Incomplete {
    Incomplete::SelfDescribing { path: path.into() }
}

fn empty_elements(path: &str) -> Incomplete {
    Incomplete::EmptyElements { path: path.into() }
}

#[derive(Default, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Self>>,
}

#[derive(Default, Serialize, Deserialize)]
enum Expression {
    #[default]
    One,
    Not(Box<Self>),
    Both(Box<Self>, Box<Self>),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Lists(Vec<Self>);

#[derive(Default, Serialize, Deserialize)]
struct Folder {
    name: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    File(Vec<u8>),
    Folder { inner: Folder },
}

#[test]
fn recursive_types() {
    refused(&Chain::default(), &recursive("next"));
    refused(&vec![Chain::default()], &recursive("[].next"));
    refused(&Expression::default(), &recursive("::Not"));
    refused(&Lists::default(), &recursive("[]"));
    refused(
        &Folder::default(),
        &recursive("entries{value}::Folder.inner"),
    );
}

#[derive(Default, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    rest: HashMap<String, u8>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    #[default]
    Nothing,
    Number(u8),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Number { value: u8 },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum AdjacentlyTagged {
    Number(u8),
}

#[derive(Default, Serialize, Deserialize)]
struct Outer {
    first: u8,
    inner: Vec<Option<Flattened>>,
}

#[test]
fn self_describing_types() {
    refused(&Flattened::default(), &self_describing("{key}"));
    refused(&Outer::default(), &self_describing("inner[]{key}"));
    refused(&Untagged::default(), &self_describing(""));
    refused(&Tagged::Number { value: 1 }, &self_describing(""));
    refused(&(1, vec![Untagged::Number(1)]), &self_describing(".1[]"));
    refused(&AdjacentlyTagged::Number(1), &self_describing("value"));
    refused(&serde_json::json!({"a": [1]}), &self_describing(""));
}

#[test]
fn lists_of_nothing() {
    refused(&vec![(), ()], &empty_elements(""));
    refused(&Some(vec![[(); 3]]), &empty_elements(""));
    refused(&HashSet::from([()]), &empty_elements(""));
}

#[test]
fn types_of_too_many_parts() {
    type Row = [(u8, u16, u32, u64); 16];
    type Table = [[Row; 16]; 16];
    refused(&Some(Table::default()), &Incomplete::TooLarge);
}

/// No made-up value is accepted for it.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
fn a_hidden_part_fails_in_development_and_works_in_production() {
    fn check<T: Value + PartialEq>(value: &T, path: &str) {
        let bytes = encode(&bincode(), value).unwrap();
        assert!(bincode().decode(&bytes).as_ref() == Ok(value));
        let error = bincode::<T>().check_round_trip(&bytes).unwrap_err();
        let ValueError::Unsupported { reason, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(reason, Incomplete::Opaque { path: path.into() });
    }
    let code = || Code("code 93761".to_owned());
    check(&(code(), 1_u8), ".1");
    check(&BTreeMap::from([(code(), 1_u8)]), "{value}");
    check(&vec![(1_u8, code(), 1_u8)], "[].2");

    // Beside others in a struct, it hides nothing.
    let bytes = encode(
        &bincode(),
        &Login {
            code: code(),
            other: code(),
            user: 1,
        },
    )
    .unwrap();
    bincode::<Login>().check_round_trip(&bytes).unwrap();
}

#[derive(Serialize, Deserialize)]
struct Login {
    code: Code,
    other: Code,
    user: u8,
}

#[derive(Default, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u8>,
    second: u8,
}

#[test]
fn what_does_not_read_back_is_an_error_that_names_the_attribute() {
    let bytes = encode(&bincode(), &Sparse::default()).unwrap();
    let error = bincode::<Sparse>().check_round_trip(&bytes).unwrap_err();
    assert!(matches!(error, ValueError::NoRoundTrip { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("Sparse") && text.contains("skip_serializing_if"),
        "{text}"
    );

    let bytes = encode(&json(), &Sparse::default()).unwrap();
    json::<Sparse>().check_round_trip(&bytes).unwrap();

    // JSON has no number for it.
    let bytes = encode(&json(), &f64::NAN).unwrap();
    assert!(json::<f64>().check_round_trip(&bytes).is_err());
}

#[test]
fn what_json_cannot_write_is_an_error() {
    let refused = encode(&json(), &BTreeMap::from([((1, 2), 3)]));
    assert!(
        matches!(refused, Err(ValueError::Unencodable { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_chain_too_deep_to_read_is_not_written() {
    let chain = |depth| {
        (1..depth).fold(Chain::default(), |chain, _| Chain {
            next: Some(Box::new(chain)),
        })
    };
    let bytes = encode(&json(), &chain(127)).unwrap();
    assert!(json::<Chain>().decode(&bytes).is_ok());
    let too_deep = Err(ValueError::TooDeep { limit: 127 });
    assert_eq!(encode(&json(), &chain(128)), too_deep);
    assert_eq!(encode(&json(), &chain(5_000)), too_deep);
}
