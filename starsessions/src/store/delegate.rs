//! A store that hands its operations on to another one inside of it.

/// Implements [`Store`](super::Store); `$inner` is an expression that may await and fail.
macro_rules! delegate {
    ($store:ty, |$this:ident| $protection:expr, $inner:expr) => {
        delegate! { $store, |$this| $protection, $inner;
            load(key: &RowKey; now: Timestamp) -> Option<Row>;
            insert(key: &RowKey, row: &Row, now: Timestamp) -> Inserted;
            replace(key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Replaced;
            rotate(rotation: Rotation<'_>, now: Timestamp) -> Rotated;
            touch(key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Touched;
            remove(key: &RowKey) -> Option<Row>;
            listed(index_key: &IndexKey, now: Timestamp) -> Vec<Listed>;
            sweep(limit: usize, now: Timestamp) -> usize;
        }
    };
    ($store:ty, |$this:ident| $protection:expr, $inner:expr; $(
        $name:ident($($argument:ident: $type:ty),* $(; now: $unused:ty)?) -> $output:ty;
    )*) => {
        const _: () = {
            use crate::clock::Timestamp;
            use crate::crypto::{IndexKey, RowKey};
            use crate::store::{
                Inserted, Listed, Protection, Replaced, Rotated, Rotation, Row, Store, StoreError,
                Touch, Touched,
            };

            impl Store for $store {
                fn protection(&self) -> Protection {
                    let $this = self;
                    $protection
                }

                $(async fn $name(
                    &self,
                    $($argument: $type,)*
                    $(_: $unused)?
                ) -> Result<$output, StoreError> {
                    let $this = self;
                    $inner.$name($($argument),*).await
                })*
            }
        };
    };
}
pub(super) use delegate;
