use std::fmt;
use std::sync::Arc;

/// Why a type cannot be carried, or not safely, by a positional codec such as bincode.
///
/// The cure is the same for each: `#[session(codec = json)]` on the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomplete {
    /// The type contains itself, so hostile bytes could nest it until the stack overflows.
    Recursive {
        /// Where the type begins again, as in `root.children[]`.
        path: Arc<str>,
    },
    /// The type asks the format what comes next (`flatten`, `untagged`, `tag`), and a positional
    /// codec does not know.
    SelfDescribing {
        /// Where it asks.
        path: Arc<str>,
    },
    /// A list whose elements take no bytes, so that nine bytes could ask for 2^64 of them.
    EmptyElements {
        /// The list.
        path: Arc<str>,
    },
    /// A value that only some inputs are accepted for stands in front of this place, in a tuple
    /// or as a map key, and hides what follows: a change there would not be recognised.
    Opaque {
        /// The first place that is hidden.
        path: Arc<str>,
    },
    /// The type has more parts than are looked at.
    TooLarge,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recursive { path } => write!(f, "it contains itself at {}", Place(path)),
            Self::SelfDescribing { path } => write!(
                f,
                "it needs a self-describing format at {} (look for `flatten`, `untagged` or `tag`)",
                Place(path)
            ),
            Self::EmptyElements { path } => {
                write!(
                    f,
                    "the elements of the list at {} take no bytes",
                    Place(path)
                )
            }
            Self::Opaque { path } => write!(
                f,
                "a validated type in a tuple or a map key hides {}, so a change there would go unnoticed",
                Place(path)
            ),
            Self::TooLarge => f.write_str("it has too many parts"),
        }
    }
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("its top level")
        } else {
            write!(f, "`{}`", self.0)
        }
    }
}
