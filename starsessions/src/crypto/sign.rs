//! HMAC-SHA256 (RFC 2104) with the key schedule computed once: half the work of a short message.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::token::InvalidToken;

/// The length of a tag. It is never shortened.
pub(super) const TAG_LEN: usize = 32;

/// HMAC-SHA256 under one key. Wiped on drop, as are the states that it hands out.
pub(super) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// HMAC fills a short key up with zeros; longer ones than a block do not compile.
    pub(super) fn new<const N: usize>(key: &[u8; N]) -> Self {
        const { assert!(N <= BLOCK_LEN) };
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new((&*block).into()))
    }

    /// The tag of the parts, one after the other. Ambiguous unless all but one have a fixed length
    /// or the parts are a pre-authentication encoding.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> Zeroizing<[u8; TAG_LEN]> {
        Zeroizing::new(self.absorb(parts).finalize().into_bytes().into())
    }

    /// Compares the whole tag in constant time.
    pub(super) fn verify(&self, parts: &[&[u8]], tag: &[u8; TAG_LEN]) -> Result<(), InvalidToken> {
        self.absorb(parts)
            .verify(tag.into())
            .map_err(|_| InvalidToken)
    }

    fn absorb(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

const BLOCK_LEN: usize = 64;
