//! A hash of names and content at the same time. It is part of the stored format: a change makes stored values
//! unreadable.

use super::Trace;

/// The hashes of the visited part of a value.
#[derive(Clone, Copy)]
pub(super) struct Hashes {
    pub(super) mark: u64,
    pub(super) content: u64,
}

impl Hashes {
    pub(super) const START: Self = Self {
        mark: SEED,
        content: SEED,
    };

    /// Hashes a name or a kind.
    #[inline]
    pub(super) const fn name(&mut self, word: u64) {
        self.mark = fold(self.mark, word);
    }

    /// Hashes a value.
    #[inline]
    pub(super) const fn value(&mut self, word: u64) {
        self.content = fold(self.content, word);
    }

    /// Mixes the mark into the content, so that equal content under other names has another hash.
    #[inline]
    pub(super) const fn joined(self) -> u64 {
        fold(self.content, self.mark)
    }

    pub(super) const fn finish(self) -> Trace {
        Trace {
            mark: (fold(self.mark, SEED) >> 32) as u32,
            content: self.joined(),
        }
    }
}

/// The next state of a hash: both halves of a product, so that every bit reaches every other.
#[inline]
pub(in crate::value) const fn fold(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word) as u128 * MULTIPLIER as u128;
    product as u64 ^ (product >> 64) as u64
}

/// The hash of a text or of bytes. The last word overlaps the word before.
#[inline]
pub(in crate::value) fn text(bytes: &[u8]) -> u64 {
    let mut hash = fold(SEED, bytes.len() as u64);
    let Some(last) = bytes.last_chunk() else {
        return fold(hash, short(bytes));
    };
    for word in bytes.as_chunks().0 {
        hash = fold(hash, u64::from_le_bytes(*word));
    }
    fold(hash, u64::from_le_bytes(*last))
}

/// Up to seven bytes as a word.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk(), bytes) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        (_, _, [first, .., last]) => {
            let middle = bytes.get(bytes.len() / 2).copied().unwrap_or_default();
            u64::from(*first) << 16 | u64::from(middle) << 8 | u64::from(*last)
        }
        (_, _, [only]) => u64::from(*only),
        _ => 0,
    }
}

/// The digits of pi and of the golden ratio, as arbitrary numbers.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
