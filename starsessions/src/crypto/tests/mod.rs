//! What needs the crate's own functions; what users can reach is tested from outside.

mod forgery;
mod frozen;
mod keys;
mod label;
mod rejection;
mod sessions;
mod standards;
mod worked;

use super::{Binding, FieldPlace, Key, KeyRing, base64};
use crate::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

const HERE: Binding<'_> = Binding {
    cookie_name: "__Host-Http-id",
    audience: "example",
};

/// A field without an end of its own.
fn place<'a>(namespace: &'a str, field: &'a str) -> FieldPlace<'a> {
    FieldPlace {
        namespace,
        field,
        created_at: NOW,
        expires_at: None,
    }
}

/// A key whose bytes look random and are the same in every run.
fn key(seed: u64) -> Key {
    use sha2::{Digest, Sha256};
    Key::for_vectors(Sha256::digest(seed.to_le_bytes()).into())
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

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The bytes behind a token's text.
fn raw(text: &str) -> Vec<u8> {
    base64::decode(text.as_bytes(), usize::MAX)
        .unwrap()
        .to_vec()
}
