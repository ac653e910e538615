//! The use cases, under their numbers in CONTRIBUTING.md.

mod any_type;
mod anywhere;
mod caches;
mod cookie_limits;
mod detached;
mod devices;
mod explained;
mod floods;
mod forgotten_layer;
mod garbage;
mod leaked_logs;
mod middleware;
mod providers;
mod reader_beside_writer;
mod return_path;
mod step_up;
mod testing;
mod timeouts;
mod traffic;
