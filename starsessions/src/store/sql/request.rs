//! Statements with their parameters, ready to be sent more than once.

use std::future::Future;
use std::sync::Arc;

use sqlx::database::Database;
use sqlx::error::DatabaseError;
use sqlx::query::Query;
use sqlx::{Arguments, AssertSqlSafe, Encode, IntoArguments, Type};

use super::failure::Reason;

/// What the two servers do in their own ways.
pub(super) trait Server: Database<Arguments: IntoArguments<Self> + Clone + Sync> {
    /// Sends a statement and collects its rows.
    fn rows(
        connection: &mut Self::Connection,
        query: Prepared<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Sends a statement and counts the rows that it has changed.
    fn changes(
        connection: &mut Self::Connection,
        query: Prepared<Self>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// What an error of the server means.
    fn reason(error: &dyn DatabaseError) -> Reason;
}

pub(super) type Prepared<DB> = Query<'static, DB, <DB as Database>::Arguments>;

/// A statement made of constants and a checked name.
#[derive(Clone, Debug)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    pub(super) fn new(sql: String) -> Self {
        Self(sql.into())
    }

    pub(super) fn sql(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }

    /// A request for the rows that the statement returns.
    pub(super) fn read<DB: Server>(&self) -> Request<DB> {
        Request::new(self, true)
    }

    /// A request that counts the rows that the statement changes.
    pub(super) fn write<DB: Server>(&self) -> Request<DB> {
        Request::new(self, false)
    }
}

/// The statements of one table, each under its name.
macro_rules! statements {
    ($($name:ident: $template:literal;)*) => {
        pub(super) struct Statements {
            pub(super) table: TableName,
            $($name: Statement,)*
        }

        impl Statements {
            pub(super) fn new(table: TableName) -> Self {
                $(let $name = Statement::new(fill($template, &table));)*
                Self { table, $($name),* }
            }
        }
    };
}
pub(super) use statements;

/// A statement with its parameters. It owns them, so it can be sent from a task, and again.
pub(super) struct Request<DB: Server> {
    statement: Statement,
    arguments: DB::Arguments,
    returns_rows: bool,
}

impl<DB: Server> Request<DB> {
    fn new(statement: &Statement, returns_rows: bool) -> Self {
        Self {
            statement: statement.clone(),
            arguments: DB::Arguments::default(),
            returns_rows,
        }
    }

    /// Adds the next parameter. Numbers and bytes always encode; if one did not, the server would
    /// refuse a statement that has a parameter too few.
    pub(super) fn bind<'t, T: Encode<'t, DB> + Type<DB>>(mut self, value: T) -> Self {
        let _ = self.arguments.add(value);
        self
    }

    pub(super) async fn send(
        &self,
        connection: &mut DB::Connection,
    ) -> Result<Reply<DB>, sqlx::Error> {
        let query = sqlx::query_with(self.statement.sql(), self.arguments.clone());
        let mut reply = Reply::default();
        if self.returns_rows {
            reply.rows = DB::rows(connection, query).await?;
        } else {
            reply.changes = DB::changes(connection, query).await?;
        }
        Ok(reply)
    }
}

/// What the server has answered.
pub(super) struct Reply<DB: Database> {
    pub(super) rows: Vec<DB::Row>,
    pub(super) changes: u64,
    /// Nothing was written, because a row has the key of the one that was to be inserted.
    pub(super) is_taken: bool,
}

impl<DB: Database> Reply<DB> {
    pub(super) fn taken() -> Self {
        Self {
            is_taken: true,
            ..Self::default()
        }
    }
}

impl<DB: Database> Default for Reply<DB> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            changes: 0,
            is_taken: false,
        }
    }
}
