//! A value of an older version, the argument of `migrate`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ValueError;
use super::envelope::Envelope;
use crate::sentence::debug_as_name;

/// A stored value of an older version, the argument of a `migrate` function.
///
/// ```
/// use starsessions::value::{OldValue, ValueError};
///
/// fn migrate(old: OldValue<'_>) -> Result<Vec<String>, ValueError> {
///     match old.version() {
///         // Version 1 was one tag, version 2 a list of them, separated by commas.
///         1 => Ok(vec![old.decode()?]),
///         _ => Ok(old.decode::<String>()?.split(',').map(str::to_owned).collect()),
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct OldValue<'a> {
    envelope: Envelope<'a>,
}

impl<'a> OldValue<'a> {
    pub(super) fn new(envelope: Envelope<'a>) -> Self {
        Self { envelope }
    }

    /// The version that the value was written with.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.envelope.version
    }

    /// The value, as the type that it had when it was written.
    ///
    /// # Errors
    /// [`ValueError`] if it had another type, or the bytes are damaged.
    pub fn decode<Old>(&self) -> Result<Old, ValueError>
    where
        Old: DeserializeOwned + Serialize + 'static,
    {
        self.envelope.decode()
    }
}

debug_as_name!(OldValue<'a>);
