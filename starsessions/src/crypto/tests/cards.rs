//! Cards: readable with the ring, in their own place only.

use super::super::{RowKey, open_card};
use super::*;

const TEXT: &[u8] = b"Firefox on Linux";

fn opens(ring: &KeyRing, namespace: &str, row: &RowKey, sealed: &[u8]) -> bool {
    open_card(ring, namespace, row, sealed, NOW).is_ok_and(|text| text == TEXT)
}

#[test]
fn a_card_opens_with_each_ring_that_accepts_its_session() {
    let token = mint(1);
    let row = token.row_key();
    let sealed = token.seal_card("shop", TEXT).unwrap();
    let accepting = |end| KeyRing::new(key(2)).accept(key(1), end).unwrap();
    assert!(opens(&ring(1), "shop", row, &sealed));
    assert!(opens(&accepting(None), "shop", row, &sealed));
    assert!(!opens(&accepting(Some(NOW)), "shop", row, &sealed));
    assert!(!opens(&ring(2), "shop", row, &sealed));

    // Also one that a session under an accepted key has sealed.
    let old = ReferenceToken::parse(token.encode().as_bytes(), &accepting(None), NOW).unwrap();
    let sealed = old.seal_card("shop", TEXT).unwrap();
    assert!(opens(&ring(1), "shop", row, &sealed));
    assert!(opens(&accepting(None), "shop", row, &sealed));
}

#[test]
fn a_card_opens_in_its_own_place_only() {
    let token = mint(1);
    let row = token.row_key();
    let sealed = token.seal_card("shop", TEXT).unwrap();
    assert!(!opens(&ring(1), "shop2", row, &sealed), "application");
    assert!(!opens(&ring(1), "shop", mint(2).row_key(), &sealed), "row");
    let realm = ring(1).of_realm("", "admin");
    assert!(!opens(&realm, "shop", row, &sealed), "realm");
}

/// The other key is accepted too, so that only the key id tells which one to take.
#[test]
fn every_changed_bit_of_a_card_is_seen() {
    let both = KeyRing::new(key(2)).accept(key(1), None).unwrap();
    let token = mint(1);
    let row = token.row_key();
    let sealed = token.seal_card("shop", TEXT).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&both, "shop", row, &changed), "bit {bit}");
    }
    for end in 0..sealed.len() {
        assert!(!opens(&both, "shop", row, &sealed[..end]), "{end} bytes");
    }
    assert!(!opens(&both, "shop", row, &[&sealed[..], &[0]].concat()));
    let other_id = [&both.active().id.0, &sealed[4..]].concat();
    assert!(!opens(&both, "shop", row, &other_id));
}

#[test]
fn a_card_and_a_record_are_not_each_other() {
    let token = mint(1);
    let card = token.seal_card(PLACE.namespace, TEXT).unwrap();
    let record = seal_record(&token.record_key(), &PLACE, TEXT);
    assert!(open_record(&token.record_key(), &PLACE, &card).is_err());
    assert!(open_record(&token.record_key(), &PLACE, &card[4..]).is_err());
    let prefixed = [&card[..4], &record].concat();
    assert!(!opens(
        &ring(1),
        PLACE.namespace,
        token.row_key(),
        &prefixed
    ));
}
