//! The rules about more than one attribute. Each rule is a function, with the bad input above it, or a line of
//! [`CONTRADICTIONS`].
//!
//! A rule checks which attributes are *written*, so that a value that was already reported causes no second error.

use std::collections::BTreeMap;

use syn::Type;

use crate::attr::{Attrs, Item};
use crate::ctxt::Ctxt;
use crate::keys::Key;
use crate::model::{Field, Kind, Model, Stored};
use crate::value::Merge;

pub(crate) fn check(cx: &Ctxt, model: &Model<'_>) {
    if model.named {
        nothing_is_stored(cx, model);
        reject_without_required(cx, model);
    }
    two_indexes(cx, model);
    names_are_taken(cx, model);
    names_are_too_long(cx, model);
    for field in &model.fields {
        let attrs = &field.attrs;
        skip_with_others(cx, attrs);
        contradictions(cx, attrs);
        required_option(cx, field);
        let Kind::Stored(stored) = &field.kind else {
            continue;
        };
        borrowed(cx, stored.ty(field.ty));
        rotate_with_merge(cx, attrs, stored);
        idle_outlives_expires(cx, attrs, stored);
        migrate_without_version(cx, attrs, stored);
        version_without_migrate(cx, attrs, stored);
    }
}

/// ```text
/// struct Shop { #[session(skip)] cart: Vec<Item> }
/// ```
fn nothing_is_stored(cx: &Ctxt, model: &Model<'_>) {
    if model.stored().next().is_none() {
        let name = model.ident;
        let message = format!("`{name}` stores nothing; add a field that is not `skip`");
        cx.error(name, message);
    }
}

/// ```text
/// #[session(reject = "/login")] struct Shop { cart: Vec<Item> }
/// ```
fn reject_without_required(cx: &Ctxt, model: &Model<'_>) {
    let mut fields = model.fields.iter();
    if let Some(reject) = model.attrs.get(Key::Reject)
        && !fields.any(|field| field.attrs.has(Key::Required))
    {
        let message = "`reject` has no effect, because no field is `required`; mark one `required`, or remove `reject`";
        cx.error(&reject.key, message);
    }
}

/// ```text
/// struct Login { #[session(index)] user: u64, #[session(index)] company: u64 }
/// ```
fn two_indexes(cx: &Ctxt, model: &Model<'_>) {
    let mut indexes = model
        .fields
        .iter()
        .filter_map(|field| Some((field, field.attrs.get(Key::Index)?)));
    let Some((first, _)) = indexes.next() else {
        return;
    };
    for (_, item) in indexes {
        let first = first.ident;
        let message = format!(
            "sessions of this type are found by `{first}` already; put this field into a session type of its own"
        );
        cx.error(&item.key, message);
    }
}

/// ```text
/// struct Shop { cart: Vec<Item>, #[session(alias = "cart")] basket: Vec<Item> }
/// ```
fn names_are_taken(cx: &Ctxt, model: &Model<'_>) {
    let mut taken = BTreeMap::new();
    for (field, stored) in model.stored() {
        for name in stored.names() {
            let spellings = model.spellings(stored, name);
            let mut owners = spellings.map(|it| *taken.entry(it).or_insert((field, name)));
            let Some(owner) = owners.find(|owner| !std::ptr::eq(owner.1, name)) else {
                continue;
            };
            let text = &name.text;
            let message = if std::ptr::eq(owner.0, field) {
                format!("`{text}` is a name of this field already; remove it here")
            } else {
                let owner = owner.0.ident;
                format!("the stored name `{text}` is taken by the field `{owner}`; choose another")
            };
            cx.error(&name.at, message);
        }
    }
}

/// A namespace and a field that are each short enough, but too long together.
fn names_are_too_long(cx: &Ctxt, model: &Model<'_>) {
    let names = model
        .stored()
        .flat_map(|(_, stored)| stored.names().map(move |name| (stored, name)));
    for (stored, name) in names {
        let lengths = model.spellings(stored, name).map(|it| it.len());
        let length = lengths.max().unwrap_or_default();
        if length > LONGEST_STORED_NAME {
            let message = format!(
                "with its namespace the stored name has {length} bytes; shorten one of them, {LONGEST_STORED_NAME} are the most"
            );
            cx.error(&name.at, message);
        }
    }
}

/// ```text
/// #[session(skip, rotate)]
/// ```
fn skip_with_others(cx: &Ctxt, attrs: &Attrs) {
    let harmless = [Key::Skip, Key::Default, Key::Secret];
    for item in attrs.iter() {
        if !harmless.contains(&item.entry.key)
            && let Some(pair) = attrs.both(Key::Skip, item)
        {
            contradiction(
                cx,
                pair,
                "a `skip` field is never stored; remove one of them",
            );
        }
    }
}

