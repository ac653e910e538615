//! Everything that judges starsessions.

pub mod browser;
pub mod ledger;
