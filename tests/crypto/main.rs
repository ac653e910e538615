//! Keys as users make them; what is made of them is tested beside the code.

mod keys;
mod vectors;
