//! Types that a positional codec cannot carry.

use std::sync::Arc;

use crate::sentence::sentences;

/// Why a positional codec such as bincode cannot carry a type, with any value.
///
/// The cure is always `#[session(codec = json)]` on the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomplete {
    /// The type asks the format what comes next (`flatten`, `untagged`, `tag`, and some types of other
    /// crates), which a positional codec does not know.
    SelfDescribing {
        /// The place in the type, as in `cart.items[].price`; empty for the type itself.
        path: Arc<str>,
    },
    /// `skip_serializing_if` leaves out a field of some values, so the next field would be read in its place.
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
