//! The constant tables that describe a derived session type at run time.

use std::hash::Hash;
use std::time::Duration;

use crate::error::SessionError;
use crate::record::{Field, Record};
use crate::value::{FieldType, MergeFn, ValueError};

/// A session type as the derive macro describes it.
#[derive(Debug)]
pub struct Schema {
    /// The name of the struct, for messages.
    pub type_name: &'static str,
    /// The path of the struct's module, for a message about two structs of one name.
    pub module: &'static str,
    /// The realm of the layer that serves the struct; empty for the main one.
    pub realm: &'static str,
    /// If the session is bound to a device, the device must have proved itself.
    pub bound: bool,
    /// Where a request without the required fields is sent (303); `None` answers 401.
    pub reject: Option<&'static str>,
    /// The stored fields, in the order in which they were declared. `skip` fields are not here.
    pub fields: &'static [FieldSpec],
}

impl Schema {
    /// Refuses a struct of another realm: no extractor would read what it writes here, and no session would be found.
    pub(crate) fn is_served_by(&self, realm: &str) -> Result<(), SessionError> {
        if is_same_realm(self.realm, realm) {
            return Ok(());
        }
        Err(SessionError::OtherRealm {
            view: self.type_name,
            realm: self.realm,
        })
    }

    /// The fields whose codec does not return every value unchanged. The layer reports them when it first meets the
    /// struct, not when such a value is first written.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (&'static FieldSpec, ValueError)> {
        let fields = self.fields.iter();
        fields.filter_map(|spec| Some((spec, spec.field_type.examine().err()?)))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn has_flash(&self) -> bool {
        self.fields.iter().any(|spec| spec.flash)
    }
}

/// Most names are empty. Two empty names are not compared, because a vectorised `memcmp` of two dangling
/// pointers takes a hundred nanoseconds and more (AVX-512, glibc 2.36).
pub(crate) fn is_same_realm(one: &str, other: &str) -> bool {
    (one.is_empty() && other.is_empty()) || one == other
}

/// A value by which sessions are found: equal values have one encoding. A float is not `Eq`; a `HashSet` or a
/// `HashMap`, whose order varies, is not `Hash`.
#[diagnostic::on_unimplemented(
    message = "sessions cannot be found by a `{Self}`",
    label = "equal values may be stored differently",
    note = "an `index` implements `Eq` and `Hash`: derive them for a type of your own; a float, a `HashSet` and a `HashMap` cannot be one"
)]
pub trait IndexValue: Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<T: Eq + Hash> IndexValue for T {}

/// The indexed field, at `place`; a place out of bounds does not compile.
#[must_use]
pub const fn index_spec<T: IndexValue>(
    schema: &'static Schema,
    place: usize,
) -> &'static FieldSpec {
    &schema.fields[place]
}

/// One stored field of a session type.
#[derive(Debug)]
pub struct FieldSpec {
    /// The stored name, namespace included: `shop.cart`.
    pub name: &'static str,
    /// Former stored names, namespace included; read when `name` is absent, removed when it is written.
    pub aliases: &'static [&'static str],
    /// The version of the value's layout.
    pub version: u32,
    /// The type of the stored value.
    pub field_type: FieldType,
    /// Removed this long after the last write.
    pub expires: Option<Duration>,
    /// Removed this long after the last request that used the view.
    pub idle: Option<Duration>,
    /// Without this field there is no view.
    pub required: bool,
    /// A change of this field gives the session a new id in the same commit.
    pub rotate: bool,
    /// Kept even when the response is a server error.
    pub commit_always: bool,
    /// The store can list and revoke sessions by this value.
    pub index: bool,
    /// A message for the next page that is shown to the user.
    pub flash: bool,
    /// The merge with another request's change of the same field.
    pub merge: Merge,
}

/// How two concurrent changes of one field become one value.
#[derive(Clone, Copy, Debug)]
pub enum Merge {
    /// The later commit wins.
    Last,
    /// The later commit fails with a conflict.
    Exclusive,
    /// A three-way merge of what this request saw, what it wrote, and what is stored now.
    With(MergeFn),
}

impl FieldSpec {
    /// A field without attributes.
    pub(crate) const fn plain(name: &'static str, field_type: FieldType) -> Self {
        Self {
            name,
            aliases: &[],
            version: 1,
            field_type,
            expires: None,
            idle: None,
            required: false,
            rotate: false,
            commit_always: false,
            index: false,
            flash: false,
            merge: Merge::Last,
        }
    }

    /// The stored field, expired or not, and its stored name. While two versions of an application run side by
    /// side, each writes under the name that it knows: of the field's own and former names, the one written last
    /// counts, and of two written at the same time the first.
    pub(crate) fn find<'r>(&self, record: &'r Record) -> Option<(&'static str, Field<'r>)> {
        self.find_by(|name| record.get(name))
    }

    /// Like [`find`](Self::find), with another lookup of names.
    #[inline]
    pub(crate) fn find_by<'r>(
        &self,
        mut get: impl FnMut(&str) -> Option<Field<'r>>,
    ) -> Option<(&'static str, Field<'r>)> {
        if self.aliases.is_empty() {
            return get(self.name).map(|field| (self.name, field));
        }
        let mut newest = get(self.name).map(|field| (self.name, field));
        for alias in self.aliases {
            newest = match (newest, get(alias)) {
                (Some(newest), Some(field)) if field.written <= newest.1.written => Some(newest),
                (_, Some(field)) => Some((alias, field)),
                (newest, None) => newest,
            };
        }
        newest
    }
}

/// The part in front of a field's stored name, as `shop` in `shop.cart`.
pub(crate) fn namespace_of(name: &str) -> Option<&str> {
    name.split_once('.').map(|(namespace, _)| namespace)
}

/// The name of a field without its namespace, and without the `~` that the derive macro puts in front.
#[cfg(feature = "takeover")]
pub(crate) fn key_of(name: &str) -> &str {
    let (_, key) = name.split_once('.').unwrap_or(("", name));
    key.trim_start_matches('~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::record::Edit;
    use crate::value::Format;

    #[test]
    fn the_later_write_wins_under_whichever_name() {
        let spec = FieldSpec {
            aliases: &["shop.nick", "shop.call"],
            ..FieldSpec::plain("shop.handle", FieldType::new::<String>(Format::Bincode))
        };
        let newest = |stored: &[(&'static str, u64)]| {
            let mut record = Record::new(Timestamp::default(), Timestamp::default());
            for (name, revision) in stored {
                record.revision = *revision;
                record.rewrite(vec![Edit::set(name, b"")]);
            }
            spec.find(&record).map(|(name, _)| name)
        };
        let (handle, nick) = (Some("shop.handle"), Some("shop.nick"));
        for (stored, expected) in [
            (&[][..], None),
            (&[("shop.call", 1)], Some("shop.call")),
            (&[("shop.handle", 2), ("shop.nick", 1)], handle),
            (&[("shop.handle", 2), ("shop.nick", 3)], nick),
            (&[("shop.handle", 2), ("shop.nick", 2)], handle),
        ] {
            assert_eq!(newest(stored), expected, "{stored:?}");
        }
    }
}
