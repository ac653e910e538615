//! HMAC-SHA256 (RFC 2104) with the key schedule computed once, which saves half the work of a short message.

use std::ops::Deref;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::token::InvalidToken;

/// The length of a tag. It is never shortened.
pub(super) const TAG_LEN: usize = 32;

/// HMAC-SHA256 under one key. Wiped on drop, as are the states that it hands out.
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// HMAC pads a short key with zeros; a key longer than a block does not compile.
    pub(crate) fn new<const N: usize>(key: &[u8; N]) -> Self {
        const { assert!(N <= BLOCK_LEN) };
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        block.split_at_mut(N).0.copy_from_slice(key);
        Self(Hmac::new((&*block).into()))
    }

    /// A message to authenticate, part by part, so that none of it is copied.
    pub(crate) fn message(&self) -> Message {
        Message(self.0.clone())
    }

    /// The tag of a message in one part.
    pub(crate) fn tag(&self, message: &[u8]) -> Zeroizing<[u8; TAG_LEN]> {
        self.message().part(message).tag()
    }
}

/// A message that is being authenticated.
pub(crate) struct Message(Hmac<Sha256>);

impl Message {
    /// Appends these bytes. Nothing separates the parts, so at most one may vary in length.
    pub(crate) fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Appends a list in an encoding that separates its items.
    pub(super) fn list(mut self, items: &[&[u8]]) -> Self {
        pae(items, |bytes| self.0.update(bytes));
        self
    }

    pub(crate) fn tag(self) -> Zeroizing<[u8; TAG_LEN]> {
        Zeroizing::new(self.0.finalize().into_bytes().into())
    }

    /// Compares the whole tag in constant time.
    pub(crate) fn verify(self, tag: &[u8; TAG_LEN]) -> Result<(), InvalidToken> {
        self.0.verify(tag.into()).map_err(|_| InvalidToken)
    }
}

/// The first bytes of a tag.
pub(super) fn start_of<const N: usize>(tag: &[u8; TAG_LEN]) -> [u8; N] {
    const { assert!(N <= TAG_LEN) };
    tag.first_chunk().copied().unwrap_or([0; N])
}

/// PASETO's pre-authentication encoding: different lists never give the same bytes.
fn pae(items: &[&[u8]], mut write: impl FnMut(&[u8])) {
    write(&le64(items.len()));
    for item in items {
        write(&le64(item.len()));
        write(item);
    }
}

/// The encoded list as one byte string.
pub(super) fn encoded(items: &[&[u8]]) -> Pae {
    let len = items.iter().fold(8, |sum, item| sum + 8 + item.len());
    if len > SHORT {
        let mut long = Vec::with_capacity(len);
        pae(items, |bytes| long.extend_from_slice(bytes));
        return Pae::Long(long);
    }
    let mut short = [0; SHORT];
    let mut room = &mut short[..];
    pae(items, |bytes| {
        let (part, rest) = std::mem::take(&mut room).split_at_mut(bytes.len());
        part.copy_from_slice(bytes);
        room = rest;
    });
    Pae::Short(short, len)
}

/// An encoded list, on the stack unless a name in it is long: each sealing and opening needs one.
pub(super) enum Pae {
    Short([u8; SHORT], usize),
    Long(Vec<u8>),
}

impl Deref for Pae {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes, len) => bytes.get(..*len).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

/// PASETO clears the top bit; no length in memory has it set.
fn le64(len: usize) -> [u8; 8] {
    (len as u64).to_le_bytes()
}

const BLOCK_LEN: usize = 64;
/// Room for names of 80 bytes beside the parts of fixed length.
const SHORT: usize = 192;
