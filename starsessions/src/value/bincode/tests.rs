//! Compares with the `bincode` crate: the same bytes for every value, and the same value for all bytes.

use std::collections::BTreeMap;

use bincode::serde::{decode_from_slice, encode_to_vec};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use super::*;
use crate::value::{Flaw, Refusal};

type Numbers = (u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: Numbers,
    floats: (f32, f64, bool, char),
    texts: Vec<Option<String>>,
    map: BTreeMap<u16, Vec<Choice>>,
    array: [u16; 3],
    unit: ((), Unit),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(Id),
    Two(i16, String),
    Both { left: bool, right: Option<u32> },
}

fn everything() -> impl Strategy<Value = Everything> {
    let choice = prop_oneof![
        Just(Choice::Nothing),
        any::<u64>().prop_map(|id| Choice::One(Id(id))),
        any::<(i16, String)>().prop_map(|(number, text)| Choice::Two(number, text)),
        any::<(bool, Option<u32>)>().prop_map(|(left, right)| Choice::Both { left, right }),
    ];
    let floats = (
        prop::num::f32::NORMAL,
        prop::num::f64::NORMAL,
        any::<bool>(),
        any::<char>(),
    );
    let texts = vec(option::of(any::<String>()), 0..4);
    let map = btree_map(any::<u16>(), vec(choice, 0..4), 0..4);
    (any::<Numbers>(), floats, texts, map, any::<[u16; 3]>()).prop_map(
        |(numbers, floats, texts, map, array)| Everything {
            numbers,
            floats,
            texts,
            map,
            array,
            unit: ((), Unit),
        },
    )
}

fn ours(value: &Everything) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes, usize::MAX).unwrap();
    bytes
}

proptest! {
    #[test]
    fn the_bytes_are_those_of_the_crate(value in everything()) {
        let bytes = encode_to_vec(&value, CONFIGURATION).unwrap();
        prop_assert_eq!(&ours(&value), &bytes);
        prop_assert_eq!(decode::<Everything>(&bytes), Ok(value));
    }

    #[test]
    fn a_damaged_value_is_what_the_crate_says(
        value in everything(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = ours(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let limited = standard().with_limit::<{ 1 << 20 }>();
        let theirs = decode_from_slice::<Everything, _>(&bytes, limited).ok();
        let theirs = theirs.filter(|(_, read)| *read == bytes.len()).map(|(value, _)| value);
        // Compares the texts, because a NaN is not equal to itself.
        prop_assert_eq!(
            format!("{:?}", decode::<Everything>(&bytes).ok()),
            format!("{theirs:?}")
        );
    }
}

fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    encode_to_vec(value, CONFIGURATION).unwrap()
}

/// Random numbers rarely have these values.
#[test]
fn numbers_at_the_ends_of_a_width_take_the_bytes_of_the_crate() {
    for end in [SMALL, 0xffff, 0xffff_ffff, u64::MAX - 1] {
        for number in [end, end + 1] {
            let (mut bytes, expected) = (Vec::new(), bytes_of(&number));
            encode(&number, &mut bytes, expected.len()).unwrap();
            assert_eq!(bytes, expected);
            assert_eq!(decode(&bytes), Ok(number));
        }
    }
}

#[test]
fn a_number_that_is_wider_than_its_type_is_refused_whatever_it_is() {
    let mismatch = Stop::Flawed(Flaw::Mismatch);
    let zero = [WIDTH_64, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decode::<u64>(&zero), Ok(0));
    assert_eq!(decode::<u16>(&zero), Err(mismatch));
    assert_eq!(decode::<u32>(&zero), Err(mismatch));
    assert_eq!(decode::<i16>(&zero), Err(mismatch));
    assert_eq!(decode::<i32>(&zero), Err(mismatch));
    assert_eq!(decode::<Choice>(&zero), Err(mismatch));
}

type Mixed = (bool, char, (u16, u32, u64), i128, String, Option<[f32; 2]>);

#[test]
fn a_value_takes_no_byte_more_than_it_may_and_none_of_them_is_missing() {
    let numbers = (300, 70_000, u64::MAX);
    let text = "text".to_owned();
    let value: Mixed = (true, 'ß', numbers, i128::MIN, text, Some([1.0; 2]));
    let bytes = bytes_of(&value);
    for length in 0..bytes.len() {
        let mut out = Vec::new();
        let written = encode(&value, &mut out, length);
        assert_eq!(written, Err(Refusal::TooLarge), "{length}");
        assert!(out.len() <= length, "{length}");
        let read = decode::<Mixed>(&bytes[..length]);
        assert_eq!(read, Err(Stop::Flawed(Flaw::EndsEarly)), "{length}");
    }
    assert_eq!(encode(&value, &mut Vec::new(), bytes.len()), Ok(()));
    assert_eq!(decode(&bytes), Ok(value));
}

#[derive(Serialize, Deserialize)]
enum Nest {
    End,
    Newtype(Box<Self>),
    Tuple(Box<Self>, u8),
    Struct { inner: Box<Self> },
    Optional(Option<Box<Self>>),
    List(Vec<Self>),
    Map(BTreeMap<u8, Self>),
    Wrapped(Wrapped),
}

#[derive(Serialize, Deserialize)]
struct Wrapped(Box<Nest>);

#[test]
fn what_is_written_can_be_read_again_up_to_the_same_depth() {
    let ways: [fn(Nest) -> Nest; 7] = [
        |nest| Nest::Newtype(nest.into()),
        |nest| Nest::Tuple(nest.into(), 1),
        |nest| Nest::Struct { inner: nest.into() },
        |nest| Nest::Optional(Some(nest.into())),
        |nest| Nest::List(vec![nest]),
        |nest| Nest::Map(BTreeMap::from([(1, nest)])),
        |nest| Nest::Wrapped(Wrapped(nest.into())),
    ];
    for (way, levels) in ways.into_iter().zip([1, 1, 1, 2, 2, 2, 2]) {
        let mut nest = Nest::End;
        for depth in (levels..=MAX_DEPTH + levels).step_by(levels) {
            nest = way(nest);
            let written = encode(&nest, &mut Vec::new(), usize::MAX);
            assert_eq!(written.is_ok(), depth <= MAX_DEPTH, "{depth} of {levels}");
            let read = decode::<Nest>(&bytes_of(&nest));
            assert_eq!(read.is_ok(), depth <= MAX_DEPTH, "{depth} of {levels}");
        }
    }
}

/// A list of two elements that announces this length.
struct Says(usize);

impl Serialize for Says {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        let mut list = target.serialize_seq(Some(self.0))?;
        list.serialize_element(&1_u8)?;
        list.serialize_element(&2_u8)?;
        list.end()
    }
}

#[test]
fn a_list_has_as_many_elements_as_it_says() {
    for (said, written) in [
        (1, Err(Refusal::Unencodable)),
        (2, Ok(())),
        (3, Err(Refusal::Unencodable)),
    ] {
        assert_eq!(encode(&Says(said), &mut Vec::new(), usize::MAX), written);
    }
}
