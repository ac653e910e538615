//! Why a codec does not write a value.

use std::any::type_name;
use std::fmt;

use serde::ser;

use super::{Incomplete, MAX_VALUE, ValueError};
use crate::sentence::sentences;

/// Why a codec does not write a value. It holds no part of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    TooLarge,
    TooDeep {
        limit: usize,
    },
    /// `skip_serializing_if` left out this field, whose place a positional format needs.
    SkipsField(&'static str),
    /// The elements of a list take no bytes, so that nine bytes could ask for 2^64 of them.
    EmptyElements,
    /// The value's own `Serialize` failed, or used a feature that the format does not have.
    Unencodable,
}

impl Refusal {
    /// Whether the refusal is about the type, so that the format cannot carry it at all.
    pub(super) fn is_of_the_type(self) -> bool {
        matches!(self, Self::SkipsField(_) | Self::EmptyElements)
    }

    pub(super) fn into_error<T>(self) -> ValueError {
        let type_name = type_name::<T>();
        let unsupported = |reason| ValueError::Unsupported { type_name, reason };
        match self {
            Self::TooLarge => ValueError::TooLarge { limit: MAX_VALUE },
            Self::TooDeep { limit } => ValueError::TooDeep { limit },
            Self::SkipsField(field) => unsupported(Incomplete::SkipsField { field }),
            Self::EmptyElements => unsupported(Incomplete::EmptyElements),
            Self::Unencodable => ValueError::Unencodable { type_name },
        }
    }
}

impl ser::Error for Refusal {
    /// Drops the message, which may quote the value.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unencodable
    }
}

sentences! { Refusal: _ => "the value cannot be written"; }
