//! Three-way merges: what this request saw, what it wrote, and what another request has stored
//! meanwhile become one value.
//!
//! A merge runs only if both sides changed. If only one did, its bytes are the result, whatever
//! the policy: so a removal that no other change contradicts stays a removal.

mod append;
mod flag;
mod flash;
mod order;
mod sum;
mod union;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::append::{Append, merge_append};
pub use self::flag::{Flag, merge_and, merge_or};
pub use self::flash::{Flash, merge_flash, merge_flashes};
pub use self::order::{Order, merge_max, merge_min};
pub use self::sum::{Sum, merge_sum};
pub use self::union::{Union, merge_union};
use super::{Stored, ValueError};

/// Merges a field that is never absent for the handler: where it is not stored, it has its
/// default.
///
/// A removal counts as setting the default, so that what the other side added since is not lost:
/// of a counter that went from 10 to 12 there and was removed here, 2 remain. A `required` field
/// has no default; if it is missing on a side, there is nothing to merge, and `mine` wins. So it
/// does if `theirs` cannot be read. A `base` that cannot be read counts as absent.
pub fn merge_value<T>(
    stored: &Stored<T>,
    default: Option<fn() -> T>,
    merge: fn(&T, &T, &T) -> T,
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, ValueError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if let Some(side) = only_change(base, mine, theirs) {
        return Ok(side.map(<[u8]>::to_vec));
    }
    let or_default = |value: Option<T>| value.or_else(|| default.map(|default| default()));
    let base = or_default(readable(stored, base).unwrap_or_default());
    let ours = or_default(mine.map(|bytes| stored.decode(bytes)).transpose()?);
    let theirs = readable(stored, theirs).and_then(or_default);
    match (base, ours, theirs) {
        (Some(base), Some(ours), Some(theirs)) => {
            store(stored, &merge(&base, &ours, &theirs)).map(Some)
        }
        _ => Ok(mine.map(<[u8]>::to_vec)),
    }
}

/// Merges an `Option` field: absent is `None`, and the policy decides about it.
///
/// What cannot be read is treated as by [`merge_value`].
pub fn merge_option<T>(
    stored: &Stored<T>,
    merge: MergeOption<T>,
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, ValueError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if let Some(side) = only_change(base, mine, theirs) {
        return Ok(side.map(<[u8]>::to_vec));
    }
    let base = readable(stored, base).unwrap_or_default();
    let ours = mine.map(|bytes| stored.decode(bytes)).transpose()?;
    let Some(theirs) = readable(stored, theirs) else {
        return Ok(mine.map(<[u8]>::to_vec));
    };
    let merged = merge(&base, &ours, &theirs);
    merged.map(|value| store(stored, &value)).transpose()
}

/// A policy for `Option` fields: base, mine, theirs.
type MergeOption<T> = fn(&Option<T>, &Option<T>, &Option<T>) -> Option<T>;

/// The side that changed, if only one did; a removal, if both removed.
fn only_change<'a>(
    base: Option<&[u8]>,
    mine: Option<&'a [u8]>,
    theirs: Option<&'a [u8]>,
) -> Option<Option<&'a [u8]>> {
    if theirs == base {
        Some(mine)
    } else if mine == base || (mine.is_none() && theirs.is_none()) {
        Some(theirs)
    } else {
        None
    }
}

/// The value of a side, which may be absent; `None` if there are bytes that are no valid value.
fn readable<T>(stored: &Stored<T>, side: Option<&[u8]>) -> Option<Option<T>>
where
    T: Serialize + DeserializeOwned + 'static,
{
    side.map(|bytes| stored.decode(bytes).ok())
        .map_or(Some(None), |value| value.map(Some))
}

fn store<T>(stored: &Stored<T>, value: &T) -> Result<Vec<u8>, ValueError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    stored.check_validity(value)?;
    let mut bytes = Vec::new();
    stored.encode(value, &mut bytes)?;
    Ok(bytes)
}
