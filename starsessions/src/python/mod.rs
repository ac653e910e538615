//! The formats of the Python library `starsessions`, versions 2.2 and 2.3, for sessions that go on in Rust.
//!
//! A Python deployment keeps a JSON object under a readable key in Redis, or signed in the cookie itself. This
//! module reads and writes those bytes exactly; what is done with them is decided elsewhere. [`Sessions`] has
//! the parameters of Python's `SessionMiddleware`, by the same names, and is a
//! [`Source`](crate::takeover::Source): a [`TakeOver`](crate::takeover::TakeOver) finds a Python session by its
//! cookie, writes it as a session of ours under a new id, and removes the old one, until a date that the
//! application sets. Python values are JSON and ours are typed, so a session type reads each of its fields from
//! the value of the field's name.
//!
//! ```no_run
//! use std::time::Duration;
//! use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
//! use starsessions::python::{CookieStore, FernetEncryptor, Sessions};
//! use starsessions::takeover::TakeOver;
//!
//! #[derive(Session)]
//! struct Login {
//!     #[session(required, rotate, rename = "user_id")] // request.session["user_id"]
//!     user: u64,
//! }
//!
//! fn sessions(secret: &str, key: &str, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
//!     // SessionMiddleware(store=CookieStore(secret), lifetime=3600, encryptor=FernetEncryptor(key))
//!     let python = Sessions::new(CookieStore::new(secret))
//!         .lifetime(Duration::from_secs(3600))
//!         .encryptor(FernetEncryptor::new(key)?);
//!     let python = TakeOver::new(python, |python, taken| taken.insert_if(python.view::<Login>()));
//!     Ok(SessionLayer::builder(MemoryStore::new(), keys).take_over(python).build()?)
//! }
//! ```
//!
//! With the feature `redis`, `RedisStore` is Python's `RedisStore`.
//!
//! # What is read, and what is not
//!
//! - Integers of any size, floats as they are spelled and halves of surrogate pairs are values like others: a
//!   field whose type holds them has them.
//! - `NaN` and `Infinity` are not JSON, and a session that is no object is none of Python's: such a session, or
//!   one that cannot be decrypted, is a guest's here, and stays where it is.
//! - `created` is kept, and is never later than now.
//! - A session that is over by `created` and `lifetime` (by `last_access`, if it is rolling) is refused, although
//!   Python would go on serving it.
//! - Only ids of Python's own form, 32 hexadecimal digits, are looked for.

mod cookie;
mod encryptor;
mod fernet;
mod format;
mod metadata;
#[cfg(feature = "redis")]
mod redis;
mod serializer;
mod sessions;
mod signer;

pub use self::cookie::CookieStore;
pub use self::encryptor::{AesGcmEncryptor, Encryptor, InvalidKey, NoopEncryptor};
pub use self::fernet::FernetEncryptor;
pub use self::format::FormatError;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::serializer::{JsonSerializer, Serializer};
pub use self::sessions::{Sessions, Store};
