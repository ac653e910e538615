//! Typed web sessions for axum and tower.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate self as starsessions;

#[cfg(feature = "axum")]
mod axum;
mod clock;
mod cookie;
mod crypto;
mod data;
mod engine;
mod expansion;
mod lifecycle;
mod middleware;
mod record;
mod schema;
mod session;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod value;

pub use clock::{Clock, SystemClock, Timestamp};
pub use cookie::{CookieBuilder, CookieConfig, CookieConfigError, CookieError, SameSite};
pub use crypto::{Key, KeyError, KeyRing, KeyRingError, RandomError};
pub use data::SessionData;
pub use lifecycle::{FailurePolicy, Lifetime, ServerErrors};
pub use middleware::{
    ConfigError, Passive, PassiveLayer, ResponseFuture, SessionLayer, SessionLayerBuilder,
    SessionService,
};
pub use session::{
    Absence, MissingLayer, Oversized, Revocable, Revocation, Session, SessionError, SessionInfo,
    SessionRejection, Sessions, TooLarge, Unrevocable,
};
#[doc = include_str!("docs/attributes.md")]
pub use starsessions_derive::Session;
pub use store::{Backend, CookieStore, MemoryStore, MemoryStoreBuilder, StoreError};
pub use value::{Flaw, Incomplete, Invalid, OldValue, ValueError};

/// What a session store is made of: implement [`Store`](store_api::Store) to keep sessions
/// somewhere else.
pub mod store_api {
    pub use crate::crypto::{IndexKey, RowKey};
    pub use crate::record::{
        Commit, Field, FieldName, FieldWrite, Fields, Forward, Record, Rotation, Touch,
    };
    pub use crate::store::{
        Committed, Created, Loaded, Protection, Rotated, Store, StoreError, Touched,
    };
}

/// What the derive macro's output uses; not a public interface.
#[doc(hidden)]
pub mod __private {
    pub use core;
    pub use std;

    pub use crate::data::{Absent, FieldReader, FieldWriter, SessionData};
    pub use crate::expansion::{
        Column, Defaulted, HasDefault, Migrated, Optional, Policy, Required, Secret, Show,
        ShowOpaque, ShowValue, Value, Verdict, column, default_of, validate,
    };
    pub use crate::schema::{FieldSpec, Merge, Schema};
    pub use crate::value::{
        Append, Flag, Format, Invalid, MergeFn, OldValue, Order, Stored, Sum, Union, ValueError,
        merge_and, merge_append, merge_max, merge_min, merge_option, merge_or, merge_sum,
        merge_union, merge_value,
    };
}
