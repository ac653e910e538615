//! One field's value, to bytes and back.

use std::fmt;

/// How the bytes of a value are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// bincode 2, positional, with a fingerprint of the type's shape in front.
    Bincode,
    /// JSON, self-describing.
    #[cfg(feature = "json")]
    Json,
}

/// How the values of one field are stored: what the derive macro knows about it.
pub struct Stored<T> {
    /// How the bytes are written.
    pub format: Format,
    /// The version that is written; older ones go through `migrate`.
    pub version: u32,
    /// How an older version becomes this one.
    pub migrate: Option<fn(OldValue<'_>) -> Result<T, ValueError>>,
    /// What must be true of a value, when it is loaded and before it is committed.
    pub validate: Option<fn(&T) -> Result<(), Invalid>>,
}

/// A three-way merge on stored bytes: what this request saw, what it wrote, what is stored now.
pub type MergeFn =
    fn(Option<&[u8]>, Option<&[u8]>, Option<&[u8]>) -> Result<Option<Vec<u8>>, ValueError>;

/// A stored value of an older version, on its way through `migrate`.
#[derive(Clone, Copy)]
pub struct OldValue<'a> {
    #[expect(dead_code, reason = "skeleton")]
    bytes: &'a [u8],
}

/// Why a value could not be encoded or decoded.
#[derive(Debug)]
pub struct ValueError;

/// Why a value was refused by its `validate` function.
#[derive(Debug)]
pub struct Invalid;

impl Invalid {
    /// Keeps what the validator said.
    pub fn new(_reason: impl fmt::Display) -> Self {
        Self
    }
}
