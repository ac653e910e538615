use serde::Serialize;
use serde::de::DeserializeOwned;
use starsessions::__private::{Format, Stored};
use starsessions::value::ValueError;

pub(crate) trait Value: Serialize + DeserializeOwned + 'static {}

impl<T: Serialize + DeserializeOwned + 'static> Value for T {}

pub(crate) const fn bincode<T>() -> Stored<T> {
    stored(Format::Bincode)
}

pub(crate) const fn json<T>() -> Stored<T> {
    stored(Format::Json)
}

const fn stored<T>(format: Format) -> Stored<T> {
    Stored {
        format,
        version: 1,
        migrate: None,
        validate: None,
    }
}

pub(crate) fn encode<T: Value>(stored: &Stored<T>, value: &T) -> Result<Vec<u8>, ValueError> {
    let mut bytes = Vec::new();
    stored.encode(value, &mut bytes)?;
    Ok(bytes)
}

pub(crate) fn mark<T: Value>(value: &T) -> u32 {
    let bytes = encode(&bincode(), value).unwrap();
    u32::from_le_bytes(bytes[2..6].try_into().unwrap())
}

/// Asserts that the bytes of an `Old` are not accepted as a `New`.
pub(crate) fn assert_changed<Old: Value, New: Value>(old: &Old) {
    let bytes = encode(&bincode(), old).unwrap();
    let result = bincode::<New>().decode(&bytes).map(|_| "a value");
    assert!(
        matches!(result, Err(ValueError::OtherShape { .. })),
        "{result:?}"
    );
}

/// Asserts that the bytes of an `Old` are read as a `New`.
pub(crate) fn assert_same<Old: Value, New: Value>(old: &Old) {
    let bytes = encode(&bincode(), old).unwrap();
    let result = bincode::<New>().decode(&bytes).map(|_| "a value");
    assert_eq!(result, Ok("a value"));
}

/// Types with the derives that every test needs.
macro_rules! types {
    () => {};
    ($(#[$attribute:meta])* struct $name:ident $(<$generic:ident>)?; $($rest:tt)*) => {
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[$attribute])*
        pub(crate) struct $name $(<$generic>)?;
        $crate::support::types! { $($rest)* }
    };
    ($(#[$attribute:meta])* struct $name:ident $(<$generic:ident>)? ($($body:tt)*); $($rest:tt)*) => {
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[$attribute])*
        pub(crate) struct $name $(<$generic>)? ($($body)*);
        $crate::support::types! { $($rest)* }
    };
    ($(#[$attribute:meta])* struct $name:ident $(<$generic:ident>)? {$($body:tt)*} $($rest:tt)*) => {
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[$attribute])*
        pub(crate) struct $name $(<$generic>)? {$($body)*}
        $crate::support::types! { $($rest)* }
    };
    ($(#[$attribute:meta])* enum $name:ident {$($body:tt)*} $($rest:tt)*) => {
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[$attribute])*
        pub(crate) enum $name {$($body)*}
        $crate::support::types! { $($rest)* }
    };
    (type $name:ident = $type:ty; $($rest:tt)*) => {
        pub(crate) type $name = $type;
        $crate::support::types! { $($rest)* }
    };
}

/// One test per pair: an old and a new declaration of `T`, each with a value if the default does not contain the
/// difference.
macro_rules! pairs {
    ($assert:ident: $(
        $name:ident { $($old:tt)* } $(= $old_value:expr,)? => { $($new:tt)* } $(= $new_value:expr,)?
    )*) => {$(
        #[test]
        fn $name() {
            mod old {
                #[allow(unused_imports, reason = "not every pair needs them")]
                use std::{collections::*, num::*, sync::Arc, time::*};
                $crate::support::types! { $($old)* }
                pub(crate) fn value() -> T {
                    $crate::support::value!($($old_value)?)
                }
            }
            mod new {
                #[allow(unused_imports, reason = "not every pair needs them")]
                use std::{borrow::Cow, collections::*, num::*, sync::Arc, time::*};
                $crate::support::types! { $($new)* }
                pub(crate) fn value() -> T {
                    $crate::support::value!($($new_value)?)
                }
            }
            $crate::support::$assert::<old::T, new::T>(&old::value());
            $crate::support::$assert::<new::T, old::T>(&new::value());
        }
    )*};
}

macro_rules! value {
    () => {
        T::default()
    };
    ($value:expr) => {
        $value
    };
}

pub(crate) use {pairs, types, value};
