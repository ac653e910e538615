//! Typed web sessions for axum and tower.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate self as starsessions;

mod clock;
mod data;
mod expansion;
mod schema;
mod value;

pub use clock::{Clock, SystemClock, Timestamp};
pub use data::SessionData;
pub use value::{Flaw, Incomplete, Invalid, OldValue, ValueError};

#[doc = include_str!("docs/attributes.md")]
pub use starsessions_derive::Session;

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
