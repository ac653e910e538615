//! The worked examples of the format of cookies, made by an independent implementation; `frozen` has the other formats.

use super::super::keyset::{KeySet, sealed_aad};
use super::super::token::{Version, header};
use super::super::{open_cookie, sign_cookie, verify_cookie};
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
