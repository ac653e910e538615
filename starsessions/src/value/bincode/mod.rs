//! bincode 2's wire format: its standard configuration, with integers of variable length in little endian.
//!
//! The crate is the oracle of the tests, and writes and reads what is rare. The rest is done here: with errors of
//! one word, a limit of the depth, and what the crate does not say: which field is left out and which type asks
//! for a format that describes itself.

mod decode;
mod encode;

use bincode::config::{Configuration, standard};

pub(super) use self::decode::{Stop, decode};
pub(super) use self::encode::encode;

const CONFIGURATION: Configuration = standard();

/// The largest number that is its own byte.
const SMALL: u64 = 250;
/// The mark in front of larger ones.
const WIDTH_16: u8 = 251;
const WIDTH_32: u8 = 252;
const WIDTH_64: u8 = 253;

/// How deep a value may be nested; a struct in an `Option` is two levels. Enough for trees, and in a debug
/// build a third of the stack of a thread.
const MAX_DEPTH: usize = 192;

#[cfg(test)]
mod tests;
