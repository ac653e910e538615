//! The sessions that other libraries keep in a database, read without their crates.

mod axum_session;
mod database;
mod tower_sessions;

pub use self::axum_session::AxumSession;
pub use self::database::Database;
pub use self::tower_sessions::TowerSessions;
