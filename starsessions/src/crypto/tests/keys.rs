//! Which key makes a token, which one opens it, and until when.

use super::super::random::{self, Script};
use super::super::{KeyRingError, ReferenceToken, open_cookie, seal_cookie};
use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

#[test]
fn the_active_key_makes_and_all_keys_open() {
    let (old, both) = (ring(1), ring(2).accept(key(1), None).unwrap());
    let under_active_key = |ring: &KeyRing, text: &str| {
        let opened = open_cookie(ring, HERE, text.as_bytes(), NOW);
        opened.map(|opened| opened.under_active_key)
    };
    let text = seal_cookie(&old, HERE, b"data").unwrap();
    assert_eq!(under_active_key(&old, &text), Ok(true));
    assert_eq!(under_active_key(&both, &text), Ok(false));
    let renewed = seal_cookie(&both, HERE, b"data").unwrap();
    assert_eq!(raw(&renewed)[1..5], ring(2).active().id.0);
    assert_eq!(under_active_key(&both, &renewed), Ok(true));
    assert!(under_active_key(&old, &renewed).is_err());
}

/// Rotation on several nodes: nodes in neighbouring phases open each other's tokens.
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
    // Skipping a phase logs people out; so does dropping a key.
    for (made, opened) in [(2, 0), (0, 3), (1, 3), (3, 0)] {
        assert!(!opens(made, opened), "{made} {opened}");
    }
}

#[test]
fn an_accepted_key_ends_at_its_time_and_the_active_one_never() {
    for end in [0, 1, 59, 1 << 31, (1 << 32) + 1, u64::MAX - 1] {
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
    let token = ReferenceToken::mint(&ring(1)).unwrap().encode();
    for now in [0, 1, u64::MAX] {
        assert!(ReferenceToken::parse(token.as_bytes(), &ring(1), at(now)).is_ok());
    }
}

/// Key ids have four bytes, so 2^16 trials find two different keys with the same id.
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
fn a_generator_that_fails_makes_no_key() {
    for script in [
        Script::FailFrom(0),
        Script::Constant(0),
        Script::Constant(0xff),
    ] {
        random::with(script, || {
            assert!(Key::generate().is_err());
            assert!(KeyRing::generate().is_err());
            assert!(ReferenceToken::mint(&ring(1)).is_err());
        });
    }
    for successes in 0..4 {
        random::with(Script::FailFrom(successes), || {
            let made = (0..6).filter(|_| ReferenceToken::mint(&ring(1)).is_ok());
            assert_eq!(made.count(), successes as usize);
        });
    }
}
