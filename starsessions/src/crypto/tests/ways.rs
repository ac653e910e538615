//! A way leads from a former token to its successor, for its purpose and time only.

use super::super::WayKind;
use super::super::WayKind::{Ending, Forward};
use super::super::way::Way;
use super::*;

fn open(token: &ReferenceToken, kind: WayKind, sealed: &[u8]) -> Result<Way, InvalidToken> {
    token.open_way(kind, sealed, &ring(1), NOW)
}

#[test]
fn a_way_leads_from_the_old_token_to_its_successor_only() {
    let (old, new, other) = (mint(1), mint(2), mint(3));
    for kind in [Forward, Ending] {
        let sealed = old.seal_way(kind, &new, NOW, b"the new row").unwrap();
        let way = open(&old, kind, &sealed).unwrap();
        assert_eq!(way.successor.row_key(), new.row_key());
        assert_eq!(*way.successor.encode(), *new.encode());
        assert_eq!((way.until, &way.payload[..]), (NOW, &b"the new row"[..]));
        for stranger in [&new, &other] {
            assert!(open(stranger, kind, &sealed).is_err());
        }
        // Neither the successor's secret nor its row stands in what the store keeps.
        let secret = &raw(&new.encode())[5..];
        for part in sealed.windows(8) {
            assert!(!secret.windows(8).any(|secret| secret == part));
            assert!(!new.row_key().as_bytes().starts_with(part));
        }
    }
}

/// Only a holder of the former token could seal these.
#[test]
fn a_text_that_is_no_way_does_not_open() {
    let (old, new) = (mint(1), mint(2));
    let key = || old.keys.pepper.forward_key(&old.secret);
    let aad = super::super::keyset::way_aad(old.row_key());
    let text = [&[0; 5][..], &raw(&new.encode())].concat();
    assert!(open(&old, Forward, &key().seal(&aad, &[], &[&text]).unwrap()).is_ok());
    for len in 0..text.len() {
        let sealed = key().seal(&aad, &[], &[&text[..len]]).unwrap();
        assert!(open(&old, Forward, &sealed).is_err(), "{len}");
    }
    for version in (0..=0xff).filter(|version| *version != 4) {
        let mut text = text.clone();
        text[5] = version;
        let sealed = key().seal(&aad, &[], &[&text]).unwrap();
        assert!(open(&old, Forward, &sealed).is_err(), "{version}");
    }
}

#[test]
fn a_deadline_comes_back() {
    let last = (1 << 40) - 1;
    for (sealed, opened) in [
        (0, 0),
        (1, 1),
        (0x01_02_03_04_05, 0x01_02_03_04_05),
        (last, last),
        (last + 1, last),
        (u64::MAX - 1, last),
    ] {
        let until = Timestamp::from_unix_seconds(sealed);
        let sealed = mint(1).seal_way(Forward, &mint(2), until, b"").unwrap();
        let way = open(&mint(1), Forward, &sealed).unwrap();
        assert_eq!(way.until.as_unix_seconds(), opened);
    }
}

#[test]
fn a_way_crosses_a_change_of_keys() {
    let both = ring(2).accept(key(1), Some(NOW)).unwrap();
    let before = Timestamp::from_unix_seconds(NOW.as_unix_seconds() - 1);
    let old = ReferenceToken::parse(mint(1).encode().as_bytes(), &both, before).unwrap();
    let new = ReferenceToken::mint(&both).unwrap();
    let sealed = old.seal_way(Forward, &new, NOW, b"").unwrap();
    let way = old.open_way(Forward, &sealed, &both, NOW).unwrap();
    assert!(way.successor.is_under_active_key(&both));
    assert!(old.open_way(Forward, &sealed, &ring(1), before).is_err());
}
