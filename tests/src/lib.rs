//! Everything that judges starsessions.
