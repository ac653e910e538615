//! Shared code for the tests of starsessions.

pub mod client;
pub mod device;
pub mod gate;
pub mod jar;
pub mod logs;
pub mod provider;
pub mod routing;
pub mod scenarios;
pub mod servers;
pub mod shop;
pub mod site;
pub mod spy;
pub mod strict;

/// The code of the front page, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
