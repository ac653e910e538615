//! Sessions of other libraries, taken over or shared.

mod differences;
mod nodes;
mod python;
mod sharing;
mod source;
mod tables;
mod values;
