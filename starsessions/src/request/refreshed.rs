//! In debug builds, a warning about structs that mix the user's identity with data that is refreshed.

use super::{Seen, Slot};
use crate::schema::{Changed, ChangedFields, FieldSpec, Merge, Schema};
use crate::value::{FieldType, Format};

impl Slot {
    /// Warns if a value of a `rotate` field is replaced by another one, while a `required` `rotate` field of the same
    /// struct stays. Flags are exempt, because they are privileges; so are `exclusive` fields, whose author has thought
    /// of concurrent changes.
    pub(crate) fn report_refreshed(
        &self,
        schema: &'static Schema,
        seen: &Seen,
        changed: &ChangedFields,
    ) {
        let Some(record) = &seen.record else { return };
        let is_changed =
            |spec: &FieldSpec| changed.iter().any(|(changed, _)| changed.name == spec.name);
        let identity = schema
            .fields
            .iter()
            .find(|spec| spec.rotate && spec.required);
        let Some(identity) = identity.filter(|spec| !is_changed(spec)) else {
            return;
        };
        let is_flag = |spec: &FieldSpec| spec.field_type.is(&FLAG);
        let is_refreshed = |(spec, value): &Changed| {
            spec.rotate
                && !matches!(spec.merge, Merge::Exclusive)
                && !is_flag(spec)
                && value.is_some()
                && spec.find(record).is_some()
        };
        if let Some((spec, _)) = changed.iter().find(is_refreshed) {
            let reporter = &self.realm().reporter;
            reporter.refreshed_privilege(schema.type_name, spec.name, identity.name);
        }
    }
}

const FLAG: FieldType = FieldType::new::<bool>(Format::Bincode);
