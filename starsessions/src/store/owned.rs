//! Operations that go on when their caller has gone: they own what they were told.

use super::{Rotation, Row};
use crate::crypto::RowKey;

/// A [`Rotation`] with what it refers to.
pub(super) struct OwnedRotation {
    old: RowKey,
    seen: Row,
    left: Row,
    new: RowKey,
    row: Row,
}

impl Rotation<'_> {
    pub(super) fn to_owned(self) -> OwnedRotation {
        OwnedRotation {
            old: *self.old,
            seen: self.seen.clone(),
            left: self.left.clone(),
            new: *self.new,
            row: self.row.clone(),
        }
    }
}

impl OwnedRotation {
    pub(super) fn lend(&self) -> Rotation<'_> {
        Rotation {
            old: &self.old,
            seen: &self.seen,
            left: &self.left,
            new: &self.new,
            row: &self.row,
        }
    }
}

/// Implements [`Store`](super::Store): `$run!(store, operation, (arguments))` runs an operation, and may move
/// its arguments.
macro_rules! owned {
    ($store:ty $(, $generic:ident)?; $run:ident, |$this:ident| $protection:expr) => {
        owned! { $store $(, $generic)?; $run, |$this| $protection;
            load(key: &RowKey, now: Timestamp) -> Option<Row>, (&key, now);
            insert(key: &RowKey, row: &Row, now: Timestamp) -> Inserted, (&key, &row, now);
            replace(key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Replaced, (&key, &seen, &row, now);
            rotate(rotation: Rotation<'_>, now: Timestamp) -> Rotated, (rotation.lend(), now);
            touch(key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Touched, (&key, &seen, touch, now);
            remove(key: &RowKey) -> Option<Row>, (&key);
            listed(index_key: &IndexKey, now: Timestamp) -> Vec<Listed>, (&index_key, now);
            sweep(limit: usize, now: Timestamp) -> usize, (limit, now);
        }
    };
    ($store:ty $(, $generic:ident)?; $run:ident, |$this:ident| $protection:expr; $(
        $name:ident($($argument:ident: $type:ty),*) -> $output:ty, $arguments:tt;
    )*) => {
        impl $(<$generic: Store>)? Store for $store {
            fn protection(&self) -> Protection {
                let $this = self;
                $protection
            }

            $(async fn $name(&self, $($argument: $type),*) -> Result<$output, StoreError> {
                $(let $argument = $argument.to_owned();)*
                $run!(self, $name, $arguments)
            })*
        }
    };
}
pub(super) use owned;
