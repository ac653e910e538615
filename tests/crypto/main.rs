//! Keys as users create them; the keys derived from them are tested beside the code.

mod keys;
mod vectors;
