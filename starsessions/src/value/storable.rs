//! The bounds of a type that a session can store.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type that a session can store. It has two supertraits, so that an error says which one is missing.
pub trait Value: Writable + Readable + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Writable + Readable + 'static> Value for T {}

/// A type whose values can be written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a session: it has no `serde::Serialize`",
    label = "cannot be written",
    note = "on a type of your own, derive `serde::Serialize` and `serde::Deserialize`",
    note = "a type of another crate often has them behind a feature `serde`; if not, put it into a type of your own with `#[serde(with = \"..\")]`, for which the crate `serde_with` has many modules",
    note = "a field that is never stored is marked `#[session(skip)]`"
)]
pub trait Writable: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Writable for T {}

/// A type whose values can be read, and own their data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a session: it has no `serde::Deserialize`, or borrows",
    label = "cannot be read",
    note = "on a type of your own that owns its data, derive `serde::Serialize` and `serde::Deserialize`",
    note = "a type of another crate often has them behind a feature `serde`; if not, put it into a type of your own with `#[serde(with = \"..\")]`, for which the crate `serde_with` has many modules",
    note = "a field that is never stored is marked `#[session(skip)]`"
)]
pub trait Readable: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Readable for T {}
