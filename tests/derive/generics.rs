//! Generic parameters of every kind.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use starsessions::{Session, SessionData};

use crate::names;

#[derive(Session)]
struct List<T> {
    items: Vec<T>,
    first: Option<T>,
    #[session(required)]
    last: T,
}

#[derive(Session)]
struct Everything<'a, T: Clone = u8, U: ?Sized = str, const N: usize = 2>
where
    T: Numbered,
{
    ids: Vec<T::Id>,
    name: Cow<'a, str>,
    length: Length<N>,
    marker: PhantomData<U>,
    #[session(skip, default = None)]
    value: Option<T>,
}

#[derive(Serialize, Deserialize, Default)]
struct Length<const N: usize>;

trait Numbered {
    type Id: Serialize + DeserializeOwned;
}

impl Numbered for u8 {
    type Id = u64;
}

#[derive(Session)]
struct Merged<T: Ord + Clone> {
    #[session(merge = max)]
    best: Option<T>,
    #[session(merge = append)]
    log: Vec<T>,
    #[session(merge = newest)]
    last: Option<T>,
    #[session(flash)]
    notices: Vec<T>,
    #[session(flash)]
    notice: Option<T>,
}

fn newest<T: Clone>(_base: &Option<T>, mine: &Option<T>, _theirs: &Option<T>) -> Option<T> {
    mine.clone()
}

#[derive(Session)]
struct Owned<'a> {
    name: Cow<'a, str>,
}

#[derive(Session)]
struct Counted<const N: usize> {
    length: Length<N>,
}

#[derive(Session)]
struct Recursive<T> {
    #[session(skip)]
    next: Option<Box<Self>>,
    value: Option<T>,
}

/// Implements neither `Default` nor `Debug`.
#[derive(Serialize, Deserialize, PartialEq, PartialOrd, Eq, Ord, Clone)]
struct Item;

#[test]
fn a_generic_struct_is_a_session_for_every_type_that_fits() {
    assert_eq!(
        names::<List<u8>>(),
        ["list.items", "list.first", "list.last"]
    );
    assert_eq!(names::<List<Item>>(), names::<List<u8>>());
    assert_eq!(names::<Everything<'static>>().len(), 4);
    assert_eq!(names::<Everything<'static, u8, [u8], 3>>().len(), 4);
    assert_eq!(names::<Merged<Item>>().len(), 5);
    assert_eq!(names::<Owned<'static>>(), ["owned.name"]);
    assert_eq!(names::<Counted<3>>(), ["counted.length"]);
    assert_eq!(names::<Recursive<u8>>(), ["recursive.value"]);
}

/// The bounds apply to the field types, so they hold wherever those types can be stored.
#[test]
fn a_generic_function_needs_only_what_the_fields_need() {
    fn names_of<T>() -> Vec<&'static str>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        List::<T>::SCHEMA.fields.iter().map(|it| it.name).collect()
    }
    assert_eq!(names_of::<u8>().len(), 3);
}
