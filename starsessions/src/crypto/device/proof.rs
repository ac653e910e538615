//! The proof that a browser signs: a JWT (RFC 7519) of one shape.
//!
//! A JWT library lets the token choose the algorithm, and checks claims that these proofs do not have. Here the
//! algorithm is fixed, a token of another shape is refused before any curve arithmetic, and the length bounds the work.

use serde_json::Value;

use super::super::encoding;
use super::super::token::InvalidToken;
use super::es256::PublicKey;

/// A parsed proof whose signature is not verified yet.
pub(crate) struct Proof<'t> {
    /// The public key; present at a registration.
    key: Option<PublicKey>,
    challenge: String,
    signed: &'t [u8],
    signature: Vec<u8>,
}

impl<'t> Proof<'t> {
    /// Parses a proof. Claims other than the challenge are ignored, because drafts add some.
    pub(crate) fn parse(text: &'t [u8]) -> Result<Self, InvalidToken> {
        if text.len() > LONGEST {
            return Err(InvalidToken);
        }
        let text = str::from_utf8(text).map_err(|_| InvalidToken)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(InvalidToken)?;
        let (head, claims) = signed.split_once('.').ok_or(InvalidToken)?;
        let (head, claims) = (json(head)?, json(claims)?);
        let is = |name, value: &str| head.get(name).and_then(Value::as_str) == Some(value);
        // RFC 7515, section 4.1.11: `crit` lists extensions that must be understood, and none is.
        if !is("typ", "dbsc+jwt") || !is("alg", "ES256") || head.get("crit").is_some() {
            return Err(InvalidToken);
        }
        let challenge = claims.get("jti").and_then(Value::as_str);
        Ok(Self {
            key: head.get("jwk").map(public_key).transpose()?,
            challenge: challenge.ok_or(InvalidToken)?.to_owned(),
            signed: signed.as_bytes(),
            signature: encoding::decode(signature.as_bytes(), LONGEST).ok_or(InvalidToken)?,
        })
    }

    /// The server's challenge that the browser has signed.
    pub(crate) fn challenge(&self) -> &[u8] {
        self.challenge.as_bytes()
    }

    /// The key in the proof, if it has signed the proof.
    pub(crate) fn own_key(&self) -> Result<PublicKey, InvalidToken> {
        let key = self.key.ok_or(InvalidToken)?;
        self.verify(&key)?;
        Ok(key)
    }

    /// Whether this key has signed the proof, regardless of the key in the proof.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), InvalidToken> {
        key.verify(self.signed, &self.signature)
    }
}

/// Refuses a part with a further dot, which base64 does not have.
fn json(part: &str) -> Result<Value, InvalidToken> {
    let json = encoding::decode(part.as_bytes(), LONGEST).ok_or(InvalidToken)?;
    serde_json::from_slice(&json).map_err(|_| InvalidToken)
}

/// RFC 7518, section 6.2.1.
fn public_key(jwk: &Value) -> Result<PublicKey, InvalidToken> {
    let text = |name| jwk.get(name).and_then(Value::as_str).ok_or(InvalidToken);
    if text("kty")? != "EC" || text("crv")? != "P-256" || jwk.get("d").is_some() {
        return Err(InvalidToken);
    }
    let coordinate = |name| -> Result<[u8; 32], InvalidToken> {
        let bytes = encoding::decode(text(name)?.as_bytes(), 43).ok_or(InvalidToken)?;
        bytes.try_into().map_err(|_| InvalidToken)
    };
    PublicKey::from_coordinates(&coordinate("x")?, &coordinate("y")?)
}

/// Chromium's proofs have about 500 octets at a registration.
const LONGEST: usize = 2048;
