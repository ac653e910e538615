//! Strict base64: one text for one value.
//!
//! Tokens use the URL-safe alphabet without padding. White space, the other alphabet, padding and
//! non-zero trailing bits are rejected (RFC 4648 section 3.5): otherwise several strings would be
//! the same token, and a comparison, a cache or a deny-list of texts would miss some of them.
//!
//! A text that is itself a secret, a key or a reference, is decoded in constant time for its length. The text of a
//! cookie that carries its session is ciphertext, or readable by its bearer anyway; it is long, so a faster decoder
//! reads it.

use base64_simd::URL_SAFE_NO_PAD;
use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// Decodes the text of a secret of exactly `N` bytes into `bytes`: a returned value would leave copies. Allocates
/// nothing.
///
/// Eight characters are processed as one word, by arithmetic instead of branches and tables. On each request this takes
/// half the time of the decoder in `base64ct`.
pub(super) fn decode_secret<const N: usize>(text: &[u8], bytes: &mut [u8; N]) -> Option<()> {
    if text.len() != (4 * N).div_ceil(3) {
        return None;
    }
    let (words, rest) = text.as_chunks();
    let (groups, tail) = bytes.as_chunks_mut();
    let mut invalid = 0;
    for (characters, group) in words.iter().zip(groups) {
        let (decoded, unknown) = decode_word(*characters);
        *group = decoded;
        invalid |= unknown;
    }
    // `A` stands for zero bits.
    let (decoded, unknown) = decode_word(padded(rest, b'A'));
    let (decoded, trailing) = decoded.split_at_checked(tail.len())?;
    tail.copy_from_slice(decoded);
    let trailing = trailing.iter().fold(0, |bits, byte| bits | byte);
    (invalid | unknown | u64::from(trailing) == 0).then_some(())
}

/// Encodes a secret in the same way.
pub(super) fn encode_secret(bytes: &[u8]) -> Zeroizing<String> {
    let len = (4 * bytes.len()).div_ceil(3);
    let (groups, rest) = bytes.as_chunks();
    // Room for whole words: a buffer that grew would leave the text behind in freed memory.
    let mut text = Vec::with_capacity(8 * (groups.len() + 1));
    for group in groups {
        text.extend_from_slice(&encode_word(*group));
    }
    text.extend_from_slice(&encode_word(padded(rest, 0)));
    text.truncate(len);
    Zeroizing::new(String::from_utf8(text).unwrap_or_default())
}

/// Decodes a text of at most `limit` characters; a longer one is refused before it is read.
pub(super) fn decode(text: &[u8], limit: usize) -> Option<Vec<u8>> {
    if text.len() > limit {
        return None;
    }
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Decodes a pasted key: either alphabet, with or without padding.
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

/// The bytes, filled up with `padding`.
fn padded<const N: usize>(bytes: &[u8], padding: u8) -> [u8; N] {
    let mut padded = [padding; N];
    for (to, from) in padded.iter_mut().zip(bytes) {
        *to = *from;
    }
    padded
}

/// The eight characters of six bytes.
fn encode_word([a, b, c, d, e, f]: [u8; 6]) -> [u8; 8] {
    let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    // 24 bits of each half, then twelve of each pair, then six of each byte.
    let quads = bits & 0x00ff_ffff | (bits & 0xffff_ff00_0000) << 8;
    let pairs = quads & 0x0000_0fff_0000_0fff | (quads & 0x00ff_f000_00ff_f000) << 4;
    let values = pairs & 0x003f_003f_003f_003f | (pairs & 0x0fc0_0fc0_0fc0_0fc0) << 2;
    // Gives 1 in each byte with a value of at least `first`: the sum carries into the bit that values leave free.
    let from = |first: u8| (values + EACH * u64::from(0x80 - first)) >> 7 & EACH;
    let raised = values + EACH * u64::from(b'A') + from(26) * 6 + from(63) * 49;
    (raised - from(52) * 75 - from(62) * 13).to_be_bytes()
}

/// The six bytes of eight characters, and a number that is zero if all characters are in the alphabet.
fn decode_word(characters: [u8; 8]) -> ([u8; 6], u64) {
    let characters = u64::from_be_bytes(characters);
    let is_ascii = !characters & (EACH << 7);
    let ascii = characters & (EACH * 0x7f);
    // Gives 1 in each byte from `first` to `last`: the comparisons carry into the bit that ASCII leaves free.
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
    // No byte of these sums overflows, so nothing carries into the next byte.
    let raised = (characters & known) + digit * 4 + minus * 17;
    let values = raised - upper * 65 - lower * 71 - underscore * 32;
    // Six bits of each byte, then twelve of each pair, then 24 of each half.
    let pairs = values & 0x003f_003f_003f_003f | (values & 0x3f00_3f00_3f00_3f00) >> 2;
    let quads = pairs & 0x0000_0fff_0000_0fff | (pairs & 0x0fff_0000_0fff_0000) >> 4;
    let [_, _, decoded @ ..] = (quads & 0x00ff_ffff | quads >> 32 << 24).to_be_bytes();
    (decoded, !known)
}

/// A 1 in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;
