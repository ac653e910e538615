//! Everything that judges starsessions.

pub mod browser;
