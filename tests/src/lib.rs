//! Everything that judges starsessions.

pub mod browser;
pub mod caller;
pub mod ledger;
pub mod strict;
