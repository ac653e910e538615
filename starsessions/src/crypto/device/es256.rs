//! ECDSA with P-256 and SHA-256 (RFC 7518, section 3.4): the only algorithm that the layer offers and accepts. A
//! browser whose device supports only RSA registers no key, and its sessions stay unbound; see `docs/design.md`.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::super::token::InvalidToken;

/// A point of the curve, compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; Self::LEN]);

impl PublicKey {
    pub(crate) const LEN: usize = 33;

    /// The key with these coordinates, if they are a point of the curve.
    pub(crate) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, InvalidToken> {
        let uncompressed = [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat();
        let key = VerifyingKey::from_sec1_bytes(&uncompressed).map_err(|_| InvalidToken)?;
        let compressed = key.to_sec1_point(true);
        let bytes = compressed.as_bytes().try_into();
        bytes.map(Self).map_err(|_| InvalidToken)
    }

    /// The key with these bytes, which were checked before they were sealed.
    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Whether the holder of the private key has signed the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidToken> {
        let key = VerifyingKey::from_sec1_bytes(&self.0).map_err(|_| InvalidToken)?;
        let signature = Signature::from_slice(signature).map_err(|_| InvalidToken)?;
        key.verify(message, &signature).map_err(|_| InvalidToken)
    }
}

/// SEC 1, section 2.3.3.
const UNCOMPRESSED: u8 = 4;
