//! The input that `#[derive(Session)]` accepts, and its meaning.

mod debug;
mod generics;
mod hygiene;
mod lints;
mod merges;
mod schema;
mod values;

use starsessions::__private::FieldSpec;
use starsessions::SessionData;

/// The stored field with this name, including the namespace.
fn field<T: SessionData>(name: &str) -> &'static FieldSpec {
    let mut fields = T::SCHEMA.fields.iter();
    fields.find(|field| field.name == name).unwrap()
}

/// The names of the stored fields.
fn names<T: SessionData>() -> Vec<&'static str> {
    T::SCHEMA.fields.iter().map(|field| field.name).collect()
}
