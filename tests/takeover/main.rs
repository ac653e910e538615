//! Sessions of other libraries go on as ours.

mod python;
mod source;
