//! The guarantees, under their numbers in README.md.

mod g01_lazy;
mod g02_created_by_writing;
mod g03_only_what_changed;
mod g04_interleavings;
mod g04_no_lost_update;
mod g05_no_resurrection;
mod g05_overtaken;
mod g06_one_unit;
mod g07_failure_is_not_absence;
mod g08_cancel_safe;
mod g08_tasks;
mod g09_server_errors;
mod g10_rolling_deploys;
mod g11_strict_ids;
mod g12_sealed_at_rest;
mod g13_caches;
mod g14_timers;
mod g15_bounded;
mod g16_order;
