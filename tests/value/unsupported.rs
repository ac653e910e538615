//! Types that bincode does not support: the error names the reason and the remedy; no data is corrupted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use starsessions::value::{Incomplete, ValueError};

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
    assert!(bincode::<T>().decode(&bytes).is_err());

    assert!(encode(&json(), value).is_ok());
}

fn self_describing(path: &str) -> Incomplete {
    Incomplete::SelfDescribing { path: path.into() }
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
    refused(&AdjacentlyTagged::Number(1), &self_describing("kind"));
    refused(&serde_json::json!({"a": [1]}), &self_describing(""));
}

#[test]
fn bytes_of_a_self_describing_type_are_an_error_that_says_where_it_asks() {
    type Pair = (u8, Vec<Untagged>);
    let bytes = [1, 1, 0, 0, 0, 0, 1, 1, 0];
    let unsupported = ValueError::Unsupported {
        type_name: std::any::type_name::<Pair>(),
        reason: self_describing(".1[]"),
    };
    assert_eq!(bincode::<Pair>().decode(&bytes).err(), Some(unsupported));
}

#[test]
fn lists_of_nothing() {
    refused(&vec![(), ()], &Incomplete::EmptyElements);
    refused(&Some(vec![[(); 3]]), &Incomplete::EmptyElements);
    refused(&HashSet::from([()]), &Incomplete::EmptyElements);
}

#[derive(Default, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u8>,
    second: u8,
}

#[test]
fn a_field_that_some_values_leave_out_is_refused_for_all_values() {
    let field = "first";
    for first in [None, Some(1)] {
        refused(
            &Sparse { first, second: 2 },
            &Incomplete::SkipsField { field },
        );
        refused(
            &vec![Some(Sparse { first, second: 2 })],
            &Incomplete::SkipsField { field },
        );
    }
    let error = encode(&bincode(), &Sparse::default()).unwrap_err();
    assert!(error.to_string().contains("skip_serializing_if"), "{error}");
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
fn a_value_that_its_own_type_refuses_is_an_error_that_says_so() {
    let before_1970 = UNIX_EPOCH - Duration::from_secs(1);
    let error = encode(&bincode(), &before_1970).unwrap_err().to_string();
    assert!(error.contains("its own `Serialize`"), "{error}");
}

#[derive(Default, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Self>>,
}

#[test]
fn a_chain_too_deep_to_read_is_not_written() {
    let chain = |depth| {
        (1..depth).fold(Chain::default(), |chain, _| Chain {
            next: Some(Box::new(chain)),
        })
    };
    for (stored, deepest, limit) in [(json(), 127, 127), (bincode(), 96, 192)] {
        let bytes = encode(&stored, &chain(deepest)).unwrap();
        assert!(stored.decode(&bytes).is_ok());
        let too_deep = Err(ValueError::TooDeep { limit });
        assert_eq!(encode(&stored, &chain(deepest + 1)), too_deep);
        assert_eq!(encode(&stored, &chain(5_000)), too_deep);
    }
}

#[derive(Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Self>),
}

#[test]
fn a_tree_that_would_exhaust_the_stack_is_not_written() {
    let tree = (0..100_000).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)));
    for stored in [json(), bincode()] {
        let refused = encode(&stored, &tree);
        assert!(
            matches!(refused, Err(ValueError::TooDeep { .. })),
            "{refused:?}"
        );
    }
    // Dropping the tree would exhaust the stack, too.
    std::mem::forget(tree);
}

/// Fields that are skipped for one value; the first such value may come late.
mod left_out {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_zero(number: &u32) -> bool {
        *number == 0
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_twenty(number: &u32) -> bool {
        *number == 20
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_true(flag: &bool) -> bool {
        *flag
    }

    fn is_in_english(language: &str) -> bool {
        language == "en"
    }

    macro_rules! types {
        ($($name:ident $condition:literal $ty:ty;)*) => {$(
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct $name {
                #[serde(default, skip_serializing_if = $condition)]
                pub(super) value: $ty,
                pub(super) last: u8,
            }
        )*};
    }

    types! {
        Zero "is_zero" u32;
        Twenty "is_twenty" u32;
        True "is_true" bool;
        Moment "Duration::is_zero" Duration;
        English "is_in_english" String;
        Empty "Vec::is_empty" Vec<u8>;
    }

    /// No field follows, so no later bytes show that the value was skipped.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Last {
        #[serde(default, skip_serializing_if = "is_twenty")]
        pub(super) value: u32,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Deep {
        First,
        Second(Vec<Option<Zero>>),
        Third(String),
    }

    /// The checks of the first and the last field reject most sample values.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Checked {
        #[serde(deserialize_with = "address")]
        pub(super) from: String,
        pub(super) zero: Zero,
        #[serde(deserialize_with = "address")]
        pub(super) to: String,
    }

    fn address<'de, D: serde::Deserializer<'de>>(source: D) -> Result<String, D::Error> {
        let text = String::deserialize(source)?;
        let is_address = text.contains('@');
        is_address
            .then_some(text)
            .ok_or_else(|| serde::de::Error::custom("no address"))
    }
}

#[test]
fn g17_a_field_that_is_left_out_for_one_value_is_refused_for_all() {
    use left_out::{Checked, Deep, Empty, English, Last, Moment, True, Twenty, Zero};
    use std::time::Duration;

    let (last, zero) = (1, Zero { value: 5, last: 1 });
    assert_left_out(&zero);
    assert_left_out(&Twenty { value: 5, last });
    assert_left_out(&Last { value: 5 });
    assert_left_out(&True { value: false, last });
    let value = Duration::from_secs(5);
    assert_left_out(&Moment { value, last });
    let value = "de".to_owned();
    assert_left_out(&English { value, last });
    assert_left_out(&Empty {
        value: vec![5],
        last,
    });
    assert_left_out(&Deep::First);
    assert_left_out(&Deep::Third(String::new()));
    assert_left_out(&Some(vec![(zero.clone(), 1_u8)]));
    let (from, to) = ("a@b.example".to_owned(), "c@d.example".to_owned());
    assert_left_out(&Checked { from, zero, to });
}

#[track_caller]
fn assert_left_out<T: Value + std::fmt::Debug>(value: &T) {
    let error = encode(&bincode(), value).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("skip_serializing_if") && told.contains("codec = json"),
        "{value:?}: {told}"
    );
    assert!(encode(&json(), value).is_ok(), "{value:?}");
}
