//! The content of writes, for sessions stored in the clear.

use starsessions::Timestamp;
use starsessions::store::{Row, Store, Touch};
use starsessions::testing::{StoredField, stored_fields};

use super::Spy;

/// A write that was requested from a store.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the operations of `Store`, with what they carry"
)]
pub enum Write {
    Insert(Row),
    Replace { seen: Row, row: Row },
    Rotate { seen: Row, left: Row, row: Row },
    Touch(Touch),
    Remove,
}

/// The fields that a write changes in a session stored in the clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The names of the new or changed fields.
    pub set: Vec<String>,
    /// The names of the removed fields.
    pub removed: Vec<String>,
}

impl Write {
    /// The changed fields, compared with the row that was read.
    #[must_use]
    pub fn difference(&self) -> Difference {
        let (before, after) = match self {
            Self::Insert(row) => (Vec::new(), fields(row)),
            Self::Replace { seen, row } | Self::Rotate { seen, row, .. } => {
                (fields(seen), fields(row))
            }
            Self::Touch(_) | Self::Remove => return Difference::default(),
        };
        let names = |fields: &[StoredField], others: &[StoredField]| {
            let own = fields.iter().filter(|field| !others.contains(field));
            own.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        let set = names(&after, &before);
        let mut removed = names(&before, &after);
        removed.retain(|name| !after.iter().any(|field| field.name == *name));
        Difference { set, removed }
    }
}

fn fields(row: &Row) -> Vec<StoredField> {
    stored_fields(row).unwrap_or_default()
}

impl Spy {
    /// The current row of the session whose key was written last.
    ///
    /// # Panics
    /// If there is none.
    pub async fn row(&self, now: Timestamp) -> Row {
        let key = *self.keys().last().expect("a session was inserted");
        let row = self.store().load(&key, now).await.unwrap();
        row.expect("the row is there")
    }

    /// The fields of [`row`](Self::row).
    ///
    /// # Panics
    /// If there is none.
    pub async fn fields(&self, now: Timestamp) -> Vec<StoredField> {
        stored_fields(&self.row(now).await).expect("a session in the clear")
    }

    /// The bytes of one field of [`row`](Self::row).
    pub async fn bytes(&self, field: &str, now: Timestamp) -> Option<Vec<u8>> {
        let mut fields = self.fields(now).await.into_iter();
        fields.find(|it| it.name == field).map(|it| it.value)
    }
}
