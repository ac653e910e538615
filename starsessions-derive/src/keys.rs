//! The vocabulary: a table of every key of `#[session(..)]`.
//!
//! Parsing, suggestions, "belongs on a field", the reference page and two tests use this table.

use crate::suggest::{list, nearest};

/// A key, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Alias,
    Bound,
    Codec,
    Commit,
    Crate,
    Default,
    Exclusive,
    Expires,
    Flash,
    Idle,
    Index,
    Merge,
    Migrate,
    Namespace,
    Realm,
    Reject,
    Rename,
    Required,
    Rotate,
    Secret,
    Skip,
    Until,
    Validate,
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Field,
    Struct,
}

/// How often a key may be given, and whether it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `rotate`
    Flag,
    /// `expires = "10m"`
    Value,
    /// `alias = "a", alias = "b"`
    Values,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) shape: Shape,
    /// The key as it is written, with a value if it takes one.
    pub(crate) usage: &'static str,
    /// Its effect, as in the reference.
    pub(crate) doc: &'static str,
}

/// The row of `name` at `place`, or the sentence that says what to write instead.
pub(crate) fn find(place: Place, name: &str) -> Result<&'static Entry, String> {
    if let Some(entry) = at(place).find(|entry| entry.name == name) {
        return Ok(entry);
    }
    // A key found from here on belongs to another place.
    if let Some(entry) = VOCABULARY.iter().find(|entry| entry.name == name) {
        let (here, there) = (place.describe(), entry.place.describe());
        return Err(format!(
            "`{name}` does not go on {here}; it belongs on {there}"
        ));
    }
    if let Some(meant) = nearest(name, at(place).map(|entry| entry.name)) {
        return Err(format!("unknown key `{name}`; did you mean `{meant}`?"));
    }
    if let Some(meant) = nearest(name, VOCABULARY.iter().map(|entry| entry.name)) {
        let there = place.other().describe();
        return Err(format!(
            "unknown key `{name}`; did you mean `{meant}`, which belongs on {there}?"
        ));
    }
    let (here, keys) = (place.describe(), list(at(place).map(|entry| entry.name)));
    Err(format!("unknown key `{name}`; {here} takes {keys}"))
}

fn at(place: Place) -> impl Iterator<Item = &'static Entry> {
    VOCABULARY.iter().filter(move |entry| entry.place == place)
}

impl Place {
    /// The place, after "on".
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Field => "a field",
            Self::Struct => "the struct",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Field => Self::Struct,
            Self::Struct => Self::Field,
        }
    }
}

/// An entry whose name is the part of `usage` before the first space.
const fn field(key: Key, shape: Shape, usage: &'static str, doc: &'static str) -> Entry {
    let mut end = 0;
    while end < usage.len() && usage.as_bytes()[end] != b' ' {
        end += 1;
    }
    Entry {
        key,
        name: usage.split_at(end).0,
        place: Place::Field,
        shape,
        usage,
        doc,
    }
}

const fn on_struct(key: Key, shape: Shape, usage: &'static str, doc: &'static str) -> Entry {
    Entry {
        place: Place::Struct,
        ..field(key, shape, usage, doc)
    }
}

/// Every key, in the order in which the reference describes them.
#[rustfmt::skip]
pub(crate) static VOCABULARY: &[Entry] = &[
    field(Key::Default, Shape::Value, "default = 1", "the field's value while nothing is stored"),
    field(Key::Required, Shape::Flag, "required", "without a stored value the extractor rejects the request"),
    field(Key::Expires, Shape::Value, "expires = \"10m\"", "removed this long after it was last written"),
    field(Key::Idle, Shape::Value, "idle = \"15m\"", "removed this long after a request last used the view"),
    field(Key::Until, Shape::Value, "until = rotate", "removed when the session gets a new id for a change of privileges"),
    field(Key::Rotate, Shape::Flag, "rotate", "a change gives the session a new id in the same commit"),
    field(Key::Merge, Shape::Value, "merge = sum", "how a concurrent change of the same field is merged with this one"),
    field(Key::Exclusive, Shape::Flag, "exclusive", "a concurrent change of the same field is a conflict"),
    field(Key::Flash, Shape::Flag, "flash", "a message that is shown once, and not to a prefetch"),
    field(Key::Commit, Shape::Value, "commit = always", "a change is kept even when the response is a server error"),
    field(Key::Index, Shape::Flag, "index", "sessions can be listed and revoked by this value"),
    field(Key::Validate, Shape::Value, "validate = path::to::function", "checked when the value is loaded and before it is committed"),
    field(Key::Rename, Shape::Value, "rename = \"name\"", "the stored name"),
    field(Key::Alias, Shape::Values, "alias = \"former_name\"", "a former stored name that is still read"),
    field(Key::Version, Shape::Value, "version = 2", "the version of the value's own layout"),
    field(Key::Migrate, Shape::Value, "migrate = path::to::function", "how a value of an older version becomes a current one"),
    field(Key::Codec, Shape::Value, "codec = json", "how the value is written"),
    field(Key::Secret, Shape::Flag, "secret", "the value is never shown"),
    field(Key::Skip, Shape::Flag, "skip", "the field is never stored"),
    on_struct(Key::Namespace, Shape::Value, "namespace = \"shop\"", "the prefix of the stored names of the fields"),
    on_struct(Key::Reject, Shape::Value, "reject = \"/login\"", "where a request without the required fields is redirected"),
    on_struct(Key::Bound, Shape::Flag, "bound", "a device that the session is bound to must have proved itself"),
    on_struct(Key::Validate, Shape::Value, "validate = path::to::function", "checked when the fields are loaded and before they are committed"),
    on_struct(Key::Until, Shape::Value, "until = rotate", "all fields are removed when the session gets a new id for a change of privileges"),
    on_struct(Key::Realm, Shape::Value, "realm = \"admin\"", "which session layer serves the view"),
    on_struct(Key::Crate, Shape::Value, "crate = path::to::starsessions", "where the generated code finds starsessions"),
];

#[cfg(test)]
mod tests {
    use super::{VOCABULARY, find};

    #[test]
    fn every_key_is_found_where_it_belongs() {
        for entry in VOCABULARY {
            assert_eq!(find(entry.place, entry.name).unwrap().doc, entry.doc);
        }
    }
}
