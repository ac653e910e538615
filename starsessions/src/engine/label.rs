//! What a user calls a session, so that he knows it again in a list.

use super::{Engine, Place};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::record::Record;
use crate::schema::{FieldSpec, Merge};
use crate::value::{FieldType, Format};

/// No field of a session type has this name: theirs begin with a namespace.
pub(super) const LABEL: &str = ".label";

/// The label as a field: its value is text.
pub(crate) static LABEL_SPEC: FieldSpec = FieldSpec {
    name: LABEL,
    aliases: &[],
    field_type: FieldType::new::<String>(Format::Bincode),
    expires: None,
    idle: None,
    rotate: false,
    commit_always: false,
    index: false,
    secret: true,
    flash: false,
    merge: Merge::Last,
};

/// The most bytes of a label.
pub(crate) const LABEL_LIMIT: usize = 256;

impl Engine {
    /// The label of a session that was found in the store.
    pub(crate) fn label(&self, row: &RowKey, record: &Record, now: Timestamp) -> Option<String> {
        let Place::Server(server) = &self.place else {
            return None;
        };
        let label = server.vault.label(&self.keys, row, record, now)?;
        // One that the session itself could not open is empty from its next id on.
        let label = String::from_utf8(label.into()).ok();
        label.filter(|label| !label.is_empty())
    }
}
