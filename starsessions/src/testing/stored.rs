//! The content of a row in memory: for tests of rolling deploys, and of stores that replace others in tests.

use std::fmt;

use crate::clock::Timestamp;
use crate::record::{Edit, Record};
use crate::store::Row;

/// A field as it is stored.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredField {
    /// Its stored name: namespace, dot, name.
    pub name: String,
    /// Its encoded value.
    pub value: Vec<u8>,
    /// The second in which the field expires, from its last write.
    pub expires_at: Option<Timestamp>,
    /// The second in which the field expires, from its last use.
    pub idle_at: Option<Timestamp>,
}

/// The fields of a session that is kept in the clear, in the order of their names; `None` if the row is
/// sealed, or holds no session.
///
/// ```
/// use starsessions::Timestamp;
/// use starsessions::store::Row;
/// use starsessions::testing::stored_fields;
///
/// let at = Timestamp::from_unix_seconds;
/// let foreign = Row::new(*b"what another program wrote", at(0), at(600));
/// assert_eq!(stored_fields(&foreign), None);
/// ```
#[must_use]
pub fn stored_fields(row: &Row) -> Option<Vec<StoredField>> {
    let record = Record::parse_strictly(row.value.clone())?;
    let fields = record.fields().map(|(name, field)| StoredField {
        name: name.to_owned(),
        value: field.value.to_vec(),
        expires_at: field.expires_at(),
        idle_at: field.idle_at(),
    });
    Some(fields.collect())
}

/// The row as another version of the application would have left it, with this value in this field; `None` if
/// the row is sealed, or holds no session.
#[must_use]
pub fn with_stored_field(row: &Row, name: &str, value: &[u8]) -> Option<Row> {
    let mut record = Record::parse_strictly(row.value.clone())?;
    record.revision = row.revision + 1;
    record.rewrite(vec![Edit::set(name, value)]);
    let mut row = row.clone();
    row.revision = record.revision;
    row.value = record.packed();
    Some(row)
}

/// Shows the length of the value, not the value.
impl fmt::Debug for StoredField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredField")
            .field("name", &self.name)
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("expires_at", &self.expires_at)
            .field("idle_at", &self.idle_at)
            .finish()
    }
}
