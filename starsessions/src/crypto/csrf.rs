//! Tokens that a page carries and another site cannot know.
//!
//! ```text
//! token = base64url(0x05 ‖ key id(4) ‖ mask(32) ‖ mask ⊕ tag)      92 characters
//! tag   = HMAC-SHA256(K_csrf, PAE("starsessions/v1/csrf", row key))
//! ```
//!
//! Nothing is stored: the tag is derived from the session's id and becomes invalid with it. The mask is new for each
//! token, so that the length of a compressed page reveals nothing about the tag (BREACH).

use zeroize::Zeroizing;

use super::encoding;
use super::id::RowKey;
use super::keyring::KeyRing;
use super::mac::TAG_LEN;
use super::random::{self, RandomError};
use super::token::{HEADER_LEN, InvalidToken, Version, header};
use crate::clock::Timestamp;

/// A token for the session in this row; each call gives another text.
pub(crate) fn mint_csrf_token(
    ring: &KeyRing,
    row: &RowKey,
) -> Result<Zeroizing<String>, RandomError> {
    let keys = ring.active();
    let mut mask = Zeroizing::new([0; TAG_LEN]);
    random::fill(mask.as_mut_slice())?;
    let tag = keys.csrf.message(row).tag();
    let mut raw = Zeroizing::new(Vec::with_capacity(RAW_LEN));
    raw.extend_from_slice(&header(Version::Csrf, keys.id));
    raw.extend_from_slice(mask.as_slice());
    raw.extend(mask.iter().zip(tag.iter()).map(|(mask, tag)| mask ^ tag));
    Ok(encoding::encode_secret(&raw))
}

/// Checks that the text is a token for the session in this row, in time that does not depend on how much of the tag is
/// right.
pub(crate) fn verify_csrf_token(
    ring: &KeyRing,
    row: &RowKey,
    text: &[u8],
    now: Timestamp,
) -> Result<(), InvalidToken> {
    let mut raw = Zeroizing::new([0; RAW_LEN]);
    encoding::decode_secret(text, &mut raw).ok_or(InvalidToken)?;
    let (keys, _, body) = ring.split(raw.as_slice(), Version::Csrf, now)?;
    let (mask, masked) = body.split_first_chunk::<TAG_LEN>().ok_or(InvalidToken)?;
    let mut tag = Zeroizing::new([0; TAG_LEN]);
    for ((tag, mask), masked) in tag.iter_mut().zip(mask).zip(masked) {
        *tag = mask ^ masked;
    }
    keys.csrf.message(row).verify(&tag)
}

const RAW_LEN: usize = HEADER_LEN + 2 * TAG_LEN;
