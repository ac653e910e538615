//! Random requests, compared with simple models of the expected outcome.

mod changes;
mod life;
mod schedules;
