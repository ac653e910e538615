//! Tests of internal functions; public ones are tested from outside.

mod cookies;
mod csrf;
mod flows;
mod frozen;
mod keys;
mod kinds;
mod records;
mod sessions;
mod standards;
mod texts;
mod ways;

use std::sync::Arc;

use super::random::{self, Script};
use super::seal::SealKey;
use super::token::InvalidToken;
use super::{Binding, Key, KeyRing, RecordKey, RecordPlace, ReferenceToken, SealError, encoding};
use crate::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

const HERE: Binding<'_> = Binding {
    cookie_name: "__Host-Http-id",
    audience: "example",
};

const PLACE: RecordPlace<'_> = RecordPlace {
    namespace: "shop",
    format: 1,
    revision: 7,
};

/// A token that is the same in every run.
fn mint(seed: u64) -> Arc<ReferenceToken> {
    seeded(seed, || ReferenceToken::mint(&ring(1)).unwrap())
}

/// Runs with random bytes that are the same for the same seed.
fn seeded<T>(seed: u64, make: impl FnOnce() -> T) -> T {
    random::with(Script::Seeded { seed, calls: 0 }, make)
}

/// The payload sealed as a record.
fn seal_record(
    key: &RecordKey,
    place: &RecordPlace<'_>,
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let (before, behind) = ([0; RecordKey::NONCE_LEN], [0; RecordKey::TAG_LEN]);
    let mut room = [&before, payload, &behind].concat();
    key.seal_in_place(place, &mut room)?;
    Ok(room)
}

/// The payload of a sealed record.
fn open_record(
    key: &RecordKey,
    place: &RecordPlace<'_>,
    sealed: &[u8],
) -> Result<Vec<u8>, InvalidToken> {
    let mut bytes = sealed.to_vec();
    let payload = key.open_in_place(place, &mut bytes)?;
    Ok(bytes[payload].to_vec())
}

/// Seals with a nonce that the test chooses.
fn seal_with_nonce(key: &SealKey, nonce: &[u8; 24], aad: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut text = payload.to_vec();
    let tag = key.encrypt(nonce, aad, &mut text).unwrap();
    [&nonce[..], &text, &tag].concat()
}

/// A key whose bytes look random and are the same in every run.
fn key(seed: u64) -> Key {
    use sha2::{Digest, Sha256};
    Key::from_bytes(Sha256::digest(seed.to_le_bytes()).into()).unwrap()
}

fn ring(seed: u64) -> KeyRing {
    KeyRing::new(key(seed))
}

/// `00 01 02 ..`, as the published examples count.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|place| first + place as u8)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes behind a token's text.
fn raw(text: &str) -> Vec<u8> {
    encoding::decode(text.as_bytes(), usize::MAX)
        .unwrap()
        .to_vec()
}
