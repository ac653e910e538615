//! `merge`: what becomes of a field that two requests change at the same time.
//!
//! Each case really runs two requests: `mine` has loaded its view before `theirs` comes and goes.

mod collection;
mod function;
mod number;
mod parallel;
mod saved;

use http::StatusCode;
use starsessions::{Session, SessionData};
use starsessions_tests::client::Client;

/// Another view, so that there is a session with nothing of ours in it.
#[derive(Session)]
struct Beside {
    here: bool,
}

/// A view of one field, whatever its type and its policy.
trait Single: SessionData {
    type Value: Clone + Send + 'static;

    fn new(value: Self::Value) -> Self;
    fn value(&self) -> &Self::Value;
    fn value_mut(&mut self) -> &mut Self::Value;
}

/// Session types with one field under this policy: a plain one, and one that is an `Option` to the
/// derive.
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

/// What is stored after `mine` has changed what `theirs` changed too since both were `base`.
async fn merged<T: Single>(base: T::Value, theirs: T::Value, mine: T::Value) -> T::Value {
    let mut browser = Client::guest();
    browser.insert(T::new(base)).await;
    overtaken::<T>(&mut browser, theirs, mine).await
}

/// The same where nothing is stored at first.
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
