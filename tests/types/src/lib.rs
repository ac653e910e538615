//! Tests that values survive storage unchanged: the types of the ecosystem, and random types.
#![cfg(test)]

mod ecosystem;
mod random;