/// ```text
/// #[session(required, default = 1)]
/// ```
fn contradictions(cx: &Ctxt, attrs: &Attrs) {
    for (key, other, why) in CONTRADICTIONS {
        if let Some(pair) = attrs.pair(key, other) {
            contradiction(cx, pair, why);
        }
    }
}

/// ```text
/// #[session(required)] user: Option<User>
/// ```
fn required_option(cx: &Ctxt, field: &Field<'_>) {
    if let Some(required) = field.attrs.get(Key::Required)
        && field.is_option()
    {
        let message = "a `required` field is never `None`; take the `Option` off its type, or remove `required`";
        cx.error(&required.key, message);
    }
}

/// ```text
/// struct Shop<'a> { name: &'a str }
/// ```
fn borrowed(cx: &Ctxt, ty: &Type) {
    if let Type::Reference(reference) = ty {
        let message = "a session outlives the request and cannot store a reference; store what it points to, as in `String` for `&str`";
        cx.error(reference, message);
    }
}

/// ```text
/// #[session(rotate, merge = union)]
/// ```
fn rotate_with_merge(cx: &Ctxt, attrs: &Attrs, stored: &Stored<'_>) {
    if let Some(pair) = attrs.pair(Key::Rotate, Key::Merge)
        && !matches!(stored.merge, Merge::Last)
    {
        let why = "two requests that change who is signed in have no common result; write `merge = last` or `exclusive`";
        contradiction(cx, pair, why);
    }
}

/// ```text
/// #[session(expires = "5m", idle = "10m")]
/// ```
fn idle_outlives_expires(cx: &Ctxt, attrs: &Attrs, stored: &Stored<'_>) {
    if let (Some(idle), Some(expires)) = (stored.idle, stored.expires)
        && idle >= expires
        && let Some(pair) = attrs.pair(Key::Expires, Key::Idle)
    {
        let why = "`idle` never ends first; make it the shorter one, or remove it";
        contradiction(cx, pair, why);
    }
}

/// ```text
/// #[session(migrate = from_v1)]
/// ```
fn migrate_without_version(cx: &Ctxt, attrs: &Attrs, stored: &Stored<'_>) {
    let Some(migrate) = attrs.get(Key::Migrate) else {
        return;
    };
    match attrs.both(Key::Version, migrate) {
        Some(pair) if stored.version == Some(1) => {
            let why = "version 1 has nothing older; write `version = 2` or higher";
            contradiction(cx, pair, why);
        }
        Some(_) => {}
        None => {
            let message = "`migrate` is never called at version 1; add `version = 2` or higher";
            cx.error(&migrate.key, message);
        }
    }
}

/// ```text
/// #[session(version = 2)]
/// ```
fn version_without_migrate(cx: &Ctxt, attrs: &Attrs, stored: &Stored<'_>) {
    if let Some(version @ 2..) = stored.version
        && let Some(item) = attrs.get(Key::Version)
        && !attrs.has(Key::Migrate)
    {
        let message = format!(
            "older values would be lost at version {version}; add `migrate = path::to::function`, or stay at version 1"
        );
        cx.error(&item.value, message);
    }
}

/// Reports two items that contradict each other, at the later one.
fn contradiction(cx: &Ctxt, (earlier, later): (&Item, &Item), why: &str) {
    let (earlier, described) = (earlier.describe(), later.describe());
    let message = format!("`{described}` contradicts `{earlier}`: {why}");
    cx.error(later, message);
}

/// The most bytes of a stored name, namespace and dot included.
const LONGEST_STORED_NAME: usize = 128;

/// Keys of a field that contradict each other with any values, and why.
#[rustfmt::skip]
const CONTRADICTIONS: [(Key, Key, &str); 10] = [
    (Key::Required, Key::Default, "a `required` field is never absent; remove one of them"),
    (Key::Exclusive, Key::Merge, "an `exclusive` field is never merged; remove one of them"),
    (Key::Flash, Key::Required, "a message is not always there; remove one of them"),
    (Key::Flash, Key::Default, "a message that was shown would come back; remove one of them"),
    (Key::Flash, Key::Rotate, "a change of a message is no change of privileges; remove one of them"),
    (Key::Flash, Key::Index, "a message is removed when it is shown, so sessions are no longer found by it; remove one of them"),
    (Key::Flash, Key::Merge, "a `flash` field has a merge of its own; remove one of them"),
    (Key::Flash, Key::Exclusive, "two requests at once may both show a message; for what can be used once, write `exclusive` alone"),
    (Key::Flash, Key::Commit, "a failed response shows no message; remove one of them"),
    (Key::Rotate, Key::Commit, "a request that failed must not change who is signed in; remove one of them"),
];
