//! Bytes that no encoder wrote: a typed error, in bounded time, memory and stack.

use std::collections::{BTreeMap, HashMap};
use std::thread;

use proptest::prelude::*;
use starsessions::value::{Flaw, ValueError};

use crate::support::{Value, bincode, encode, json, types};

types! {
    struct Order { lines: Vec<Line>, notes: HashMap<String, Option<Box<Line>>>, state: State }
    struct Line { name: String, count: u128, price: (i64, char), hash: [u8; 32] }
    enum State { #[default] Open, Paid(u64), Sent { at: std::time::Duration, tags: BTreeMap<u8, String> } }
}

/// The envelope of `T`, followed by these bytes.
fn forged<T: Value>(example: &T, payload: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&bincode(), example).unwrap();
    bytes.truncate(6);
    bytes.extend_from_slice(payload);
    bytes
}

fn flaw<T: Value>(example: &T, payload: &[u8]) -> Option<Flaw> {
    match bincode::<T>().decode(&forged(example, payload)).err()? {
        ValueError::Undecodable { flaw, .. } => Some(flaw),
        other => panic!("{other:?}"),
    }
}

/// The encodings that bincode uses for a length.
fn prefix(length: u128) -> Vec<u8> {
    let bytes = length.to_le_bytes();
    let (mark, width) = match length {
        0..=250 => return vec![bytes[0]],
        251..=0xffff => (251, 2),
        0x1_0000..=0xffff_ffff => (252, 4),
        0x1_0000_0000..=0xffff_ffff_ffff_ffff => (253, 8),
        _ => (254, 16),
    };
    [&[mark], &bytes[..width]].concat()
}

#[test]
fn a_length_is_not_believed() {
    for exponent in 7..=64 {
        for length in [(1_u128 << exponent) - 1, 1 << exponent] {
            for real in [0, 1, 16] {
                let payload = [prefix(length), vec![0; real]].concat();
                assert!(flaw(&String::new(), &payload).is_some(), "{length}");
                assert!(flaw(&uuid::Uuid::nil(), &payload).is_some(), "{length}");
                assert!(flaw(&Vec::<u8>::new(), &payload).is_some(), "{length}");
                assert!(flaw(&vec![[0_u64; 3]], &payload).is_some(), "{length}");
                assert!(
                    flaw(&vec![vec![vec![Line::default()]]], &payload).is_some(),
                    "{length}"
                );
                assert!(
                    flaw(&BTreeMap::from([(0_u8, 0_u8)]), &payload).is_some(),
                    "{length}"
                );
                assert!(
                    flaw(&HashMap::from([(String::new(), ())]), &payload).is_some(),
                    "{length}"
                );
            }
        }
    }
}

#[test]
fn flaws_are_told_apart() {
    let text = String::new();
    assert_eq!(flaw(&text, &[5, b'a']), Some(Flaw::EndsEarly));
    assert_eq!(flaw(&text, &[1, b'a', b'b']), Some(Flaw::TrailingBytes));
    assert_eq!(flaw(&text, &[1, 0xff]), Some(Flaw::Mismatch));
    assert_eq!(flaw(&text, &prefix(1 << 40)), Some(Flaw::ExceedsLimit));
    assert_eq!(flaw(&State::Open, &[3]), Some(Flaw::Mismatch));
    assert_eq!(flaw(&true, &[2]), Some(Flaw::Mismatch));
    assert_eq!(flaw(&Some(1_u8), &[2, 0]), Some(Flaw::Mismatch));
    assert_eq!(flaw(&1_u16, &[252, 0, 0, 1, 0]), Some(Flaw::Mismatch));
    assert_eq!(flaw(&std::num::NonZeroU8::MIN, &[0]), Some(Flaw::Mismatch));
    let cut_off = json::<Vec<u8>>().decode(b"\x02\x01[1").unwrap_err();
    let flaw = Flaw::EndsEarly;
    assert!(matches!(cut_off, ValueError::Undecodable { flaw: it, .. } if it == flaw));
}

#[test]
fn deep_json_ends_in_an_error_on_a_small_stack() {
    fn deep(open: &str, depth: usize) -> Vec<u8> {
        [b"\x02\x01", open.repeat(depth).as_bytes()].concat()
    }
    let check = || {
        for depth in [127, 128, 1000, 20_000] {
            for open in ["[", "{\"\":", "[{\"a\":"] {
                let bytes = deep(open, depth / open.len());
                assert!(json::<serde_json::Value>().decode(&bytes).is_err());
            }
        }
    };
    // A stack frame of an unoptimized build is several times as large.
    let kib = if cfg!(debug_assertions) { 1024 } else { 256 };
    let small = thread::Builder::new().stack_size(kib * 1024);
    small.spawn(check).unwrap().join().unwrap();
}

#[test]
fn compressed_input_is_data() {
    for magic in [
        &[0x1f, 0x8b, 8][..],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[0x78, 0x9c],
    ] {
        let value = magic.to_vec();
        let payload = [prefix(magic.len() as u128), value.clone()].concat();
        let bytes = forged(&Vec::<u8>::new(), &payload);
        assert_eq!(bincode().decode(&bytes), Ok(value));
        assert!(bincode::<Vec<u8>>().decode(magic).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = bincode::<Order>().decode(&bytes);
        let _ = json::<serde_json::Value>().decode(&bytes);
    }

    #[test]
    fn random_payloads_do_not_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(order) = bincode::<Order>().decode(&forged(&Order::default(), &payload)) {
            // An accepted value is not larger than the bytes it was decoded from.
            prop_assert!(encode(&bincode(), &order).unwrap().len() <= 6 + payload.len());
        }
        let _ = json::<serde_json::Value>().decode(&[b"\x02\x01", &payload[..]].concat());
    }

    #[test]
    fn a_changed_byte_does_not_panic(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let line = Line { name: "tea".to_owned(), count: 7, ..Line::default() };
        let order = Order {
            lines: vec![line.clone(), line.clone()],
            notes: HashMap::from([("note".to_owned(), Some(Box::new(line)))]),
            state: State::Sent { at: std::time::Duration::MAX, tags: BTreeMap::default() },
        };
        for stored in [bincode(), json()] {
            let mut bytes = encode(&stored, &order).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let _ = stored.decode(&bytes);
        }
    }
}
