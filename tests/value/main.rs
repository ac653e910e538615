//! The value of one field: its bytes, the shape of its type, its merges.

mod support;

mod changed_types;
mod envelope;
mod frozen;
mod hostile;
mod lost;
mod merge;
mod round_trip;
mod same_types;
mod supported;
mod unsupported;
