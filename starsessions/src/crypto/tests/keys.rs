//! Which key makes a token, which one opens it, and until when.

use super::super::random::{self, Script};
use super::super::{KeyError, KeyRingError, ReferenceToken, open_cookie, seal_cookie};
use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

#[test]
fn the_active_key_makes_and_all_keys_open() {
    let old = ring(1);
    let both = ring(2).accept(key(1), None).unwrap();
    let text = seal_cookie(&old, HERE, b"data").unwrap();
    assert!(
        open_cookie(&old, HERE, text.as_bytes(), NOW)
            .unwrap()
            .under_active_key
    );
    assert!(
        !open_cookie(&both, HERE, text.as_bytes(), NOW)
            .unwrap()
            .under_active_key
    );

    let renewed = seal_cookie(&both, HERE, b"data").unwrap();
    assert_eq!(raw(&renewed)[1..5], ring(2).active().id.0);
    assert!(
        open_cookie(&both, HERE, renewed.as_bytes(), NOW)
            .unwrap()
            .under_active_key
    );
    assert!(open_cookie(&old, HERE, renewed.as_bytes(), NOW).is_err());
}

/// Rotation on several nodes: two neighbouring phases open what either makes.
#[test]
fn three_phases_lose_no_session() {
    let phases = [
        ring(1),
        ring(1).accept(key(2), None).unwrap(),
        ring(2).accept(key(1), None).unwrap(),
        ring(2),
    ];
    let opens = |made: usize, opened: usize| {
        let token = ReferenceToken::mint(&phases[made]).unwrap().encode();
        ReferenceToken::parse(token.as_bytes(), &phases[opened], NOW).is_ok()
    };
    for (made, opened) in [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)] {
        assert!(opens(made, opened), "{made} {opened}");
    }
    // Leaving a phase out logs people out; so does dropping a key, once it is dropped.
    for (made, opened) in [(2, 0), (0, 3), (1, 3), (3, 0)] {
        assert!(!opens(made, opened), "{made} {opened}");
    }
}

#[test]
fn an_accepted_key_ends_at_its_time() {
    let ends = [
        0,
        1,
        59,
        1_800_000_000,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) + 1,
        u64::MAX - 1,
    ];
    for end in ends {
        let ring = ring(2).accept(key(1), Some(at(end))).unwrap();
        let token = ReferenceToken::mint(&super::ring(1)).unwrap().encode();
        let opens = |now| ReferenceToken::parse(token.as_bytes(), &ring, at(now)).is_ok();
        assert!(!opens(end), "{end}");
        assert!(!opens(end + 1), "{end}");
        assert!(!opens(u64::MAX), "{end}");
        if let Some(before) = end.checked_sub(1) {
            assert!(opens(before), "{end}");
            assert!(opens(0), "{end}");
        }
    }
}

#[test]
fn the_active_key_has_no_end() {
    let token = ReferenceToken::mint(&ring(1)).unwrap().encode();
    for now in [0, 1, u64::MAX] {
        assert!(ReferenceToken::parse(token.as_bytes(), &ring(1), at(now)).is_ok());
    }
}

#[test]
fn a_ring_refuses_equal_keys() {
    let error = ring(1).accept(key(1), None).unwrap_err();
    assert!(matches!(error, KeyRingError::Duplicate { item: 2 }));
    let error = ring(1)
        .accept(key(2), None)
        .unwrap()
        .accept(key(2), None)
        .unwrap_err();
    assert!(matches!(error, KeyRingError::Duplicate { item: 3 }));
}

/// Key ids have four bytes, so 2^16 trials find two different keys with the same one.
#[test]
fn a_ring_refuses_colliding_key_ids() {
    let (one, other) = (16_356, 44_403);
    assert_ne!(key(one).as_bytes(), key(other).as_bytes());
    assert_eq!(ring(one).active().id, ring(other).active().id);
    let error = ring(one).accept(key(other), None).unwrap_err();
    assert!(matches!(error, KeyRingError::Duplicate { item: 2 }));
}

#[test]
fn a_ring_holds_eight_keys() {
    let full = (2..=8).fold(ring(1), |ring, seed| ring.accept(key(seed), None).unwrap());
    for seed in 1..=8 {
        let token = ReferenceToken::mint(&ring(seed)).unwrap().encode();
        assert!(ReferenceToken::parse(token.as_bytes(), &full, NOW).is_ok());
    }
    assert!(matches!(full.accept(key(9), None), Err(KeyRingError::Full)));
}

#[test]
fn a_clone_is_not_changed_by_accepting() {
    let one = ring(1);
    let two = one.clone().accept(key(2), None).unwrap();
    let id = ring(2).active().id;
    assert!(one.find(id, NOW).is_none());
    assert!(two.find(id, NOW).is_some());
}

#[test]
fn debug_shows_key_ids_only() {
    let ring = KeyRing::new(Key::for_vectors(counting(0)))
        .accept(key(1), Some(at(7)))
        .unwrap();
    let id = ring.find(super::ring(1).active().id, at(0)).unwrap().id;
    assert_eq!(
        format!("{ring:?}"),
        format!("KeyRing {{ active: ff383b21, accepted: [({id:?}, Some(Timestamp(7)))] }}"),
    );
}

#[test]
fn a_failing_generator_makes_no_key() {
    random::with(Script::FailFrom(0), || {
        assert!(Key::generate().is_err());
        assert!(KeyRing::generate().is_err());
        assert!(ReferenceToken::mint(&ring(1)).is_err());
        assert!(seal_cookie(&ring(1), HERE, b"data").is_err());
    });
}

#[test]
fn a_constant_generator_makes_no_key() {
    for byte in [0x00, 0x5a, 0xff] {
        random::with(Script::Constant(byte), || {
            assert!(Key::generate().is_err());
            assert!(ReferenceToken::mint(&ring(1)).is_err());
        });
    }
}

#[test]
fn every_call_of_the_generator_may_fail() {
    for successes in 0..4 {
        random::with(Script::FailFrom(successes), || {
            let made: Vec<bool> = (0..6)
                .map(|_| ReferenceToken::mint(&ring(1)).is_ok())
                .collect();
            assert_eq!(
                made.iter().filter(|made| **made).count(),
                successes as usize
            );
        });
    }
}

#[test]
fn examples_are_not_keys() {
    for first in [0x00, 0x01, 0x20, 0x80, 0xe0] {
        assert_eq!(
            Key::from_bytes(counting(first)).err(),
            Some(KeyError::Pattern)
        );
        let mut down = counting(first);
        down.reverse();
        assert_eq!(Key::from_bytes(down).err(), Some(KeyError::Pattern));
    }
}
