//! Published vectors, through the functions that the rest of the crate calls.

use proptest::prelude::*;

use super::super::derive::{Prk, SealKey, pae};
use super::super::seal;
use super::super::sign::MacKey;
use super::*;

fn assert_hmac(mac: &MacKey, message: &[u8], expected: &str) {
    let expected = unhex(expected);
    assert_eq!(&mac.tag(&[message])[..expected.len()], expected);
    if let Ok(whole) = <&[u8; 32]>::try_from(expected.as_slice()) {
        assert!(mac.verify(&[message], whole).is_ok());
        let mut wrong = *whole;
        wrong[31] ^= 1;
        assert!(mac.verify(&[message], &wrong).is_err());
    }
}

/// RFC 4231 section 4; cases 6 and 7 have keys longer than a block, which do not compile here.
#[test]
fn hmac_sha256() {
    assert_hmac(
        &MacKey::new(&[0x0b; 20]),
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
    assert_hmac(
        &MacKey::new(b"Jefe"),
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    assert_hmac(
        &MacKey::new(&[0xaa; 20]),
        &[0xdd; 50],
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    );
    assert_hmac(
        &MacKey::new(&std::array::from_fn::<u8, 25, _>(|place| place as u8 + 1)),
        &[0xcd; 50],
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    );
    assert_hmac(
        &MacKey::new(&[0x0c; 20]),
        b"Test With Truncation",
        "a3b6167473100ee06e0c796c2955552b",
    );
}

/// RFC 5869 appendices A.1 and A.3, whose first 32 bytes are ours.
#[test]
fn hkdf_sha256() {
    let salt: [u8; 13] = std::array::from_fn(|place| place as u8);
    let info: Vec<u8> = (0xf0..=0xf9).collect();
    let okm = Prk::extract(&MacKey::new(&salt), &[0x0b; 22]).expand_info::<32>(&info);
    assert_eq!(
        hex(&*okm),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
    );

    let okm = Prk::extract(&MacKey::new(&[]), &[0x0b; 22]).expand_info::<32>(b"");
    assert_eq!(
        hex(&*okm),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    );
}

/// draft-irtf-cfrg-xchacha-03 appendix A.3.1.
#[test]
fn xchacha20_poly1305() {
    let plaintext = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
        for the future, sunscreen would be it.";
    let nonce: [u8; 24] = std::array::from_fn(|place| 0x40 + place as u8);
    let aad = unhex("50515253c0c1c2c3c4c5c6c7");
    let key = SealKey::for_vectors(counting(0x80));
    let mut sealed = Vec::new();
    seal::seal_with_nonce(&key, &nonce, &aad, plaintext, &mut sealed).unwrap();

    let ciphertext = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
        731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
        2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
        21f9664c97637da9768812f615c68b13b52e";
    let tag = "c0875924c1c7987947deafd8780acf49";
    assert_eq!(hex(&sealed), format!("{}{ciphertext}{tag}", hex(&nonce)));
    assert_eq!(**seal::open(&key, &aad, &sealed).unwrap(), plaintext[..]);
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
        assert_eq!(base64::encode(bytes), text);
        assert_eq!(*base64::decode(text.as_bytes(), 8).unwrap(), bytes);
    }
}

proptest! {
    #[test]
    fn one_block_of_hkdf_is_hkdf(salt: [u8; 32], ikm: Vec<u8>, info: Vec<u8>) {
        let ours = Prk::extract(&MacKey::new(&salt), &ikm).expand_info::<32>(&info);
        let mut theirs = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::new(Some(&salt), &ikm).expand(&info, &mut theirs).unwrap();
        prop_assert_eq!(*ours, theirs);
    }

    #[test]
    fn different_pieces_never_encode_alike(
        one in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..4),
        other in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..4),
    ) {
        let encode = |pieces: &[Vec<u8>]| pae(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(encode(&one) == encode(&other), one == other);
    }
}
