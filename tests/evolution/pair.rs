//! The notation for a pair of an old and a new type.

/// One test per pair: `name: { old types } value => { new types }`, where both sides define `Value`, or `name: old
/// type, value => new type`.
macro_rules! pairs {
    () => {};
    ($name:ident: { $($old:item)* } $value:expr => { $($new:item)* } $($rest:tt)*) => {
        #[allow(dead_code, reason = "types that are written and read, not used")]
        mod $name {
            pair!(
                { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $old)* }
                $value,
                { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $new)* }
            );
        }
        pairs!($($rest)*);
    };
    ($name:ident: $old:ty, $value:expr => $new:ty; $($rest:tt)*) => {
        mod $name {
            pair!({ type Value = $old; } $value, { type Value = $new; });
        }
        pairs!($($rest)*);
    };
}

macro_rules! pair {
    ({ $($old:tt)* } $value:expr, { $($new:tt)* }) => {
        mod old {
            #[allow(unused_imports, reason = "one pair needs this, the other that")]
            use super::super::super::pair::prelude::*;
            $($old)*
            view!();
            pub(super) fn first() -> View {
                View {
                    value: Some($value),
                    text: "beside".to_owned(),
                    count: 1,
                }
            }
        }

        mod new {
            #[allow(unused_imports, reason = "one pair needs this, the other that")]
            use super::super::super::pair::prelude::*;
            $($new)*
            view!();
        }

        #[tokio::test]
        async fn is_recognised() {
            super::super::check::<old::View, new::View>(old::first()).await;
        }
    };
}

/// A session type with a field of the type `Value` and two other fields.
macro_rules! view {
    () => {
        #[allow(
            private_interfaces,
            reason = "most pairs keep their types to themselves"
        )]
        #[derive(starsessions::Session)]
        pub(super) struct View {
            pub(super) value: Option<Value>,
            pub(super) text: String,
            pub(super) count: u64,
        }

        impl crate::View for View {
            fn value(&self) -> Option<String> {
                self.value.as_ref().map(|value| format!("{value:?}"))
            }

            fn beside(&mut self) -> (&mut String, &mut u64) {
                (&mut self.text, &mut self.count)
            }
        }
    };
}

pub(crate) mod prelude {
    pub(crate) use std::collections::BTreeMap;
    pub(crate) use std::time::Duration;

    pub(crate) use serde::{Deserialize, Serialize};
}
