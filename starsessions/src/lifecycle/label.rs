//! The user's name for a session, to recognise it in a list.

use crate::record::LABEL;
use crate::schema::FieldSpec;
use crate::value::{FieldType, Format};

/// The label as a field: its value is text.
pub(crate) static LABEL_SPEC: FieldSpec =
    FieldSpec::plain(LABEL, FieldType::new::<String>(Format::Bincode));

/// The most bytes of a label.
pub(crate) const LABEL_LIMIT: usize = 256;
