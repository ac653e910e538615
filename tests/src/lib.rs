//! Everything that judges starsessions.

pub mod browser;
pub mod strict;

/// The code of the front page, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
