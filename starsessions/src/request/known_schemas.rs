//! The structs that a layer has used: the problems of a struct are logged once, at its first use.

use std::sync::OnceLock;

use crate::observe;
use crate::schema::{Schema, conflicts};

/// A list that only grows, so that a known struct is found without a lock.
#[derive(Debug, Default)]
pub(crate) struct KnownSchemas {
    schema: OnceLock<&'static Schema>,
    next: OnceLock<Box<Self>>,
}

impl KnownSchemas {
    /// Notes a struct; a new one is compared with those before it. `binds` says whether sessions can be bound to
    /// devices.
    #[inline]
    pub(super) fn note(&self, schema: &'static Schema, realm: &str, binds: bool) {
        let mut place = self;
        loop {
            let mut is_new = false;
            let known = place.schema.get_or_init(|| {
                is_new = true;
                schema
            });
            if is_new {
                return self.introduce(schema, realm, binds);
            }
            if std::ptr::eq(*known, schema) {
                return;
            }
            place = place.next.get_or_init(Box::default);
        }
    }

    #[cold]
    fn introduce(&self, schema: &'static Schema, realm: &str, binds: bool) {
        if schema.bound && !binds {
            observe::never_bound(realm, schema.type_name);
        }
        for (spec, loss) in schema.losses() {
            observe::lossy(realm, schema.type_name, spec.name, &loss);
        }
        for other in self.others(schema) {
            for conflict in conflicts(other, schema) {
                observe::conflicting(realm, conflict.loses_values(), &conflict);
            }
        }
    }

    fn others(&self, schema: &'static Schema) -> impl Iterator<Item = &'static Schema> {
        let all = std::iter::successors(Some(self), |place| place.next.get().map(|next| &**next));
        all.filter_map(|place| place.schema.get().copied())
            .filter(move |other| !std::ptr::eq(*other, schema))
    }
}
