//! Sessions of the Python library `starsessions`, versions 2.2 and 2.3: shared with it, or taken over.
//!
//! [`Sessions`] describes the Python deployment with the names of `SessionMiddleware`. Each value of a Python session
//! is a field of the namespace `python`. Fields of other namespaces and deadlines of fields, for which Python has no
//! place, are in one more value, `__rust__`, which Python keeps. Merges, timers, new ids and guards work as in every
//! session.
//!
//! The guide is [`docs::from_python`](crate::docs::from_python); it lists each difference to Python.
//!
//! Shared with Python, while both serve one site:
//!
//! ```no_run
//! use std::time::Duration;
//! use starsessions::{KeyRing, Session, SessionLayer};
//! use starsessions::python::{CookieStore, FernetEncryptor, Sessions};
//!
//! #[derive(Session)]
//! #[session(namespace = "python")]
//! struct Login {
//!     #[session(codec = json, required, rotate, rename = "user_id")] // request.session["user_id"]
//!     user: u64,
//! }
//!
//! # fn f(secret: &str, key: &str, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
//! // SessionMiddleware(store=CookieStore(secret), lifetime=3600, encryptor=FernetEncryptor(key))
//! let python = Sessions::new(CookieStore::new(secret))
//!     .lifetime(Duration::from_secs(3600))
//!     .encryptor(FernetEncryptor::new(key)?);
//! let layer = SessionLayer::shared_with_python(python, keys).build()?;
//! # Ok(layer)
//! # }
//! ```
//!
//! [Taken over](crate::takeover), until a date:
//!
//! ```no_run
//! # use starsessions::{KeyRing, MemoryStore, Session, SessionLayer, Timestamp};
//! # use starsessions::python::Sessions;
//! use starsessions::takeover::TakeOver;
//!
//! #[derive(Session)]
//! struct Login {
//!     #[session(required, rotate, rename = "user_id")]
//!     user: u64,
//! }
//!
//! # fn f(python: Sessions, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
//! let python = TakeOver::new(python, |python, taken| taken.insert_if(python.view::<Login>()))
//!     .until(Timestamp::from_unix_seconds(1_798_761_600)); // 1 January 2027
//! let layer = SessionLayer::builder(MemoryStore::new(), keys).take_over(python).build()?;
//! # Ok(layer)
//! # }
//! ```
//!
//! With the feature `redis`, `RedisStore` is Python's `RedisStore`.
//!
//! # What is read
//!
//! - Integers of any size, floats as they are spelled and halves of surrogate pairs are values like others: a
//!   field reads them if its type can hold them, and values that no field changes stay byte for byte.
//! - A session with `NaN` or `Infinity`, which are not JSON, counts as absent here, and stays in its store.
//! - Sessions may have any size up to a mebibyte; a field that this side changes has the layer's limit.
//!
//! # What sharing cannot promise
//!
//! This library replaces only what it has read, and merges its changes into what Python has written meanwhile. Python
//! overwrites the whole session without a comparison. So, as long as Python serves requests:
//!
//! - A Python request that reads before our write, and writes after it, undoes our write.
//! - A concurrent Python request brings back a session that we have ended or moved to a new id.
//! - No former id leads to its successor: a write of ours concurrent with a sign-in is `Gone`, and a concurrent logout
//!   ends the former id only.
//! - A write to Redis whose reply is lost gets a 503, and may have been made: the bytes do not show who wrote them.
//! - Data is protected as Python protects it: not bound to its session, and readable in Redis without an encryptor.
//! - There is no list of a user's sessions (`index`), no limit of them, no renewal of ids and no detached session.
//! - In a Redis Cluster a new id is two steps, and a crash between them leaves the session under both; elsewhere it is
//!   one script.
//! - In cookies, the last response wins, and a logout only removes the browser's cookie.

mod cookie;
mod encryptor;
mod fernet;
mod fields;
mod format;
mod metadata;
#[cfg(feature = "redis")]
mod redis;
mod serializer;
mod sessions;
mod shared;
mod signer;

pub use self::cookie::CookieStore;
pub use self::encryptor::{AesGcmEncryptor, Encryptor, InvalidKey, NoopEncryptor};
pub use self::fernet::FernetEncryptor;
pub(crate) use self::format::Content;
pub use self::format::FormatError;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::serializer::{JsonSerializer, Serializer};
pub use self::sessions::{Sessions, Store};
pub(crate) use self::shared::{Replaced, Stored};
