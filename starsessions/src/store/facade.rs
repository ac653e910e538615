//! The common facade of stores on a disk or a server, which forwards operations to the store's inner part.

/// Implements [`Store`](super::Store), `Debug`, and the methods that all these stores have. `$inner` may await and
/// fail.
macro_rules! facade {
    (
        $store:ident($($field:literal: $value:expr)?), $builder:ident,
        |$this:ident| $protection:expr, $inner:expr
    ) => {
        impl $store {
            /// How many sessions there are. Walks over all of them.
            ///
            /// # Errors
            /// If the store fails; if a database server takes longer than ten times its response time-out; always in a
            /// Redis Cluster.
            pub async fn count(
                &self,
                now: crate::clock::Timestamp,
            ) -> Result<crate::store::StoreCounts, crate::store::StoreError> {
                let $this = self;
                $inner.count(now).await
            }
        }

        impl $builder {
            /// Keeps values unencrypted: a reader of the store or of a backup can read the sessions. Switching this
            /// setting makes the stored sessions unreadable, in both directions. If the reply to a write is lost, the
            /// write fails, because equal bytes may be another request's.
            #[must_use]
            pub fn plain_values(mut self) -> Self {
                self.protection = crate::store::Protection::Plain;
                self
            }
        }

        impl std::fmt::Debug for $store {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($store));
                $(
                    let $this = self;
                    shown.field($field, &$value);
                )?
                shown.finish_non_exhaustive()
            }
        }

        facade! { $store, |$this| $protection, $inner;
            load(key: &RowKey, now: Timestamp) -> Option<Row>;
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
        $name:ident($($argument:ident: $type:ty),*) -> $output:ty;
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

                $(async fn $name(&self, $($argument: $type),*) -> Result<$output, StoreError> {
                    let $this = self;
                    $inner.$name($($argument),*).await
                })*
            }
        };
    };
}
pub(super) use facade;
