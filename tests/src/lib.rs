//! Everything that judges starsessions.

pub mod strict;
