//! Reference tokens, and what is sealed under them.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::id::LogId;
use super::super::random::{self, Script};
use super::super::{RecordKey, ReferenceToken, RowKey, SealError};
use super::*;

fn mint(seed: u64) -> Arc<ReferenceToken> {
    random::with(Script::Seeded { seed, calls: 0 }, || {
        ReferenceToken::mint(&ring(1)).unwrap()
    })
}

#[test]
fn a_token_survives_the_browser() {
    let ring = ring(1);
    let token = ReferenceToken::mint(&ring).unwrap();
    let text = token.encode();
    assert_eq!(text.len(), 50);
    assert!(
        text.bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    );
    let back = ReferenceToken::parse(text.as_bytes(), &ring, NOW).unwrap();
    assert_eq!(back.row_key(), token.row_key());
    assert_eq!(back.log_id(), token.log_id());
    assert!(back.is_under_active_key(&ring));
    assert!(!back.is_under_active_key(&super::ring(2)));
}

#[test]
fn every_token_is_new() {
    let ring = ring(1);
    let rows: HashSet<RowKey> = (0..5_000)
        .map(|_| *ReferenceToken::mint(&ring).unwrap().row_key())
        .collect();
    assert_eq!(rows.len(), 5_000);
}

#[test]
fn the_images_of_a_secret_are_independent() {
    let token = mint(1);
    let images = [
        token.row_key().as_bytes().to_vec(),
        token.record_key().as_bytes().to_vec(),
        token.csrf_token().to_vec(),
        raw(&token.encode())[5..].to_vec(),
    ];
    assert_eq!(images.iter().collect::<HashSet<_>>().len(), images.len());
}

/// The same secret under another key is another row: a leaked cookie of one environment is nothing
/// in the next.
#[test]
fn the_key_is_a_pepper() {
    let (one, two) = (ring(1), ring(2));
    let mut raw = raw(&mint(1).encode());
    let row = |raw: &[u8], ring| {
        let text = base64::encode(raw);
        ReferenceToken::parse(text.as_bytes(), ring, NOW).map(|token| *token.row_key())
    };
    let first = row(&raw, &one).unwrap();
    assert!(row(&raw, &two).is_err());
    raw[1..5].copy_from_slice(&two.active().id.0);
    assert_ne!(row(&raw, &two).unwrap(), first);
}

#[test]
fn nothing_printed_leads_to_the_cookie() {
    let token = mint(1);
    let text = token.encode();
    let secret = &raw(&text)[5..];
    let printed = format!("{token:?} {:?} {}", token.row_key(), token.log_id());
    for secret in [
        hex(secret),
        base64::encode(secret),
        text.to_string(),
        format!("{secret:?}"),
    ] {
        assert!(!printed.contains(&secret));
        assert!(!printed.contains(&secret[..8]));
    }
    assert!(!printed.contains(&hex(token.row_key().as_bytes())));
    let log_id: LogId = token.log_id();
    assert_eq!(log_id.to_string().len(), 16);
}

#[test]
fn a_field_opens_only_in_its_place() {
    let places: Vec<(Arc<ReferenceToken>, &str, &str)> = [1, 2]
        .into_iter()
        .flat_map(|seed| ["shop", "shop2"].map(|namespace| (seed, namespace)))
        .flat_map(|(seed, namespace)| {
            ["cart", "shop.cart"].map(|field| (mint(seed), namespace, field))
        })
        .collect();
    for (i, (token, namespace, field)) in places.iter().enumerate() {
        let sealed = token
            .record_key()
            .seal_field(&place(namespace, field), b"value")
            .unwrap();
        for (j, (token, namespace, field)) in places.iter().enumerate() {
            let opened = token
                .record_key()
                .open_field(&place(namespace, field), &sealed);
            assert_eq!(opened.is_ok(), i == j, "{i} {j}");
        }
    }
}

/// Whoever writes to the store could otherwise keep a session, or a step-up confirmation, alive.
#[test]
fn a_field_opens_only_beside_the_times_it_was_sealed_with() {
    let key = mint(1).record_key();
    let later = Timestamp::from_unix_seconds(NOW.as_unix_seconds() + 1);
    let times: Vec<_> = [NOW, later]
        .into_iter()
        .flat_map(|created| [None, Some(NOW), Some(later)].map(|expires| (created, expires)))
        .collect();
    let at = |(created_at, expires_at)| FieldPlace {
        created_at,
        expires_at,
        ..place("shop", "cart")
    };
    for sealed_at in &times {
        let sealed = key.seal_field(&at(*sealed_at), b"value").unwrap();
        for opened_at in &times {
            let opened = key.open_field(&at(*opened_at), &sealed);
            assert_eq!(opened.is_ok(), sealed_at == opened_at);
        }
    }
}

