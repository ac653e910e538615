//! Typed web sessions for axum and tower.
//!
//! A session is a plain struct. A handler takes it as an argument, and reads and writes its fields:
//!
//! ```
//! use axum::{Router, routing::get};
//! use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
//!
//! #[derive(Session)]
//! struct Counter {
//!     #[session(merge = sum)]
//!     visits: u64,
//! }
//!
//! async fn count(mut counter: Session<Counter>) -> String {
//!     counter.visits += 1;
//!     format!("Your visits: {}", counter.visits)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app: Router = Router::new()
//!     .route("/", get(count))
//!     .layer(SessionLayer::dev(MemoryStore::new(), KeyRing::generate()?));
//! # Ok(())
//! # }
//! ```
//!
//! # The main types
//!
//! - [`derive(Session)`](macro@Session) makes a struct a typed view of some of the session's fields. Its attributes
//!   say how long a field lives, how concurrent changes are merged, and whether it must be present.
//! - [`Session<T>`](struct@Session) is such a view in a handler. It dereferences to the struct; changes are written
//!   before the response leaves.
//! - [`CurrentSession`] is the session as a whole: sign in, sign out, rotate the id, ask for its times.
//! - [`SessionLayer`] is the tower layer that serves them. [`SessionLayer::builder`] has the settings: cookie,
//!   timeouts, limits, and what happens when something fails. [`Transport`](config::Transport) has sessions without cookies.
//! - [`user::User`] is the account behind a sign-in, loaded once for each request, and what it may do.
//! - [`Flows`] remember a sign-in by OAuth while the browser is at the other site.
//! - [`CsrfLayer`] refuses requests that another site makes a browser send.
//! - [`KeyRing`] holds the keys of the deployment: the active one, and others that are still accepted.
//! - [`MemoryStore`], [`CookieStore`] and the stores behind features keep the sessions; [`store::Store`] is the
//!   trait for your own.
//! - [`Detached`] is a session that outlives its request: for WebSockets, event streams and tasks.
//!
//! A browser has one session, one cookie and one set of timers, however many views there are.
//!
//! # Where to read on
//!
//! - [`docs::guide`]: from the first session type to the tests of its handlers, the first hour.
//! - [`docs::recipes`]: a program for production, replicas, keys, pages, middleware, devices, every way to sign in, sockets.
//! - [`derive(Session)`](macro@Session): the reference of every attribute.
//! - [`docs::device_binding`]: sessions that are bound to a device (feature `dbsc`).
//! - [`docs::write_a_store`]: sessions in a store of your own.
//! - [`docs::types`]: which types can be stored, and what they need.
//! - [`docs::security`]: what is defended, against whom, and the limits.
//! - [`docs::design`]: why the library is the way it is.
//! - [`docs::observability`]: logs, metrics, and why a request went as it did.
//! - [`docs::performance`]: what a session costs a request, measured.
//! - [`docs::scaling`]: how much one machine holds, and when to move to the next store.
//! - [`docs::command`]: the command `starsessions`, for keys, cookies and stores.
//! - [`docs::ecosystem`]: beside utoipa, aide, axum-extra, tower-http, Leptos and Dioxus.
//! - [`docs::from_python`]: from the Python library of this name, with its sessions shared or taken over.
//! - [`docs::from_tower_sessions`]: from tower-sessions, axum-login, axum_session and actix-session.
//! - [`docs::architecture`]: the modules, for contributors.
//!
//! # Security by default
//!
//! | what | default |
//! |---|---|
//! | cookie | `__Host-Http-id`, with `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/` and no `Domain`; a session cookie, which ends with the browser |
//! | timeouts | one hour idle, 24 hours absolute ([`Lifetime::aal2`]), enforced by the server |
//! | ids | 256 random bits; a new one when a `rotate` field changes |
//! | a session begins | with the first write, never with a read |
//! | a session ends | for good: no request in flight brings it back |
//! | a store that fails | 503; never taken for a guest or a user |
//! | a 5xx, a 408 or a panic | changes are dropped; a logout and a new id are kept |
//! | caches | `Vary: Cookie` where a session was used, `private, no-store` where a cookie is set |
//! | sizes | 16 KiB per field, 64 KiB per session, 4096 bytes for the cookie |
//!
//! # Features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `aide` | no | sessions as arguments of handlers that `aide` documents |
//! | `aws-lc-rs`, `ring` | no | encryption by one of these libraries: the same bytes in less time; builds C and assembly |
//! | `axum` | yes | sessions as handler arguments, rejections as responses, `CsrfLayer` |
//! | `cli` | no | the command `starsessions`: see [`docs::command`] |
//! | `dbsc` | no | sessions bound to a key of the browser's device |
//! | `json` | no | `codec = json` |
//! | `metrics` | no | counters, histograms and a gauge through the `metrics` facade |
//! | `mysql` | no | `MySqlStore`: sessions in MySQL or MariaDB, for several machines; needs Rust 1.94 |
//! | `postgres` | no | `PostgresStore`: sessions in PostgreSQL, for several machines; needs Rust 1.94 |
//! | `python` | no | `python`: the formats and stores of the Python library of this name: its sessions go on as yours |
//! | `redis` | no | `RedisStore`: sessions in Redis or Valkey, for many machines and many sessions |
//! | `sqlite` | no | `SqliteStore`: sessions in a file, which survive a restart |
//! | `takeover` | no | `takeover`: sessions of another library, taken over one by one while users stay signed in |
//! | `testing` | no | `testing`: a clock to turn, sessions to seed and read, the contract of stores, a lock on what is stored |
//!
//! Features only add; none changes what the rest does. If both `aws-lc-rs` and `ring` are on, `ring` encrypts.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate self as starsessions;

