//! Sessions of other libraries go on as ours, or are shared.

mod differences;
mod nodes;
mod python;
mod sharing;
mod source;
mod tables;
mod values;