#[test]
fn every_changed_bit_of_a_field_is_seen() {
    let key: RecordKey = mint(1).record_key();
    let sealed = key
        .seal_field(&place("shop", "cart"), b"forty-two apples")
        .unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open_field(&place("shop", "cart"), &changed).is_err());
    }
    for len in 0..sealed.len() {
        assert!(
            key.open_field(&place("shop", "cart"), &sealed[..len])
                .is_err()
        );
    }
}

#[test]
fn a_forward_leads_from_the_old_token_to_its_successor_only() {
    let ring = ring(1);
    let (old, new, other) = (mint(1), mint(2), mint(3));
    let sealed = old.seal_forward(&new).unwrap();
    let found = old.open_forward(&sealed, &ring, NOW).unwrap();
    assert_eq!(found.row_key(), new.row_key());
    assert_eq!(*found.encode(), *new.encode());
    for stranger in [&new, &other] {
        assert!(stranger.open_forward(&sealed, &ring, NOW).is_err());
    }
    // Neither the successor's secret nor its row stands in what the store keeps.
    let secret = &raw(&new.encode())[5..];
    assert!(
        !sealed
            .windows(8)
            .any(|part| secret.windows(8).any(|secret| secret == part))
    );
    assert!(
        !sealed
            .windows(8)
            .any(|part| new.row_key().as_bytes().starts_with(part))
    );
}

#[test]
fn a_forward_and_a_field_are_not_each_other() {
    let (old, new) = (mint(1), mint(2));
    let forward = old.seal_forward(&new).unwrap();
    assert!(
        old.record_key()
            .open_field(&place("", ""), &forward)
            .is_err()
    );
    let field = old
        .record_key()
        .seal_field(&place("", ""), &raw(&new.encode()))
        .unwrap();
    assert!(old.open_forward(&field, &ring(1), NOW).is_err());
}

#[test]
fn a_forward_crosses_a_change_of_keys() {
    let both = ring(2).accept(key(1), Some(NOW)).unwrap();
    let before = Timestamp::from_unix_seconds(NOW.as_unix_seconds() - 1);
    let old = ReferenceToken::parse(mint(1).encode().as_bytes(), &both, before).unwrap();
    let new = ReferenceToken::mint(&both).unwrap();
    let sealed = old.seal_forward(&new).unwrap();
    assert!(
        old.open_forward(&sealed, &both, NOW)
            .unwrap()
            .is_under_active_key(&both)
    );
    assert!(old.open_forward(&sealed, &ring(1), before).is_err());
}

#[test]
fn an_indexed_value_has_one_tag_for_each_key() {
    let both = ring(2).accept(key(1), None).unwrap();
    let tags: Vec<_> = both.index_keys("shop", "login.user", b"17").collect();
    assert_eq!(tags.len(), 2);
    assert_eq!(
        tags[0],
        ring(2)
            .index_keys("shop", "login.user", b"17")
            .next()
            .unwrap()
    );
    assert_eq!(
        tags[1],
        ring(1)
            .index_keys("shop", "login.user", b"17")
            .next()
            .unwrap()
    );
    let others = [
        ("shop2", "login.user", "17"),
        ("shop", "login.use", "r17"),
        ("shop", "", "17"),
    ];
    for (namespace, field, value) in others {
        let other = ring(2)
            .index_keys(namespace, field, value.as_bytes())
            .next();
        assert_ne!(other.unwrap(), tags[0]);
    }
}

/// A cloned machine repeats its random bytes; the nonce still differs for another message.
#[test]
fn a_repeated_generator_repeats_no_nonce_for_another_message() {
    let key = mint(1).record_key();
    let seal = |value: &[u8]| {
        random::with(Script::Seeded { seed: 9, calls: 0 }, || {
            key.seal_field(&place("shop", "cart"), value).unwrap()
        })
    };
    assert_eq!(seal(b"one"), seal(b"one"));
    assert_ne!(seal(b"one")[..24], seal(b"two")[..24]);
    let fresh = [(); 2].map(|()| key.seal_field(&place("shop", "cart"), b"one").unwrap());
    assert_ne!(fresh[0][..24], fresh[1][..24]);
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_is_sealed() {
    let key = mint(1).record_key();
    let over = vec![0; super::super::seal::LONGEST_PAYLOAD + 1];
    random::with(Script::FailFrom(0), || {
        assert!(matches!(
            key.seal_field(&place("", ""), &over),
            Err(SealError::TooLarge)
        ));
    });
}

proptest! {
    #[test]
    fn any_value_comes_back(namespace: String, field: String, value: Vec<u8>) {
        let key = mint(1).record_key();
        let sealed = key.seal_field(&place(&namespace, &field), &value).unwrap();
        prop_assert_eq!(sealed.len(), value.len() + 40);
        prop_assert_eq!(&*key.open_field(&place(&namespace, &field), &sealed).unwrap(), &value);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let (token, ring) = (mint(1), ring(1));
        prop_assert!(token.open_forward(&bytes, &ring, NOW).is_err());
        prop_assert!(token.record_key().open_field(&place("", ""), &bytes).is_err());
        prop_assert!(ReferenceToken::parse(&bytes, &ring, NOW).is_err());
    }
}