#[cfg(feature = "axum")]
mod axum;
mod bearer;
mod clock;
mod cookie;
mod crypto;
pub mod csrf;
#[cfg(feature = "dbsc")]
mod device;
pub mod docs;
mod engine;
pub mod error;
mod flow;
mod lifecycle;
mod local_path;
mod middleware;
mod observe;
#[cfg(feature = "python")]
pub mod python;
mod record;
mod request;
mod schema;
mod sentence;
pub mod session;
pub mod store;
#[cfg(feature = "takeover")]
pub mod takeover;
#[cfg(feature = "testing")]
pub mod testing;
pub mod value;

pub use clock::Timestamp;
pub use cookie::SameSite;
pub use crypto::KeyRing;
#[cfg(feature = "axum")]
pub use csrf::CsrfLayer;
pub use error::SessionError;
pub use flow::Flows;
pub use lifecycle::Lifetime;
pub use local_path::LocalPath;
pub use middleware::{
    FailurePolicyLayer, PassiveLayer, Rejection, SessionLayer, SessionLayerBuilder,
};
pub use schema::SessionData;
pub use session::{CurrentSession, Detached, Session, SessionRejection};
#[doc = include_str!("docs/attributes.md")]
pub use starsessions_derive::Session;
#[cfg(feature = "mysql")]
#[doc(inline)]
pub use store::MySqlStore;
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use store::PostgresStore;
#[cfg(feature = "redis")]
#[doc(inline)]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
#[doc(inline)]
pub use store::SqliteStore;
#[doc(inline)]
pub use store::{CookieStore, MemoryStore};

/// The parts of a layer's configuration: policies, cookies, clocks, and why a layer is not built.
pub mod config {
    pub use crate::bearer::{SecurityScheme, Transport, TransportConfigError};
    pub use crate::clock::{Clock, SystemClock};
    pub use crate::cookie::{CookieBuilder, CookieConfigError};
    #[cfg(feature = "dbsc")]
    pub use crate::device::{DeviceBinding, DeviceBindingError, Proven, Unbound};
    pub use crate::lifecycle::{AtLimit, FailurePolicy, OnServerError};
    pub use crate::middleware::ConfigError;
}

/// Events of sessions, for an audit log or a mail about a new device: see [`channel`](events::channel).
pub mod events {
    pub use crate::crypto::Fingerprint;
    pub use crate::observe::{
        EndCause, EventKind, EventSender, Events, Refusal, RenewalReason, SessionEvent, channel,
    };
}

/// The keys of a deployment.
pub mod keys {
    pub use crate::crypto::{
        CookieKind, InvalidSessionId, Key, KeyError, KeyId, KeyRing, KeyRingError, RandomError,
    };
}

/// The tower services of the layers, and their futures: to name them in types, not to make them.
pub mod service {
    #[cfg(feature = "axum")]
    pub use crate::csrf::{CsrfFuture, CsrfService};
    pub use crate::middleware::{ResponseFuture, RouteService, SessionService};
}

/// The user of a request, as the application knows them.
pub mod user {
    pub use crate::crypto::AuthHash;
    #[doc(inline)]
    pub use crate::session::{CurrentUser, Permission, User};
}

/// Support for the derive macro's output; not a public interface.
#[doc(hidden)]
pub mod __private {
    pub use core;
    // Not used by the output. Without it the compiler's errors about a trait also list its implementations for types of std.
    pub use std;

    pub use crate::schema::{Absent, FieldReader, FieldWriter, Indexed, SessionData};
    pub use crate::schema::{
        Column, HasDefault, Migrated, Optional, Present, Show, ShowOpaque, ShowValue, Verdict,
        column, default_of, validate,
    };
    pub use crate::schema::{FieldSpec, IndexValue, Merge, Schema, index_spec};
    pub use crate::value::{
        Append, FieldType, Flag, Flash, Format, Invalid, MergeFn, OldValue, Order, Readable,
        Stored, Sum, Union, Value, ValueError, Writable, merge_flash,
    };
}
