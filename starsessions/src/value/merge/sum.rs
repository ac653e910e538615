//! `sum`: the sum of what all writers have added.

use std::time::Duration;

use super::of_options;

/// Values that parallel requests may add to and subtract from: `merge = sum`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be merged with `sum`",
    label = "not a number",
    note = "`sum` is for integers, `f32`, `f64`, `Duration` and `Option`s of them; for collections there are `union` and `append`, for everything else `merge = path::to::function`"
)]
pub trait Sum {
    /// Adds this request's difference to the stored value: `theirs + (mine - base)`, saturating at the limits of the
    /// type.
    #[must_use]
    fn sum(base: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// The difference of two numbers may not fit into their type, but its absolute value fits into the unsigned
/// type.
macro_rules! integers {
    ($add:ident, $subtract:ident: $($integer:ty)*) => {$(
        impl Sum for $integer {
            fn sum(base: &Self, mine: &Self, theirs: &Self) -> Self {
                let amount = mine.abs_diff(*base);
                if mine >= base {
                    theirs.$add(amount)
                } else {
                    theirs.$subtract(amount)
                }
            }
        }
    )*};
}

integers! { saturating_add, saturating_sub: u8 u16 u32 u64 u128 usize Duration }
integers! { saturating_add_unsigned, saturating_sub_unsigned: i8 i16 i32 i64 i128 isize }

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Sum for $float {
            fn sum(base: &Self, mine: &Self, theirs: &Self) -> Self {
                // Rounding must not change the result if only one side has changed.
                if theirs == base {
                    return *mine;
                }
                let sum = theirs + (mine - base);
                // Infinities can cancel out; then there is no sum.
                if sum.is_nan() { *mine } else { sum.clamp(Self::MIN, Self::MAX) }
            }
        }
    )*};
}

floats! { f32 f64 }

impl<T: Sum + Default> Sum for Option<T> {
    fn sum(base: &Self, mine: &Self, theirs: &Self) -> Self {
        of_options(base, mine, theirs, T::sum)
    }
}
