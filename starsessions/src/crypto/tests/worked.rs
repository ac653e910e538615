//! The worked examples of the format, made by an independent implementation.

use super::super::derive::{KeySet, sealed_aad};
use super::super::seal;
use super::super::token::{Version, header};
use super::super::{ReferenceToken, open_cookie, sign_cookie, verify_cookie};
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
    let mut raw = header.to_vec();
    seal::seal_with_nonce(&keys.cookie_seal, &nonce, &aad, PAYLOAD, &mut raw).unwrap();
    assert_eq!(base64::encode(&raw), SEALED);

    let opened = open_cookie(&example_ring(), HERE, SEALED.as_bytes(), NOW).unwrap();
    assert_eq!(opened.payload, PAYLOAD);
    assert!(opened.under_active_key);
}

#[test]
fn reference() {
    let ring = example_ring();
    let raw = [
        &header(Version::Reference, ring.active().id)[..],
        &counting(0x80),
    ]
    .concat();
    let text = base64::encode(&raw);
    assert_eq!(text.len(), 50);

    let token = ReferenceToken::parse(text.as_bytes(), &ring, NOW).unwrap();
    assert_eq!(token.encode().as_str(), text);
    assert_eq!(
        hex(token.row_key().as_bytes()),
        "d071f7f962912d106de3ed00aa10f6b3dd8852afcae7139460838a4c5b1b9a73",
    );
    assert_eq!(
        hex(token.record_key().as_bytes()),
        "a5435343d2ead82d03824c2b32f6b0d773a0177aa7d5a55fa47a2508833c3454",
    );
}
