//! What `sqlx` has for each of its servers.

use sqlx::database::Database;
use sqlx::error::DatabaseError;
use sqlx::{IntoArguments, SqlStr};

use super::columns::Value;
use super::connections::Connections;
use super::failure::Reason;
use super::server::Server;
use super::statement::Reply;

pub(super) trait Driver: Fetch + Server<Link = Connections<Self>> {
    /// Makes the tables; any number of times, and at the same time as other instances.
    const SCRIPT: &'static str;
    /// Goes before the script.
    const LOCK: &'static str = "";
    /// Returns the version of the tables.
    const VERSION: &'static str;

    /// What an error of the server means.
    fn reason(error: &dyn DatabaseError) -> Reason;

    /// Adds a parameter. Numbers and bytes always encode; if one did not, the server would refuse a
    /// statement that has a parameter too few.
    fn bind(arguments: &mut Self::Arguments, value: &Value);

    fn value(row: &Self::Row, column: usize) -> sqlx::Result<Value>;
}

/// What is the same text for each server, and cannot be one for all of them.
pub(super) trait Fetch: Database<Arguments: IntoArguments<Self>> {
    /// Sends a statement, or a script if there are no arguments. Collects the rows that it returns, and counts
    /// those that it has changed.
    fn fetch(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Option<Self::Arguments>,
    ) -> impl Future<Output = sqlx::Result<Reply>> + Send;
}
