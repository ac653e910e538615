//! A record opens in its own place only, and as a whole.

use std::collections::HashSet;

use super::super::SealError;
use super::super::seal::LONGEST_PAYLOAD;
use super::*;

const PAYLOAD: &[u8] = b"forty-two apples";

#[test]
fn a_record_opens_only_in_its_place() {
    let places: Vec<_> = (0..32)
        .map(|bits| {
            let choose = |bit: usize| bits >> bit & 1;
            let place = RecordPlace {
                namespace: ["shop", "shop2"][choose(0)],
                format: [1, 2][choose(1)],
                revision: [7, 7 << 8][choose(2)],
            };
            let token = seeded(1 + choose(3) as u64, || {
                ReferenceToken::mint(&ring(1 + choose(4) as u64)).unwrap()
            });
            (token.record_key(), place)
        })
        .collect();
    for (i, (key, place)) in places.iter().enumerate() {
        let sealed = seal_record(key, place, PAYLOAD).unwrap();
        for (j, (key, place)) in places.iter().enumerate() {
            let opened = open_record(key, place, &sealed);
            assert_eq!(opened.is_ok(), i == j, "{i} {j}");
        }
    }
}

/// The row key is authenticated, although the record key already belongs to one row.
#[test]
fn a_record_is_bound_to_its_row_key() {
    let [one, other] = [1, 2].map(mint);
    let key = |row: &ReferenceToken| {
        RecordKey::new(one.keys.pepper.record_key(&one.secret), *row.row_key())
    };
    let sealed = seal_record(&key(&one), &PLACE, PAYLOAD).unwrap();
    assert!(open_record(&key(&one), &PLACE, &sealed).is_ok());
    assert!(open_record(&key(&other), &PLACE, &sealed).is_err());
}

#[test]
fn every_revision_counts_in_full() {
    let key = mint(1).record_key();
    let at = |revision| RecordPlace { revision, ..PLACE };
    let sealed = seal_record(&key, &at(0), PAYLOAD).unwrap();
    for bit in 0..64 {
        assert!(open_record(&key, &at(1 << bit), &sealed).is_err(), "{bit}");
    }
    let last = seal_record(&key, &at(u64::MAX), PAYLOAD).unwrap();
    assert!(open_record(&key, &at(u64::MAX), &last).is_ok());
}

/// Sealing an unchanged payload again gives other bytes, so it does not show that nothing has changed.
#[test]
fn each_nonce_is_new() {
    let key = mint(1).record_key();
    let nonces: HashSet<_> = (0..1_000)
        .map(|_| seal_record(&key, &PLACE, PAYLOAD).unwrap()[..24].to_vec())
        .collect();
    assert_eq!(nonces.len(), 1_000);
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_is_sealed() {
    let key = mint(1).record_key();
    let mut over = vec![0; 24 + LONGEST_PAYLOAD + 1 + 16];
    random::with(Script::FailFrom(0), || {
        let sealed = key.seal_in_place(&PLACE, &mut over);
        assert!(matches!(sealed, Err(SealError::TooLarge)));
    });
}

#[test]
fn without_room_for_nonce_and_tag_nothing_is_sealed() {
    let key = mint(1).record_key();
    for len in 0..40 {
        let sealed = key.seal_in_place(&PLACE, &mut vec![0; len]);
        assert!(matches!(sealed, Err(SealError::TooLarge)), "{len}");
    }
    assert!(key.seal_in_place(&PLACE, &mut [0; 40]).is_ok());
}
