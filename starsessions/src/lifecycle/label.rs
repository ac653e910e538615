//! What a user calls a session, to recognise it in a list.

pub(crate) use crate::record::LABEL;
use crate::schema::{FieldSpec, Merge};
use crate::value::{FieldType, Format};

/// The label as a field: its value is text.
pub(crate) static LABEL_SPEC: FieldSpec = FieldSpec {
    name: LABEL,
    aliases: &[],
    version: 1,
    field_type: FieldType::new::<String>(Format::Bincode),
    expires: None,
    idle: None,
    required: false,
    rotate: false,
    commit_always: false,
    index: false,
    flash: false,
    merge: Merge::Last,
};

/// The most bytes of a label.
pub(crate) const LABEL_LIMIT: usize = 256;
