//! What users must be able to do. The numbers are those of the acceptance scenarios.

mod any_type;
mod caches;
mod cookie_limits;
mod floods;
mod forgotten_layer;
mod garbage;
mod login_redirect;
mod middleware;
mod parallel_writers;
mod reader_beside_writer;
mod rolling_deploy;
mod rotation;
mod stolen_dump;
mod testing;
mod timeouts;
mod traffic;
mod two_tabs;
