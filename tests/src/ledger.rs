//! A memory store that writes down what it is asked to do.

use starsessions::store::{Row, Store};
use starsessions::testing::{StoredField, stored_fields};
use starsessions::{MemoryStore, Timestamp};

use crate::spy::Spy;

/// A memory store that writes down what it is asked to do.
pub type Ledger = Spy<MemoryStore>;

impl Spy<MemoryStore> {
    /// The row that was put last, as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub async fn row(&self, now: Timestamp) -> Row {
        let key = *self.keys().last().expect("a row was inserted");
        let row = self.store().load(&key, now).await.unwrap();
        row.expect("the row is there")
    }

    /// Its fields.
    ///
    /// # Panics
    /// If there is none.
    pub async fn fields(&self, now: Timestamp) -> Vec<StoredField> {
        stored_fields(&self.row(now).await).expect("a session in the clear")
    }

    /// The bytes of one of them.
    pub async fn bytes(&self, field: &str, now: Timestamp) -> Option<Vec<u8>> {
        let mut fields = self.fields(now).await.into_iter();
        fields.find(|it| it.name == field).map(|it| it.value)
    }
}
