//! `and` and `or`: set on both sides, or on one of them.

use std::ops::{BitAnd, BitOr};

/// Values that are set or not: `merge = and`, `merge = or`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `and` or `or`",
    label = "not a `bool`",
    note = "`and` and `or` are for `bool`"
)]
pub trait Flag: Copy + BitAnd<Output = Self> + BitOr<Output = Self> {}

impl Flag for bool {}

/// Stays set only if both sides want it.
#[must_use]
pub fn merge_and<T: Flag>(_base: &T, mine: &T, theirs: &T) -> T {
    *theirs & *mine
}

/// Is set if one side wants it.
#[must_use]
pub fn merge_or<T: Flag>(_base: &T, mine: &T, theirs: &T) -> T {
    *theirs | *mine
}
