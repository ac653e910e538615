//! What the two servers do in their own ways.

use sqlx::database::Database;
use sqlx::error::DatabaseError;
use sqlx::{IntoArguments, SqlStr};

use super::failure::Reason;
use super::statement::{Reply, Statements, Value};
use crate::store::columns::Columns;

pub(super) trait Server: Driver {
    const STATEMENTS: Statements<&'static str>;
    /// Makes the tables; any number of times, and at the same time as other instances.
    const SCRIPT: &'static str;
    /// Goes before the script.
    const LOCK: &'static str = "";
    /// Returns the version of the tables.
    const VERSION: &'static str;
    /// The column of keys.
    const KEY: &'static str;
    /// Around names, because a name may be a word of the language.
    const QUOTE: char;
    /// Whether a parameter that is named twice is sent once.
    const HAS_NUMBERS: bool;
    /// Whether it returns what it deletes.
    const RETURNS: bool;

    fn placeholder(number: usize) -> String;

    /// What an error of the server means.
    fn reason(error: &dyn DatabaseError) -> Reason;

    /// Adds a parameter. Numbers and bytes always encode; if one did not, the server would refuse a
    /// statement that has a parameter too few.
    fn bind(arguments: &mut Self::Arguments, value: Value<'_>);

    fn columns(row: &Self::Row) -> sqlx::Result<Columns>;
}

/// What both do alike, and `sqlx` has for each of them.
pub(super) trait Driver: Database<Arguments: IntoArguments<Self> + Clone + Sync> {
    /// Sends a statement, or a script if there are no arguments. Collects the rows that it returns, and counts
    /// those that it has changed.
    fn send(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Option<Self::Arguments>,
    ) -> impl Future<Output = sqlx::Result<Reply<Self>>> + Send;

    /// The key of a row, which comes after the columns.
    fn key(row: &Self::Row) -> sqlx::Result<Vec<u8>>;

    fn number(row: &Self::Row, column: usize) -> sqlx::Result<Option<i64>>;
}
