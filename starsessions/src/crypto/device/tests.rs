//! The proofs that a device sends; `crypto/tests/kinds` tests the tokens that the server gives to it.

use std::sync::Arc;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use super::super::token::InvalidToken;
use super::super::{DeviceId, KeyRing, ReferenceToken, encoding};
use super::es256::PublicKey;
use super::*;
use crate::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);
const OTHER: DeviceId = DeviceId::from_bytes([8; 16]);

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let coordinate = |bytes: &[u8]| encoding::encode(bytes);
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": coordinate(&point.as_bytes()[1..33]),
        "y": coordinate(&point.as_bytes()[33..]),
    })
}

fn sign(key: &SigningKey, head: &Value, claims: &Value) -> String {
    let part = |value: &Value| encoding::encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(head), part(claims));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", encoding::encode(&signature.to_bytes()))
}

fn registration(key: &SigningKey, challenge: &str) -> String {
    let head = json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk(key)});
    sign(key, &head, &json!({"jti": challenge}))
}

fn session() -> (KeyRing, Arc<ReferenceToken>) {
    let ring = KeyRing::generate().unwrap();
    let token = ReferenceToken::mint(&ring).unwrap();
    (ring, token)
}

fn own_key(proof: &str) -> Result<PublicKey, InvalidToken> {
    Proof::parse(proof.as_bytes())?.own_key()
}

#[test]
fn a_browsers_proof_is_taken() {
    let proof = registration(&signing_key(1), "C0");
    let parsed = Proof::parse(proof.as_bytes()).unwrap();
    assert_eq!(parsed.challenge(), b"C0");
    let key = parsed.own_key().unwrap_or_else(|_| panic!("its own key"));
    let later = sign(
        &signing_key(1),
        &json!({"alg": "ES256", "typ": "dbsc+jwt", "later": true}),
        &json!({"jti": "C1", "aud": "https://shop.example"}),
    );
    let later = Proof::parse(later.as_bytes()).unwrap();
    assert_eq!(later.challenge(), b"C1");
    assert_eq!(later.verify(&key), Ok(()));
    assert!(later.own_key().is_err(), "it brings none");
}

/// RFC 7515, appendix A.3, with the type of these proofs: another implementation has made the signature.
#[test]
fn the_signature_is_checked_as_others_make_it() {
    let coordinate = |text: &str| -> [u8; 32] {
        let bytes = encoding::decode(text.as_bytes(), 43).unwrap();
        bytes.try_into().unwrap()
    };
    let key = PublicKey::from_coordinates(
        &coordinate("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        &coordinate("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    );
    let key = key.unwrap_or_else(|_| panic!("a point"));
    let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let signature = encoding::decode(signature.as_bytes(), 86).unwrap();
    assert_eq!(key.verify(signed.as_bytes(), &signature), Ok(()));
    assert!(key.verify(b"another", &signature).is_err());
}

#[test]
fn a_proof_of_another_shape_is_refused() {
    let key = signing_key(1);
    let head = json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk(&key)});
    let claims = json!({"jti": "C0"});
    assert!(own_key(&sign(&key, &head, &claims)).is_ok());
    let with = |name: &str, value: Value| {
        let mut head = head.clone();
        head[name] = value;
        sign(&key, &head, &claims)
    };
    let without = |name: &str| {
        let mut head = head.clone();
        head.as_object_mut().unwrap().remove(name);
        sign(&key, &head, &claims)
    };
    let in_jwk = |name: &str, value: Value| {
        let mut jwk = jwk(&key);
        jwk[name] = value;
        with("jwk", jwk)
    };
    let zero = encoding::encode(&[0; 32]);
    let padded = format!("{}=", jwk(&key)["x"].as_str().unwrap());
    let heads = [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("RS256")),
        ("alg", json!("HS256")),
        ("alg", json!(["ES256"])),
        ("typ", json!("JWT")),
        ("crit", json!(["exp"])),
        ("jwk", json!("key")),
        ("jwk", json!(null)),
        ("jwk", json!([jwk(&key)])),
        ("jwk", jwk(&signing_key(2))),
        (
            "jwk",
            json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero}),
        ),
    ];
    let keys = [
        ("kty", json!("RSA")),
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("d", json!("private")),
        ("y", json!(7)),
        ("x", json!(padded)),
        ("x", jwk(&signing_key(2))["x"].clone()),
        // Not on the curve, too short, and larger than the field.
        ("x", json!(encoding::encode(&[1; 32]))),
        ("x", json!(encoding::encode(&[0; 31]))),
        ("x", json!(encoding::encode(&[255; 32]))),
    ];
    let claims = [
        json!({}),
        json!({"jti": 7}),
        json!(["jti"]),
        json!({"jti": "C".repeat(2_000)}),
        json!({"jti": "C0", "pad": "x".repeat(1_300)}),
    ];
    let good = sign(&key, &head, &json!({"jti": "C0"}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let texts = [
        String::new(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!("{signed}.{}", encoding::encode(&[0; 64])),
        format!("{signed}.{}", &signature[..85]),
        format!("{good}."),
        format!("{good}="),
        format!(" {good}"),
        sign(&key, &json!("head"), &json!({"jti": "C0"})),
    ];
    let heads = heads.map(|(name, value)| with(name, value));
    let keys = keys.map(|(name, value)| in_jwk(name, value));
    let claims = claims.map(|claims| sign(&key, &head, &claims));
    let missing = ["alg", "typ", "jwk"].map(without);
    let all = texts.iter().chain(&heads).chain(&keys);
    for refused in all.chain(&claims).chain(&missing) {
        assert!(own_key(refused).is_err(), "{refused}");
    }
}

#[test]
fn every_change_of_a_proof_is_refused() {
    let proof = registration(&signing_key(1), "C0");
    for at in 0..proof.len() {
        let mut bytes = proof.clone().into_bytes();
        for flip in 0..8 {
            bytes[at] ^= 1 << flip;
            let parsed = Proof::parse(&bytes);
            assert!(parsed.and_then(|it| it.own_key()).is_err(), "{at}: {flip}");
            bytes[at] ^= 1 << flip;
        }
        assert!(own_key(&proof[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_challenge_and_a_cookie_are_for_one_binding_of_one_session() {
    let (ring, token) = session();
    let challenges = [(); 2].map(|()| token.seal_challenge(&DEVICE, NOW).unwrap());
    let [one, other] = challenges.each_ref().map(|text| {
        let challenge = token.open_challenge(&DEVICE, text.as_bytes());
        challenge.unwrap().tag
    });
    assert_ne!(one, other);
    let cookie = token.device_cookie(&DEVICE, NOW);
    let stranger = ReferenceToken::mint(&ring).unwrap();
    for (token, device) in [(&token, OTHER), (&stranger, DEVICE)] {
        let challenge = challenges[0].as_bytes();
        assert!(token.open_challenge(&device, challenge).is_err());
        let proved = token.verify_device_cookie(&device, cookie.as_bytes());
        assert!(proved.is_err());
    }
}
