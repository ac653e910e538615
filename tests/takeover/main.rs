//! Sessions of other libraries go on as ours, or are shared.

mod python;
mod sharing;
mod source;
