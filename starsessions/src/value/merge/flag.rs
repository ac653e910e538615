//! `and` and `or`: set on both sides, or on one of them.

/// Flags: `merge = and`, `merge = or`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `and` or `or`",
    label = "not a `bool`",
    note = "`and` and `or` are for `bool`"
)]
pub trait Flag {
    /// Set only if both sides have set it.
    #[must_use]
    fn and(base: &Self, mine: &Self, theirs: &Self) -> Self;

    /// Set if one side has set it.
    #[must_use]
    fn or(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

impl Flag for bool {
    fn and(_base: &Self, mine: &Self, theirs: &Self) -> Self {
        *theirs && *mine
    }

    fn or(_base: &Self, mine: &Self, theirs: &Self) -> Self {
        *theirs || *mine
    }
}
