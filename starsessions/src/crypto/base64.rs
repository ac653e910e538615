//! Strict base64: one text for one value.
//!
//! Tokens use the URL-safe alphabet without padding. White space, the other alphabet, padding and
//! non-zero trailing bits are rejected (RFC 4648 section 3.5): otherwise several strings would be
//! the same token, and whoever compares, caches or denies the text would be fooled.
//!
//! What is a secret in itself, a key or a reference, takes the same time for every value of the same
//! length. The text of a cookie that carries its session is ciphertext, or open to its bearer anyway;
//! it is long, and takes the faster way.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// Decodes the text of a secret, which must give exactly `N` bytes. Allocates nothing.
pub(super) fn decode_secret<const N: usize>(text: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    if decoded_len(text)? != N {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    Base64UrlUnpadded::decode(text, bytes.as_mut_slice()).ok()?;
    Some(bytes)
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

/// How many bytes a text of this length encodes; no text has a length of 4n + 1.
fn decoded_len(text: &[u8]) -> Option<usize> {
    let tail = match text.len() % 4 {
        0 => 0,
        2 => 1,
        3 => 2,
        _ => return None,
    };
    (text.len() / 4).checked_mul(3)?.checked_add(tail)
}
