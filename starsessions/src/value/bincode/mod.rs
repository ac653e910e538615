//! bincode 2's wire format: its standard configuration, with integers of variable length in little endian.
//!
//! The `bincode` crate is the oracle of the tests, and encodes and decodes rare types. This module does the rest, with
//! errors of one word, a limit of the depth, and errors that the crate does not have: which field is left out, and
//! which type needs a self-describing format.

mod decode;
mod encode;

use bincode::config::{Configuration, standard};

pub(super) use self::decode::{Stop, decode};
pub(super) use self::encode::encode;

const CONFIGURATION: Configuration = standard();

/// The largest number that is encoded as one byte.
const SMALL: u64 = 250;
/// The byte in front of a number of this width.
const WIDTH_16: u8 = 251;
const WIDTH_32: u8 = 252;
const WIDTH_64: u8 = 253;

/// How deep a value may be nested; a struct in an `Option` is two levels. Enough for trees, and in a debug
/// build a third of the stack of a thread.
const MAX_DEPTH: usize = 192;

#[cfg(test)]
mod tests;
