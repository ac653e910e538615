//! Three-way merges of the value that this request saw, the one that it wrote, and the one that another
//! request has stored meanwhile.
//!
//! A merge runs only if both sides changed. If only one side did, its bytes are the result with every
//! policy, so a removal that no other change contradicts stays a removal.

mod append;
mod flag;
mod flash;
mod order;
mod sum;
mod union;

pub use self::append::Append;
pub use self::flag::Flag;
pub use self::flash::{Flash, merge_flash};
pub use self::order::Order;
pub use self::sum::Sum;
pub use self::union::Union;
use super::{Stored, Value, ValueError};

/// The bytes that one side of a merge has for the field, if it has any.
pub(crate) type Side<'a> = Option<&'a [u8]>;

/// The bytes after a merge.
pub(crate) type Merged = Result<Option<Vec<u8>>, ValueError>;

/// A three-way merge of the value that this request saw, the one that it wrote, and the one stored now.
pub(crate) type Policy<T> = fn(&T, &T, &T) -> T;

/// The merge of a field that both sides changed; `None` if there is no common value.
pub(crate) type Both<'a, T> = &'a dyn Fn(Option<T>, Option<T>, Option<T>) -> Option<Option<T>>;

/// If `both` returns `None`, or `theirs` cannot be read, `mine` wins. A `base` that cannot be read counts as
/// absent.
pub(crate) fn merge<T: Value>(
    stored: &Stored<T>,
    [base, mine, theirs]: [Side<'_>; 3],
    both: Both<'_, T>,
) -> Merged {
    if let Some(side) = only_change(base, mine, theirs) {
        return Ok(side.map(<[u8]>::to_vec));
    }
    let read = |side: Side<'_>| side.map(|bytes| stored.decode(bytes)).transpose();
    let (base, ours) = (read(base).unwrap_or_default(), read(mine)?);
    let theirs = read(theirs).ok();
    match theirs.and_then(|theirs| both(base, ours, theirs)) {
        Some(merged) => merged.map(|value| store(stored, &value)).transpose(),
        None => Ok(mine.map(<[u8]>::to_vec)),
    }
}

/// The side that changed, if only one did; a removal, if both sides removed.
fn only_change<'a>(base: Side<'_>, mine: Side<'a>, theirs: Side<'a>) -> Option<Side<'a>> {
    if theirs == base {
        Some(mine)
    } else if mine == base || (mine.is_none() && theirs.is_none()) {
        Some(theirs)
    } else {
        None
    }
}

fn store<T: Value>(stored: &Stored<T>, value: &T) -> Result<Vec<u8>, ValueError> {
    stored.check_validity(value).map_err(ValueError::Invalid)?;
    let mut bytes = Vec::new();
    stored.encode(value, &mut bytes)?;
    Ok(bytes)
}

/// Absent counts as empty or zero, unless it is absent on both sides.
fn of_options<T: Default>(
    base: &Option<T>,
    mine: &Option<T>,
    theirs: &Option<T>,
    policy: Policy<T>,
) -> Option<T> {
    if mine.is_none() && theirs.is_none() {
        return None;
    }
    let empty = T::default();
    let [base, mine, theirs] = [base, mine, theirs].map(|side| side.as_ref().unwrap_or(&empty));
    Some(policy(base, mine, theirs))
}
