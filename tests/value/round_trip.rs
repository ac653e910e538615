//! Every value reads back as it was written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use proptest::collection::{btree_map, hash_map, hash_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::support::{bincode, encode, json, types};

types! {
    struct Profile {
        name: String,
        numbers: (u8, i16, u32, i64, u128),
        ratio: f64,
        marks: Vec<Option<char>>,
        groups: HashMap<String, Vec<Mark>>,
        table: BTreeMap<u16, BTreeMap<String, bool>>,
        seen: HashSet<u64>,
        timeout: Duration,
    }
    enum Mark { #[default] None, Text(String), Pair(i8, Box<str>), Range { low: f32, high: Option<f32> } }
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        Just(Mark::None),
        any::<String>().prop_map(Mark::Text),
        (any::<i8>(), any::<Box<str>>()).prop_map(|(number, text)| Mark::Pair(number, text)),
        (number(), option::of(number())).prop_map(|(low, high)| Mark::Range { low, high }),
    ]
}

fn number() -> impl Strategy<Value = f32> {
    prop::num::f32::NORMAL | prop::num::f32::ZERO | prop::num::f32::SUBNORMAL
}

fn profile() -> impl Strategy<Value = Profile> {
    let numbers = (
        any::<u8>(),
        any::<i16>(),
        any::<u32>(),
        any::<i64>(),
        any::<u128>(),
    );
    let ratio = prop::num::f64::NORMAL | prop::num::f64::ZERO;
    let marks = vec(option::of(any::<char>()), 0..5);
    let groups = hash_map(any::<String>(), vec(mark(), 0..4), 0..6);
    let table = btree_map(
        any::<u16>(),
        btree_map(any::<String>(), any::<bool>(), 0..3),
        0..3,
    );
    let seen = hash_set(any::<u64>(), 0..20);
    let timeout =
        (any::<u32>(), 0..1_000_000_000_u32).prop_map(|(s, n)| Duration::new(s.into(), n));
    (
        any::<String>(),
        numbers,
        ratio,
        marks,
        groups,
        table,
        seen,
        timeout,
    )
        .prop_map(
            |(name, numbers, ratio, marks, groups, table, seen, timeout)| Profile {
                name,
                numbers,
                ratio,
                marks,
                groups,
                table,
                seen,
                timeout,
            },
        )
}

proptest! {
    #[test]
    fn any_value_reads_back(profile in profile()) {
        for stored in [bincode(), json()] {
            let bytes = encode(&stored, &profile).unwrap();
            let read = stored.decode(&bytes).unwrap();
            prop_assert_eq!(&read, &profile);
        }
    }

    #[test]
    fn no_value_is_read_as_another_type(profile in profile()) {
        let bytes = encode(&bincode(), &profile).unwrap();
        prop_assert!(bincode::<BTreeMap<String, String>>().decode(&bytes).is_err());
        prop_assert!(bincode::<Vec<u8>>().decode(&bytes).is_err());
        prop_assert!(bincode::<Option<Profile>>().decode(&bytes).is_err());
    }
}
