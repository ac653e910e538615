//! Session types at run time: their tables, reading and writing their fields in a record, and the parts of the derive
//! macro's output.

mod conflict;
mod data;
mod expansion;
mod reader;
mod spec;
mod writer;

pub(crate) use self::conflict::conflicts;
pub use self::data::{Indexed, SessionData};
pub use self::expansion::{
    Column, HasDefault, Migrated, Optional, Present, Show, ShowOpaque, ShowValue, Verdict, column,
    default_of, validate,
};
pub(crate) use self::reader::Rule;
pub use self::reader::{Absent, FieldReader};
pub(crate) use self::spec::is_same_realm;
#[cfg(feature = "takeover")]
pub(crate) use self::spec::key_of;
pub(crate) use self::spec::namespace_of;
pub use self::spec::{FieldSpec, IndexValue, Merge, Schema, index_spec};
pub use self::writer::FieldWriter;
pub(crate) use self::writer::{Changed, ChangedFields, Checks, Collect, Snapshot};
