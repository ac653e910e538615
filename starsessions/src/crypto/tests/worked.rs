//! The worked examples of the format, made by an independent implementation: those of a stored session
//! by `python3 tests/vectors/oracle.py --worked`.

use super::super::keyset::{KeySet, sealed_aad};
use super::super::token::{Version, header};
use super::super::{RowKey, WayKind, open_card, open_cookie, sign_cookie, verify_cookie};
use super::*;

const PAYLOAD: &[u8] = br#"{"hello":"world"}"#;
const SIGNED: &str = "Af84OyF7ImhlbGxvIjoid29ybGQifZIzgT4MChvdKSw4AnmX2uh9Fmdi6uQWXVXZbdnuDCTE";
const SEALED: &str =
    "Av84OyFAQUJDREVGR0hJSktMTU5PUFFSU1RVVldibvrwJuSZVFXJUhLngh-ZAscr7fIDmfPRlmeeADhrQs8";

fn example_ring() -> KeyRing {
    KeyRing::new(Key::for_vectors(counting(0)))
}

#[test]
fn key_id() {
    assert_eq!(format!("{:?}", example_ring().active().id), "ff383b21");
}

#[test]
fn signed_cookie() {
    let ring = example_ring();
    assert_eq!(sign_cookie(&ring, HERE, PAYLOAD).unwrap(), SIGNED);
    let opened = verify_cookie(&ring, HERE, SIGNED.as_bytes(), NOW).unwrap();
    assert_eq!(opened.payload, PAYLOAD);
}

#[test]
fn sealed_cookie() {
    let keys = KeySet::new(&Key::for_vectors(counting(0)));
    let header = header(Version::Sealed, keys.id);
    let aad = sealed_aad(HERE, &header);
    let nonce: [u8; 24] = std::array::from_fn(|place| 0x40 + place as u8);
    let sealed = seal_with_nonce(&keys.cookie_seal, &nonce, &aad, PAYLOAD);
    let raw = [&header[..], &sealed].concat();
    assert_eq!(encoding::encode(&raw), SEALED);

    let opened = open_cookie(&example_ring(), HERE, SEALED.as_bytes(), NOW).unwrap();
    assert_eq!(opened.payload, PAYLOAD);
    assert!(opened.under_active_key);
}

fn example_token() -> Arc<ReferenceToken> {
    let ring = example_ring();
    let header = header(Version::Reference, ring.active().id);
    let text = encoding::encode(&[&header[..], &counting(0x80)].concat());
    assert_eq!(text.len(), 50);
    let token = ReferenceToken::parse(text.as_bytes(), &ring, NOW).unwrap();
    assert_eq!(token.encode().as_str(), text);
    token
}

#[test]
fn keys_of_a_session() {
    let token = example_token();
    let (pepper, secret) = (&token.keys.pepper, &token.secret);
    assert_eq!(hex(token.row_key().as_bytes()), LOOKUP);
    assert_eq!(hex(token.record_key().as_bytes()), RECORD_KEY);
    assert_eq!(hex(pepper.forward_key(secret).as_bytes()), FORWARD_KEY);
    assert_eq!(hex(pepper.ending_key(secret).as_bytes()), ENDING_KEY);
}

#[test]
fn record() {
    let place = RecordPlace {
        namespace: "example",
        format: 1,
        revision: 7,
    };
    let opened = open_record(&example_token().record_key(), &place, &unhex(RECORD));
    assert_eq!(opened.unwrap(), PAYLOAD);
}

#[test]
fn card() {
    let row = RowKey::from_bytes(unhex(LOOKUP).try_into().unwrap());
    let opened = open_card(&example_ring(), "example", &row, &unhex(CARD), NOW);
    assert_eq!(opened.unwrap(), PAYLOAD);
}

/// Its successor is the token itself.
#[test]
fn way() {
    let token = example_token();
    let way = token.open_way(WayKind::Forward, &unhex(WAY), &example_ring(), NOW);
    let way = way.unwrap();
    assert_eq!(*way.successor.encode(), *token.encode());
    assert_eq!(way.until, Timestamp::from_unix_seconds(1_800_000_000));
    assert_eq!(way.payload, PAYLOAD);
}

const LOOKUP: &str = "75dcf6038c4169111d6e34f1dc3f2c4a129fa3c9362507c7c4706db9a3bb0963";
const RECORD_KEY: &str = "c5c0dba8aa9c7ece611154c097978b146e2a97eacb83e241019a70a503cc0cd9";
const FORWARD_KEY: &str = "c22afb74b3357156840a54a0c0c80535edaa5370213f82411addbfa94e9b18f0";
const ENDING_KEY: &str = "40cb4826a5eeda9b162d509dd784743ac904e3a3c0bfcf82138bed9c5297067b";
const RECORD: &str = "404142434445464748494a4b4c4d4e4f5051525354555657d961296b060155f33962aa933bc1d340\
        3ad3b1fcebae38b068234ba6a7bbea1f77";
const CARD: &str = "ff383b21404142434445464748494a4b4c4d4e4f50515253545556578e0cee4ab207ad9f4968f433\
        8e4dbfd66338c1f847144c4bffa190547a73b1467f";
const WAY: &str = "404142434445464748494a4b4c4d4e4f505152535455565705b454cabb2b62d914cd5c36bc74dc85\
        8399c263dd6d61355fdd806b8fd64bac3913729667c3d83f8eea7d3893e87597019d229d54d582a2\
        5f979f52a1de1cfa8b1f683892fc825c3d07a4";
