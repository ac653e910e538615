//! A memory store that writes down what it is asked to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use starsessions::store::{
    Commit, Committed, Created, Forward, IndexKey, Loaded, Protection, Record, Rotated, Rotation,
    RowKey, Store, StoreError, Touch, Touched,
};
use starsessions::{MemoryStore, Timestamp};

/// A memory store that writes down what it is asked to do. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    store: MemoryStore,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    /// Where the last record was put.
    key: Option<RowKey>,
}

/// One operation.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the operations of `Store`, with what they carry"
)]
pub enum Entry {
    Load,
    Create(Record),
    Commit(Commit),
    Rotate(Rotation),
    Touch(Touch),
    Delete,
}

impl Ledger {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was asked since the last time; loads are left out.
    #[must_use]
    pub fn writes(&self) -> Vec<Entry> {
        let mut entries = std::mem::take(&mut self.book().entries);
        entries.retain(|entry| !matches!(entry, Entry::Load));
        entries
    }

    /// How often a record was loaded since the last time; forgets everything else too.
    #[must_use]
    pub fn loads(&self) -> usize {
        let entries = std::mem::take(&mut self.book().entries);
        let is_load = |entry: &&Entry| matches!(entry, Entry::Load);
        entries.iter().filter(is_load).count()
    }

    /// The record that was put last, as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub async fn record(&self, now: Timestamp) -> Record {
        let key = self.book().key.expect("a record was created");
        match self.store.load(&key, now).await {
            Ok(Some(Loaded::Live(record))) => record,
            other => panic!("no record: {other:?}"),
        }
    }

    /// The bytes of one field of that record.
    pub async fn bytes(&self, field: &str, now: Timestamp) -> Option<Bytes> {
        let record = self.record(now).await;
        record.fields.get(field).map(|field| field.value.clone())
    }

    fn write(&self, entry: Entry, key: Option<&RowKey>) {
        let mut book = self.book();
        book.entries.push(entry);
        book.key = key.copied().or(book.key);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Ledger {
    fn protection(&self) -> Protection {
        self.store.protection()
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        self.write(Entry::Load, None);
        self.store.load(key, now).await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.write(Entry::Create(record.clone()), Some(key));
        self.store.create(key, record, now).await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(Entry::Commit(commit.clone()), None);
        self.store.commit(key, commit, now).await
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        self.write(Entry::Rotate(rotation.clone()), Some(new));
        self.store.rotate(old, new, rotation, now).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.write(Entry::Touch(touch.clone()), None);
        self.store.touch(key, touch, now).await
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        self.write(Entry::Delete, None);
        self.store.delete(key, now).await
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        self.store.sessions_of(index, now).await
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.store.sweep(limit, now).await
    }
}
