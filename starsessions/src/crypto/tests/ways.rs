//! A way leads from a former token to its successor, for its purpose and time only.

use std::collections::HashSet;

use super::super::WayKind;
use super::super::WayKind::{Anew, Ending, Forward};
use super::super::way::Way;
use super::*;

fn read(token: &ReferenceToken, bytes: &[u8]) -> Option<Way> {
    let (way, carried) = token.read_way(bytes, &ring(1), NOW)?;
    assert_eq!(carried, None);
    Some(way)
}

#[test]
fn a_way_leads_from_the_old_token_to_its_successor_only() {
    let (old, other) = (mint(1), mint(3));
    for kind in [Forward, Ending, Anew] {
        let way = old.succeed(kind, NOW, &ring(1)).unwrap();
        let new = &way.successor;
        let found = read(&old, way.as_bytes()).unwrap();
        assert_eq!((found.kind, found.until), (kind, NOW));
        assert_eq!(*found.successor.encode(), *new.encode());
        for stranger in [new, &other] {
            let elsewhere = read(stranger, way.as_bytes()).unwrap().successor;
            assert_ne!(elsewhere.row_key(), new.row_key());
        }
        // The bytes that the store keeps contain neither the successor's secret nor its row key.
        let secret = &raw(&new.encode())[5..];
        for part in way.as_bytes().windows(8) {
            assert!(!secret.windows(8).any(|secret| secret == part));
            assert!(!new.row_key().as_bytes().windows(8).any(|row| row == part));
        }
    }
}

/// This holds even if the same salt is drawn twice: a successor is derived from the kind and the time, too.
#[test]
fn each_token_kind_time_and_salt_has_another_successor() {
    let later = Timestamp::from_unix_seconds(NOW.as_unix_seconds() + 1);
    let mut rows = HashSet::new();
    for (token, seed) in [(1, 4), (1, 5), (2, 4)] {
        for (kind, until) in [(Forward, NOW), (Ending, NOW), (Anew, NOW), (Forward, later)] {
            let way = seeded(seed, || mint(token).succeed(kind, until, &ring(1)));
            assert!(rows.insert(*way.unwrap().successor.row_key()));
        }
    }
}

#[test]
fn bytes_that_are_no_way_are_not_read() {
    let old = mint(1);
    let way = old.succeed(Forward, NOW, &ring(1)).unwrap();
    let bytes = way.as_bytes();
    for len in 0..bytes.len() {
        assert!(read(&old, &bytes[..len]).is_none(), "{len}");
    }
    for kind in (0..=0xff).filter(|kind| WayKind::of(*kind).is_none()) {
        let other = [&[kind], &bytes[1..]].concat();
        assert!(read(&old, &other).is_none(), "{kind}");
    }
}

/// A way still leads to its successor if its payload is damaged or belongs to another way.
#[test]
fn a_way_carries_what_was_sealed_with_it_only() {
    let old = mint(1);
    let [way, other] = [4, 5].map(|seed| seeded(seed, || old.succeed(Forward, NOW, &ring(1))));
    let (way, other) = (way.unwrap(), other.unwrap());
    let (len, sealed) = (way.as_bytes().len(), old.seal_way(&way, b"a row").unwrap());
    let carried = |token: &ReferenceToken, bytes: &[u8]| {
        let (found, carried) = token.read_way(bytes, &ring(1), NOW).unwrap();
        (*found.successor.row_key(), carried)
    };
    let successor = *way.successor.row_key();
    assert_eq!(carried(&old, &sealed), (successor, Some(b"a row".to_vec())));
    assert_eq!(carried(&mint(2), &sealed).1, None);
    let moved = [other.as_bytes(), &sealed[len..]].concat();
    assert_eq!(carried(&old, &moved), (*other.successor.row_key(), None));
    for bit in 8 * len..8 * sealed.len() {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(carried(&old, &changed), (successor, None), "{bit}");
    }
}

#[test]
fn a_deadline_comes_back() {
    let last = (1 << 40) - 1;
    for (written, found) in [
        (0, 0),
        (1, 1),
        (0x01_02_03_04_05, 0x01_02_03_04_05),
        (last, last),
        (last + 1, last),
        (u64::MAX - 1, last),
    ] {
        let until = Timestamp::from_unix_seconds(written);
        let way = mint(1).succeed(Forward, until, &ring(1)).unwrap();
        let way = read(&mint(1), way.as_bytes()).unwrap();
        assert_eq!(way.until.as_unix_seconds(), found);
    }
}

#[test]
fn a_way_crosses_a_change_of_keys() {
    let both = ring(2).accept(key(1), Some(NOW)).unwrap();
    let before = Timestamp::from_unix_seconds(NOW.as_unix_seconds() - 1);
    let old = ReferenceToken::parse(mint(1).encode().as_bytes(), &both, before).unwrap();
    let new = old.succeed(Forward, NOW, &both).unwrap();
    assert!(new.successor.is_under_active_key(&both));
    let (way, _) = old.read_way(new.as_bytes(), &both, NOW).unwrap();
    assert_eq!(way.successor.row_key(), new.successor.row_key());
    assert!(way.successor.is_under_active_key(&both));
    assert!(old.read_way(new.as_bytes(), &ring(1), before).is_none());
    // A way to an id whose key has retired is not followed.
    let under_former = old.succeed(Forward, NOW, &ring(1)).unwrap();
    let read = |now| old.read_way(under_former.as_bytes(), &both, now);
    assert!(read(before).is_some() && read(NOW).is_none());
}
