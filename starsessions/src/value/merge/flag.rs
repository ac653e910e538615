//! `and` and `or`: set on both sides, or on one of them.

/// Values that are set or not: `merge = and`, `merge = or`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `and` or `or`",
    label = "not a `bool`",
    note = "`and` and `or` are for `bool`"
)]
pub trait Flag {
    /// Set on both sides.
    #[must_use]
    fn and(&self, other: &Self) -> Self;

    /// Set on one side at least.
    #[must_use]
    fn or(&self, other: &Self) -> Self;
}

impl Flag for bool {
    fn and(&self, other: &Self) -> Self {
        *self && *other
    }

    fn or(&self, other: &Self) -> Self {
        *self || *other
    }
}

/// Stays set only if both sides want it.
#[must_use]
pub fn merge_and<T: Flag>(_base: &T, mine: &T, theirs: &T) -> T {
    theirs.and(mine)
}

/// Is set if one side wants it.
#[must_use]
pub fn merge_or<T: Flag>(_base: &T, mine: &T, theirs: &T) -> T {
    theirs.or(mine)
}
