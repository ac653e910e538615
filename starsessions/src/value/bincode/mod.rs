//! bincode 2's wire format: its standard configuration, with integers of variable length in little endian.
//!
//! The crate writes and reads what is not divided any further. Structs, lists and enums are walked here,
//! with errors of one byte, a limit of the depth, and what the crate does not say: which field is left out
//! and which type asks for a format that describes itself.

mod decode;
mod encode;

use bincode::config::{Configuration, standard};

pub(super) use self::decode::{Stop, decode};
pub(super) use self::encode::encode;

const CONFIGURATION: Configuration = standard();

/// How deep a value may be nested; a struct in an `Option` is two levels. Enough for trees, and in a debug
/// build a third of the stack of a thread.
const MAX_DEPTH: usize = 192;

#[cfg(test)]
mod tests;
