//! `merge`: the result for a field that two concurrent requests change.
//!
//! Each case runs two requests: `mine` loads its view, then `theirs` runs to its end, then `mine` commits.

mod collection;
mod function;
mod number;
mod parallel;
mod saved;

use http::StatusCode;
use starsessions::{Session, SessionData};
use starsessions_tests::client::Client;

/// A second struct, so that a session exists that does not contain the tested field.
#[derive(Session)]
struct Beside {
    here: bool,
}

/// A struct with one field, of any type and policy.
trait Single: SessionData {
    type Value: Clone + Send + 'static;

    fn new(value: Self::Value) -> Self;
    fn value(&self) -> &Self::Value;
    fn value_mut(&mut self) -> &mut Self::Value;
}

/// Session types with one field under this policy: one plain, and one whose type the derive sees as an `Option`.
macro_rules! policy {
    ($plain:ident, $optional:ident: $($policy:tt)*) => {
        policy!(@ $plain, V, $($policy)*);
        policy!(@ $optional, Option<V>, $($policy)*);
    };
    ($plain:ident: $($policy:tt)*) => {
        policy!(@ $plain, V, $($policy)*);
    };
    (@ $name:ident, $value:ty, $($policy:tt)*) => {
        #[derive(starsessions::Session)]
        struct $name<V> {
            #[session($($policy)*)]
            value: $value,
        }

        impl<V: Clone + Send + 'static> $crate::merge::Single for $name<V>
        where
            Self: starsessions::SessionData,
        {
            type Value = $value;

            fn new(value: $value) -> Self {
                Self { value }
            }

            fn value(&self) -> &$value {
                &self.value
            }

            fn value_mut(&mut self) -> &mut $value {
                &mut self.value
            }
        }
    };
}
use policy;

/// Starts from `base`; returns the stored value after `theirs` and then `mine` were committed.
async fn merged<T: Single>(base: T::Value, theirs: T::Value, mine: T::Value) -> T::Value {
    let mut browser = Client::guest();
    browser.insert(T::new(base)).await;
    overtaken::<T>(&mut browser, theirs, mine).await
}

/// The same, from a session without the field.
async fn merged_from_nothing<T: Single>(theirs: T::Value, mine: T::Value) -> T::Value {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<Beside>| it.here = true)
        .await;
    overtaken::<T>(&mut browser, theirs, mine).await
}

async fn overtaken<T: Single>(browser: &mut Client, theirs: T::Value, mine: T::Value) -> T::Value {
    let reply = browser
        .overtaken(
            |view: &mut Session<T>| *view.value_mut() = theirs,
            |view: &mut Session<T>| *view.value_mut() = mine,
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    browser
        .with(|view: &mut Session<T>| view.value().clone())
        .await
}
