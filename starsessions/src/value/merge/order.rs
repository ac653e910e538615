//! `max` and `min`: the greater or the smaller value of all writers.

/// Values whose maximum or minimum is kept: `merge = max`, `merge = min`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `max` or `min`",
    label = "has no order, or cannot be cloned",
    note = "implement `PartialOrd` and `Clone` for `{Self}`, or use `merge = path::to::function`"
)]
pub trait Order {
    /// The larger of the two new values; the stored one if they cannot be compared.
    #[must_use]
    fn max(base: &Self, mine: &Self, theirs: &Self) -> Self;

    /// The smaller of the two new values; the stored one if they cannot be compared.
    ///
    /// For an `Option`, absent is the smallest value.
    #[must_use]
    fn min(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: PartialOrd + Clone> Order for T {
    fn max(_base: &Self, mine: &Self, theirs: &Self) -> Self {
        if mine > theirs { mine } else { theirs }.clone()
    }

    fn min(_base: &Self, mine: &Self, theirs: &Self) -> Self {
        if mine < theirs { mine } else { theirs }.clone()
    }
}
