//! Whether what people store comes back as it was: the types of the ecosystem, and random ones.
#![cfg(test)]

mod ecosystem;
mod random;
