//! The servers of `sqlx`, and how a request is sent to them.

use std::future::poll_fn;
use std::sync::Arc;

use sqlx::database::Database;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Either, Executor, Row as _, SqlSafeStr as _};

use super::columns::Value;
use super::connections::Connections;
use super::failure::Reason;
use super::statement::{Reply, Request, Server};

pub(super) trait Driver: Database + Server<Link = Connections<Self>> {
    /// Creates the tables. May run any number of times, and concurrently with other instances.
    const SCRIPT: &'static str;
    /// Runs before the script.
    const LOCK: &'static str = "";
    /// Returns the version of the tables.
    const VERSION: &'static str;
    /// Returns zero if a statement outside of a transaction is not committed; empty if each is.
    const COMMITS: &'static str = "";

    // With a table of index keys:
    /// Counts its foreign keys that lead to another table than that of the rows.
    const LEADS_ELSEWHERE: &'static str = "";
    /// Counts the rows that must have entries, if there are no entries at all. It looks at the rows that end last, so
    /// that a start among millions of guests takes no time.
    const LACKS_ENTRIES: &'static str = "";
    /// Makes the entries of all rows.
    const FILE_ALL: &'static str = "";

    /// The reason behind an error of the server.
    fn reason(error: &dyn DatabaseError) -> Reason;

    /// Adds a parameter. Ignores encoding errors: numbers and bytes have none, and the server refuses a statement that
    /// lacks a parameter.
    fn bind(arguments: &mut Self::Arguments, value: &Value);

    fn value(row: &Self::Row, column: usize) -> sqlx::Result<Value>;

    /// How many rows a statement has changed.
    fn changes(end: &Self::QueryResult) -> u64;
}

/// A separate trait, so that the trait bound of `sqlx` on connections is written once.
pub(super) trait Fetch: Driver {
    /// Sends a statement, or a script if it has no parameters. Collects the returned rows, and counts the changed ones.
    fn fetch(
        connection: &mut Self::Connection,
        request: &Request,
    ) -> impl Future<Output = sqlx::Result<Reply>> + Send;
}

impl<DB: Driver> Fetch for DB
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    async fn fetch(connection: &mut DB::Connection, request: &Request) -> sqlx::Result<Reply> {
        let mut arguments = DB::Arguments::default();
        for value in &request.values {
            DB::bind(&mut arguments, value);
        }
        let arguments = (!request.values.is_empty()).then_some(arguments);
        let sql = AssertSqlSafe(Arc::clone(&request.sql)).into_sql_str();
        let mut reply = Reply::default();
        let mut steps = connection.fetch_many((sql, arguments));
        while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
            match step? {
                Either::Left(end) => reply.changes += DB::changes(&end),
                Either::Right(row) => {
                    let columns = (0..row.len()).map(|column| DB::value(&row, column));
                    // A row with a value that this crate has not written is malformed: it gets no columns.
                    let columns = columns.collect::<sqlx::Result<_>>();
                    reply.rows.push(columns.unwrap_or_default());
                }
            }
        }
        Ok(reply)
    }
}
