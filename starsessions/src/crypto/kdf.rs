//! Key derivation.
//!
//! ```text
//! HKDF-SHA256(ikm, salt, info)      RFC 5869, one block of output
//! keyed(K, secret, purpose) = SHA-256(K(32) ‖ 0(32) ‖ secret(32) ‖ purpose)
//! ```
//!
//! HKDF derives a deployment's keys, once. A session's keys are derived on each request: the state of SHA-256 after the
//! first block, which holds the key, is kept, and the secret, a purpose of at most 23 octets and SHA-256's own padding
//! fill one more block. So a key costs one compression, or two where the purpose is a way, which has a key of its own.
//!
//! All messages under one key have the same number of blocks. A length extension, the known weakness of a hash with the
//! key in front, takes a block more, so it never gives another message. The secret has a fixed length, so different
//! purposes are different messages.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::mac::{MacKey, Message, start_of};

/// HKDF-SHA256 (RFC 5869) for at most one block of output, which cannot fail: extracting and
/// expanding are one HMAC each.
pub(super) struct Prk(MacKey);

impl Prk {
    pub(super) fn extract(salt: &MacKey, ikm: &[u8]) -> Self {
        Self(MacKey::new(&salt.tag(ikm)))
    }

    pub(super) fn expand<const LEN: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; LEN]> {
        first_block(self.0.message().list(info))
    }

    #[cfg(test)]
    pub(super) fn expand_raw<const LEN: usize>(&self, info: &[u8]) -> Zeroizing<[u8; LEN]> {
        first_block(self.0.message().part(info))
    }
}

/// The state of SHA-256 after a first block that holds a key.
pub(super) struct KeyedHash(Sha256);

impl KeyedHash {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        block.split_at_mut(32).0.copy_from_slice(key);
        Self(Sha256::new_with_prefix(block.as_slice()))
    }

    /// The key for this secret and purpose.
    pub(super) fn derive(&self, secret: &[u8; 32], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let hash = self.0.clone().chain_update(secret).chain_update(purpose);
        Zeroizing::new(hash.finalize().into())
    }
}

/// The first `LEN` bytes of the first block of output.
fn first_block<const LEN: usize>(info: Message) -> Zeroizing<[u8; LEN]> {
    Zeroizing::new(start_of(&info.part(&[1]).tag()))
}

/// The space that a block leaves beside the secret and at least nine octets of SHA-256's padding.
pub(super) const LONGEST_PURPOSE: usize = 64 - 32 - 9;
