//! Reference tokens, and the keys that follow from them.

use std::collections::HashSet;

use super::super::RowKey;
use super::super::id::Fingerprint;
use super::*;

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
    assert_eq!(back.fingerprint(), token.fingerprint());
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
        *token.secret,
        *token.row_key().as_bytes(),
        *token.record_key().as_bytes(),
        *token.keys.pepper.carry_key(&token.secret).as_bytes(),
        *token.keys.csrf.message(token.row_key()).tag(),
    ];
    assert_eq!(images.iter().collect::<HashSet<_>>().len(), images.len());
}

/// The same secret under another key is another row: a leaked cookie of one environment is worthless in another.
#[test]
fn the_key_is_a_pepper() {
    let (one, two) = (ring(1), ring(2));
    let mut raw = raw(&mint(1).encode());
    let row = |raw: &[u8], ring| {
        let text = encoding::encode(raw);
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
    let printed = format!("{token:?} {:?} {}", token.row_key(), token.fingerprint());
    for secret in [
        hex(secret),
        encoding::encode(secret),
        text.to_string(),
        format!("{secret:?}"),
    ] {
        assert!(!printed.contains(&secret));
        assert!(!printed.contains(&secret[..8]));
    }
    assert!(!printed.contains(&hex(token.row_key().as_bytes())));
    let fingerprint: Fingerprint = token.fingerprint();
    assert_eq!(fingerprint.to_string().len(), 16);
}

#[test]
fn an_indexed_value_has_one_tag_for_each_key() {
    let both = ring(2).accept(key(1), None).unwrap();
    let tags = both.index_keys("shop", "login.user", b"17");
    let own = |seed| ring(seed).index_key("shop", "login.user", b"17");
    assert_eq!(tags.collect::<Vec<_>>(), [own(2), own(1)]);
    for (namespace, field, value) in [
        ("shop2", "login.user", "17"),
        ("shop", "login.use", "r17"),
        ("shop", "", "17"),
    ] {
        let other = ring(2).index_key(namespace, field, value.as_bytes());
        assert_ne!(other, own(2), "{namespace} {field}");
    }
}
