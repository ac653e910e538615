//! Random requests against simple models of what must come out.

mod changes;
mod life;
mod schedules;
