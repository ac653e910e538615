//! A generic session, used by a generic function.

use serde::{Serialize, de::DeserializeOwned};
use starsessions::{Session, SessionData};

#[derive(Session)]
struct Page<T, const N: usize = 4> {
    items: Vec<T>,
    first: Option<T>,
    #[session(skip)]
    rows: Rows<N>,
}

#[derive(Default)]
struct Rows<const N: usize>;

fn fields<T>() -> usize
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let page = Page::<T> {
        items: Vec::new(),
        first: None,
        rows: Rows,
    };
    assert!(page.items.is_empty() && page.first.is_none());
    let Rows = page.rows;
    Page::<T>::SCHEMA.fields.len()
}

#[test]
fn a_generic_session_serves_a_generic_function() {
    assert_eq!(fields::<String>(), 2);
}
