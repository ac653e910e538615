//! Labels: readable with the ring, in their own place only.

use super::super::{FieldPlace, ReferenceToken, RowKey, open_label};
use super::*;

const TEXT: &[u8] = b"Firefox on Linux";

#[test]
fn a_label_opens_with_the_ring_in_its_own_place_only() {
    let both = KeyRing::new(key(2)).accept(key(1), None).unwrap();
    let token = ReferenceToken::mint(&ring(1)).unwrap();
    let here = place("example", ".label");
    let sealed = token.record_key().seal_label(&here, TEXT).unwrap();
    let row = token.row_key();
    let opens = |ring: &KeyRing, row: &RowKey, place: &FieldPlace<'_>, sealed: &[u8]| {
        open_label(ring, row, place, sealed, NOW).is_ok_and(|text| text == TEXT)
    };
    assert!(opens(&ring(1), row, &here, &sealed));
    assert!(opens(&both, row, &here, &sealed), "an older key");
    assert_eq!(token.record_key().open_label(&here, &sealed).unwrap(), TEXT);

    let other = ReferenceToken::mint(&ring(1)).unwrap();
    assert!(!opens(&ring(1), other.row_key(), &here, &sealed), "row");
    assert!(other.record_key().open_label(&here, &sealed).is_err());
    assert!(!opens(&ring(2), row, &here, &sealed), "key");
    let elsewhere = place("other", ".label");
    assert!(!opens(&ring(1), row, &elsewhere, &sealed), "application");
    let later = FieldPlace {
        created_at: Timestamp::from_unix_seconds(1_800_000_001),
        ..here
    };
    assert!(!opens(&ring(1), row, &later, &sealed), "beginning");
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&ring(1), row, &here, &changed), "bit {bit}");
    }
    for end in 0..sealed.len() {
        assert!(!opens(&ring(1), row, &here, &sealed[..end]), "{end} bytes");
    }
}

/// A value of a field is no label, nor the other way round.
#[test]
fn a_label_is_no_field() {
    let ring = ring(1);
    let token = ReferenceToken::mint(&ring).unwrap();
    let (key, here) = (token.record_key(), place("example", ".label"));
    let label = key.seal_label(&here, TEXT).unwrap();
    let field = key.seal_field(&here, TEXT).unwrap();
    assert!(key.open_field(&here, &label).is_err());
    assert!(key.open_field(&here, &label[4..]).is_err());
    assert!(key.open_label(&here, &field).is_err());
    let prefixed = [&label[..4], &field[..]].concat();
    assert!(key.open_label(&here, &prefixed).is_err());
}
