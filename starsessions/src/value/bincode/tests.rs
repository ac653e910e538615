//! The crate is the oracle: the same bytes for every value, and the same values for every bytes.

use std::collections::BTreeMap;

use bincode::serde::{decode_from_slice, encode_to_vec};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

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
        // A number that is not one is not equal to itself.
        prop_assert_eq!(
            format!("{:?}", decode::<Everything>(&bytes).ok()),
            format!("{theirs:?}")
        );
    }
}
