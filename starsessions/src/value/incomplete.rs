//! Types that a positional codec cannot carry.

use std::sync::Arc;

use crate::sentence::sentences;

/// Why a type cannot be carried by a positional codec such as bincode, whatever its values are.
///
/// The cure is the same for each: `#[session(codec = json)]` on the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomplete {
    /// The type asks the format what comes next (`flatten`, `untagged`, `tag`, and some types of other
    /// crates), and a positional codec does not know.
    SelfDescribing {
        /// Where it asks, as in `cart.items[].price`; empty for the type itself.
        path: Arc<str>,
    },
    /// `skip_serializing_if` leaves out a field of some values, and its place would be read as the next one.
    SkipsField {
        /// The field.
        field: &'static str,
    },
    /// A list whose elements take no bytes, so that nine bytes could ask for 2^64 of them.
    EmptyElements,
}

sentences! { Incomplete:
    Self::SelfDescribing { path } if path.is_empty() => "it needs a format that describes itself";
    Self::SelfDescribing { path } => "`{path}` needs a format that describes itself";
    Self::SkipsField { field } => "`skip_serializing_if` leaves out `{field}` of some values";
    Self::EmptyElements => "the elements of a list in it take no bytes";
}
