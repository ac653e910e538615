use super::append::{Append, merge_append};
use crate::value::ValueError;

/// Lists of messages: `flash`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `flash`",
    label = "neither an `Option` nor a list",
    note = "`flash` is for an `Option`, and for a `Vec` or `VecDeque` with elements that are `Clone` and `PartialEq`"
)]
pub trait Flash: Append {}

impl<T> Flash for Vec<T> where Self: Append {}
impl<T> Flash for std::collections::VecDeque<T> where Self: Append {}

/// What is stored now, without the messages that this request took, with those that it added.
#[must_use]
pub fn merge_flashes<T: Flash>(base: &T, mine: &T, theirs: &T) -> T {
    merge_append(base, mine, theirs)
}

/// Who takes a message takes the one that he saw: a newer one stays. Of two that are set, the later.
///
/// # Errors
/// None; as for the other merges.
pub fn merge_flash(
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, ValueError> {
    let merged = if mine.is_some() || theirs == base {
        mine
    } else {
        theirs
    };
    Ok(merged.map(<[u8]>::to_vec))
}
