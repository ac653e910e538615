//! A store as the engine sees it: rows by token, values in the clear.
//!
//! What lies in the store is sealed under a key that only the session's cookie leads to, each value
//! bound to its application, row, field, to when the session began and to when the value expires. So
//! a copy of the store reveals nothing, and whoever can write to it can neither move a value
//! elsewhere nor let it live longer than its `expires` or than the longest absolute timeout.
//! (OWASP ASVS 14.2.4.)
//!
//! Not bound is what moves without a new value: idle deadlines, the profile, revisions, index keys.

use std::borrow::Cow;

use bytes::Bytes;

use super::label::LABEL;
use super::timed::TimedStore;
use crate::clock::Timestamp;
use crate::crypto::{
    self, FieldPlace, IndexKey, KeyRing, RecordKey, ReferenceToken, RowKey, SealError,
};
use crate::error::SessionError;
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Protection, Rotated, StoreError, Touched};

pub(crate) struct Vault {
    pub(crate) store: TimedStore,
    is_sealed: bool,
    /// Sets the values of this application apart from those of others in the same store.
    pub(crate) audience: String,
}

impl Vault {
    pub(crate) fn new(store: TimedStore) -> Self {
        Self {
            is_sealed: store.protection() == Protection::Sealed,
            store,
            audience: String::new(),
        }
    }

    pub(super) async fn load(
        &self,
        token: &ReferenceToken,
        now: Timestamp,
    ) -> Result<Option<Loaded>, StoreError> {
        let loaded = self.store.load(token.row_key(), now).await?;
        Ok(loaded.map(|loaded| match loaded {
            Loaded::Live(record) => Loaded::Live(self.open(token, record)),
            other => other,
        }))
    }

    pub(super) async fn create(
        &self,
        token: &ReferenceToken,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, SessionError> {
        let record = self.seal(token, record)?;
        Ok(self.store.create(token.row_key(), &record, now).await?)
    }

    /// Commits to a record that was created at `created_at`.
    pub(super) async fn commit(
        &self,
        token: &ReferenceToken,
        created_at: Timestamp,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, SessionError> {
        let commit = self.seal_commit(token, created_at, commit)?;
        let committed = self.store.commit(token.row_key(), &commit, now).await?;
        Ok(match committed {
            Committed::Conflict(theirs) => Committed::Conflict(self.open(token, theirs)),
            other => other,
        })
    }

    pub(super) async fn rotate(
        &self,
        old: &ReferenceToken,
        new: &ReferenceToken,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, SessionError> {
        let mut sealed = Rotation::new(
            self.seal(new, &rotation.record)?.into_owned(),
            rotation.expected,
        );
        sealed.forward.clone_from(&rotation.forward);
        let (from, to) = (old.row_key(), new.row_key());
        Ok(match self.store.rotate(from, to, &sealed, now).await? {
            Rotated::Conflict(theirs) => Rotated::Conflict(self.open(old, theirs)),
            other => other,
        })
    }

    pub(super) async fn touch(
        &self,
        token: &ReferenceToken,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.store.touch(token.row_key(), touch, now).await
    }

    pub(super) async fn delete(
        &self,
        token: &ReferenceToken,
        now: Timestamp,
    ) -> Result<Option<Forward>, StoreError> {
        self.store.delete(token.row_key(), now).await
    }

    /// The records as they lie there: what is in them stays sealed, as their cookies are elsewhere.
    pub(super) async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        self.store.sessions_of(index, now).await
    }

    fn seal<'r>(
        &self,
        token: &ReferenceToken,
        record: &'r Record,
    ) -> Result<Cow<'r, Record>, SessionError> {
        if !self.is_sealed || record.fields.is_empty() {
            return Ok(Cow::Borrowed(record));
        }
        let key = token.record_key();
        let mut sealed = record.clone();
        for (name, field) in sealed.fields.iter_mut() {
            let place = self.place(name, record.created_at, field.expires_at);
            field.value = seal_field(&key, &place, &field.value)?.into();
        }
        Ok(Cow::Owned(sealed))
    }

    fn seal_commit<'c>(
        &self,
        token: &ReferenceToken,
        created_at: Timestamp,
        commit: &'c Commit,
    ) -> Result<Cow<'c, Commit>, SessionError> {
        if !self.is_sealed || commit.set.is_empty() {
            return Ok(Cow::Borrowed(commit));
        }
        let key = token.record_key();
        let mut sealed = commit.clone();
        for (name, write) in &mut sealed.set {
            let place = self.place(name, created_at, write.expires_at);
            write.value = seal_field(&key, &place, &write.value)?.into();
        }
        Ok(Cow::Owned(sealed))
    }

    fn open(&self, token: &ReferenceToken, mut record: Record) -> Record {
        if !self.is_sealed || record.fields.is_empty() {
            return record;
        }
        let key = token.record_key();
        for (name, field) in record.fields.iter_mut() {
            let place = self.place(name, record.created_at, field.expires_at);
            field.value = open_field(&key, &place, &field.value);
        }
        record
    }

    /// What the user has called a session that lies there.
    pub(super) fn label(
        &self,
        ring: &KeyRing,
        row: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Option<Bytes> {
        let field = record.fields.get(LABEL)?;
        if !self.is_sealed {
            return Some(field.value.clone());
        }
        let place = self.place(LABEL, record.created_at, field.expires_at);
        crypto::open_label(ring, row, &place, &field.value, now).ok()
    }

    fn place<'a>(
        &'a self,
        field: &'a str,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> FieldPlace<'a> {
        FieldPlace {
            namespace: &self.audience,
            field,
            created_at,
            expires_at,
        }
    }
}

/// A value that does not open was not put there by us: it stays in its place, so that its revision
/// can be guarded, as bytes that no type decodes.
fn open_field(key: &RecordKey, place: &FieldPlace<'_>, sealed: &Bytes) -> Bytes {
    let value = match place.field {
        LABEL => key.open_label(place, sealed),
        _ => key.open_field(place, sealed),
    };
    value.unwrap_or_default()
}

fn seal_field(key: &RecordKey, place: &FieldPlace<'_>, value: &[u8]) -> Result<Vec<u8>, SealError> {
    match place.field {
        LABEL => key.seal_label(place, value),
        _ => key.seal_field(place, value),
    }
}
