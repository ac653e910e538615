use std::collections::BTreeMap;
use std::num::NonZeroU8;

use super::explore::explore;
use super::tree::{Call, Kind, Tree};
use super::*;

/// What is hashed, written down from the description of the layout instead of by its code.
fn node(kind: u8, name: &str, length: u64, names: &[&str], children: &[Vec<u8>]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let mut bytes = vec![kind];
    bytes.extend(text(name));
    bytes.extend(length.to_le_bytes());
    bytes.extend((names.len() as u64).to_le_bytes());
    bytes.extend(names.iter().flat_map(|name| text(name)));
    bytes.extend((children.len() as u64).to_le_bytes());
    bytes.extend(children.concat());
    bytes
}

fn leaf(kind: u8) -> Vec<u8> {
    node(kind, "", 0, &[], &[])
}

fn written<T: DeserializeOwned>() -> Vec<u8> {
    let mut bytes = Vec::new();
    explore::<T>().write(&mut bytes);
    bytes
}

#[test]
fn the_tree_is_written_as_described() {
    assert_eq!(written::<u64>(), leaf(10));
    let option = node(19, "", 0, &[], &[leaf(15)]);
    let list = node(21, "", 0, &[], &[leaf(7)]);
    assert_eq!(
        written::<(Option<String>, Vec<u8>)>(),
        node(23, "", 2, &[], &[option, list])
    );
    let map = node(22, "", 0, &[], &[leaf(14), leaf(1)]);
    assert_eq!(written::<BTreeMap<char, bool>>(), map);
    let range = node(25, "Range", 0, &["start", "end"], &[leaf(5), leaf(5)]);
    assert_eq!(written::<std::ops::Range<i64>>(), range);
    let ok = node(28, "", 0, &[], &[leaf(7)]);
    let error = node(28, "", 0, &[], &[leaf(17)]);
    let result = node(26, "Result", 0, &["Ok", "Err"], &[ok, error]);
    assert_eq!(written::<Result<u8, ()>>(), result);
    assert_eq!(written::<[u8; 32]>(), node(23, "", 32, &[], &[leaf(7)]));
}

#[test]
fn the_fingerprint_is_the_start_of_the_hash() {
    let hash = Sha256::digest([LABEL, &leaf(10)].concat());
    let start = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
    assert_eq!(Shape::of::<u64>().fingerprint, start);
    assert_eq!(Shape::of::<u64>().complete, Ok(()));
}

#[test]
fn a_value_in_front_is_made_up_until_it_is_accepted() {
    let tree = explore::<(NonZeroU8, u8)>();
    let children = &tree.node(Tree::ROOT).children;
    let kinds = children.iter().map(|child| tree.node(*child).call);
    assert!(kinds.eq([Call::new(Kind::U8); 2]));
}

#[test]
fn a_second_look_costs_nothing() {
    thread_local! {
        static CALLS: Cell<u32> = const { Cell::new(0) };
    }

    struct Counted;

    impl<'de> serde::Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            CALLS.set(CALLS.get() + 1);
            <()>::deserialize(deserializer).map(|()| Self)
        }
    }

    let first = Shape::of::<Counted>().fingerprint;
    let calls = CALLS.get();
    assert_eq!(Shape::of::<Counted>().fingerprint, first);
    assert_eq!(CALLS.get(), calls);
    assert_eq!(calls, 1);
}

#[test]
fn a_type_that_swallows_errors_comes_to_an_end() {
    struct Lenient;

    impl<'de> serde::Deserialize<'de> for Lenient {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Self)
        }
    }

    impl<'de> serde::de::Visitor<'de> for Lenient {
        type Value = Self;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
            while !matches!(list.next_element::<u8>(), Ok(None)) {}
            Ok(self)
        }
    }

    assert_eq!(written::<Lenient>(), node(21, "", 0, &[], &[leaf(7)]));
    assert!(Shape::of::<(Lenient, u16)>().complete.is_ok());
}

/// More types than there are places for their fingerprints.
#[test]
fn types_that_share_a_place_have_fingerprints_of_their_own() {
    macro_rules! arrays {
        ($element:ty: $($length:literal)*) => {
            $(assert_eq!(
                Shape::positional::<[$element; $length]>(),
                Ok(Shape::of::<[$element; $length]>().fingerprint),
            );)*
        };
    }
    for _ in 0..2 {
        arrays!(u8: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
        arrays!(u16: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
        arrays!(u32: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    }
}
