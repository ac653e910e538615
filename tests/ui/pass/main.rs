//! What is right compiles, and does what it says.

mod beside_other_derives;
mod every_key;
mod generic;
