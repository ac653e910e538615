//! The same trait behind a pointer: what a layer holds, so that it needs no type parameter.

use std::future::Future;
use std::pin::Pin;

use super::{Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};

pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`], object safe.
pub(crate) trait ErasedStore: Send + Sync + 'static {
    fn protection(&self) -> Protection;

    fn load<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Loaded>>;

    fn create<'a>(
        &'a self,
        key: &'a RowKey,
        record: &'a Record,
        now: Timestamp,
    ) -> Answer<'a, Created>;

    fn commit<'a>(
        &'a self,
        key: &'a RowKey,
        commit: &'a Commit,
        now: Timestamp,
    ) -> Answer<'a, Committed>;

    fn rotate<'a>(
        &'a self,
        old: &'a RowKey,
        new: &'a RowKey,
        rotation: &'a Rotation,
        now: Timestamp,
    ) -> Answer<'a, Rotated>;

    fn touch<'a>(
        &'a self,
        key: &'a RowKey,
        touch: &'a Touch,
        now: Timestamp,
    ) -> Answer<'a, Touched>;

    fn delete<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Forward>>;

    fn sessions_of<'a>(
        &'a self,
        index: &'a IndexKey,
        now: Timestamp,
    ) -> Answer<'a, Vec<(RowKey, Record)>>;
}

impl<S: Store> ErasedStore for S {
    fn protection(&self) -> Protection {
        Store::protection(self)
    }

    fn load<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Loaded>> {
        Box::pin(Store::load(self, key, now))
    }

    fn create<'a>(
        &'a self,
        key: &'a RowKey,
        record: &'a Record,
        now: Timestamp,
    ) -> Answer<'a, Created> {
        Box::pin(Store::create(self, key, record, now))
    }

    fn commit<'a>(
        &'a self,
        key: &'a RowKey,
        commit: &'a Commit,
        now: Timestamp,
    ) -> Answer<'a, Committed> {
        Box::pin(Store::commit(self, key, commit, now))
    }

    fn rotate<'a>(
        &'a self,
        old: &'a RowKey,
        new: &'a RowKey,
        rotation: &'a Rotation,
        now: Timestamp,
    ) -> Answer<'a, Rotated> {
        Box::pin(Store::rotate(self, old, new, rotation, now))
    }

    fn touch<'a>(
        &'a self,
        key: &'a RowKey,
        touch: &'a Touch,
        now: Timestamp,
    ) -> Answer<'a, Touched> {
        Box::pin(Store::touch(self, key, touch, now))
    }

    fn delete<'a>(&'a self, key: &'a RowKey, now: Timestamp) -> Answer<'a, Option<Forward>> {
        Box::pin(Store::delete(self, key, now))
    }

    fn sessions_of<'a>(
        &'a self,
        index: &'a IndexKey,
        now: Timestamp,
    ) -> Answer<'a, Vec<(RowKey, Record)>> {
        Box::pin(Store::sessions_of(self, index, now))
    }
}
