//! Strict base64: one text for one value.
//!
//! Tokens use the URL-safe alphabet without padding. White space, the other alphabet, padding and
//! non-zero trailing bits are rejected (RFC 4648 section 3.5): otherwise several strings would be
//! the same token, and a comparison, a cache or a deny-list of texts would miss some of them.
//!
//! What is a secret in itself, a key or a reference, takes the same time for every value of the same
//! length. The text of a cookie that carries its session is ciphertext, or open to its bearer anyway;
//! it is long, and takes the faster way.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// Decodes the text of a secret, which must give exactly `N` bytes. Allocates nothing.
///
/// Eight characters are one word, and arithmetic takes the place of branches and tables. Half the
/// time of the decoder in `base64ct`, on each request.
pub(super) fn decode_secret<const N: usize>(text: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    if text.len() != (4 * N).div_ceil(3) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    let (words, rest) = text.as_chunks();
    let (groups, tail) = bytes.as_chunks_mut();
    let mut invalid = 0;
    for (characters, group) in words.iter().zip(groups) {
        let (decoded, unknown) = decode_word(*characters);
        *group = decoded;
        invalid |= unknown;
    }
    let (decoded, unknown) = decode_word(padded(rest));
    let (decoded, trailing) = decoded.split_at_checked(tail.len())?;
    tail.copy_from_slice(decoded);
    let trailing = trailing.iter().fold(0, |bits, byte| bits | byte);
    (invalid | unknown | u64::from(trailing) == 0).then_some(bytes)
}

/// The text of a secret.
pub(super) fn encode_secret(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64UrlUnpadded::encode_string(bytes))
}

/// Decodes a text of at most `limit` characters; a longer one is refused before it is read.
pub(super) fn decode(text: &[u8], limit: usize) -> Option<Vec<u8>> {
    if text.len() > limit {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The text of `bytes`.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes what people paste as a key: either alphabet, with or without padding.
pub(super) fn decode_key(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let padded = text.ends_with(b"=");
    let url_safe = text.iter().any(|octet| matches!(octet, b'-' | b'_'));
    let mut bytes = Zeroizing::new(vec![0; text.len()]);
    let decoded = match (url_safe, padded) {
        (false, false) => Base64Unpadded::decode(text, &mut bytes),
        (false, true) => Base64::decode(text, &mut bytes),
        (true, false) => Base64UrlUnpadded::decode(text, &mut bytes),
        (true, true) => Base64Url::decode(text, &mut bytes),
    };
    let len = decoded.ok()?.len();
    bytes.truncate(len);
    Some(bytes)
}

/// `A`, which stands for zero bits, in the place of the characters that are missing.
fn padded(characters: &[u8]) -> [u8; 8] {
    let mut padded = [b'A'; 8];
    for (to, from) in padded.iter_mut().zip(characters) {
        *to = *from;
    }
    padded
}

/// The bytes of eight characters, and a number that is zero if all of these are in the alphabet.
fn decode_word(characters: [u8; 8]) -> ([u8; 6], u64) {
    let characters = u64::from_be_bytes(characters);
    let is_ascii = !characters & (EACH << 7);
    let ascii = characters & (EACH * 0x7f);
    // One in each byte between the two: the comparisons carry into the bit that ASCII leaves free.
    let between = |first: u8, last: u8| {
        let from_first = ascii + EACH * u64::from(0x80 - first);
        let behind_last = ascii + EACH * u64::from(0x7f - last);
        (from_first & !behind_last & is_ascii) >> 7
    };
    let (upper, lower) = (between(b'A', b'Z'), between(b'a', b'z'));
    let (digit, minus, underscore) = (
        between(b'0', b'9'),
        between(b'-', b'-'),
        between(b'_', b'_'),
    );
    let known = (upper | lower | digit | minus | underscore) * 0xff;
    // No byte of the sums leaves its range, so that nothing is carried from one into the next.
    let raised = (characters & known) + digit * 4 + minus * 17;
    let values = raised - upper * 65 - lower * 71 - underscore * 32;
    // Six bits of each byte, then twelve of each pair, then 24 of each half.
    let pairs = values & 0x003f_003f_003f_003f | (values & 0x3f00_3f00_3f00_3f00) >> 2;
    let quads = pairs & 0x0000_0fff_0000_0fff | (pairs & 0x0fff_0000_0fff_0000) >> 4;
    let [_, _, decoded @ ..] = (quads & 0x00ff_ffff | quads >> 32 << 24).to_be_bytes();
    (decoded, !known)
}

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;
