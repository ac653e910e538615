//! What a derived session type looks like to the runtime: constant tables, no logic.

use std::time::Duration;

use crate::record::{Field, Record};
use crate::value::MergeFn;

/// A session type as the derive macro describes it.
#[derive(Debug)]
pub struct Schema {
    /// The name of the struct, for messages.
    pub type_name: &'static str,
    /// The layer that serves it; empty for the main one.
    pub realm: &'static str,
    /// Where a request without the required fields is sent (303); `None` answers 401.
    pub reject: Option<&'static str>,
    /// The stored fields, in the order in which they were declared. `skip` fields are not here.
    pub fields: &'static [FieldSpec],
}

impl Schema {
    /// Whether a field is a message.
    #[cfg(feature = "axum")]
    pub(crate) fn has_flash(&self) -> bool {
        self.fields.iter().any(|spec| spec.flash)
    }
}

/// The field at a place; a place that is not there does not compile.
#[must_use]
pub const fn spec(schema: &'static Schema, place: usize) -> &'static FieldSpec {
    &schema.fields[place]
}

/// One stored field of a session type.
#[derive(Debug)]
pub struct FieldSpec {
    /// The stored name, namespace included: `shop.cart`.
    pub name: &'static str,
    /// Former stored names, namespace included; read when `name` is absent, removed when it is written.
    pub aliases: &'static [&'static str],
    /// Gone this long after the last write.
    pub expires: Option<Duration>,
    /// Gone this long after the last request that used the view.
    pub idle: Option<Duration>,
    /// A change of this field gives the session a new id in the same commit.
    pub rotate: bool,
    /// Kept even when the response is a server error.
    pub commit_always: bool,
    /// The store can list and revoke sessions by this value.
    pub index: bool,
    /// Never shown by `Debug`, traces or listings.
    pub secret: bool,
    /// A message for the next page that somebody looks at.
    pub flash: bool,
    /// What happens when another request changed the same field meanwhile.
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
    /// The stored field, dead or alive, and its name there. While an older version of the application
    /// still writes a former name, the one that was written later counts.
    pub(crate) fn find<'r>(&self, record: &'r Record) -> Option<(&'static str, Field<'r>)> {
        let mut found = record.get(self.name).map(|field| (self.name, field));
        for alias in self.aliases {
            let is_later =
                |former: &Field<'_>| found.is_none_or(|(_, field)| field.written < former.written);
            if let Some(former) = record.get(alias).filter(is_later) {
                found = Some((alias, former));
            }
        }
        found
    }
}
