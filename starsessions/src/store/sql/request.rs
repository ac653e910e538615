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
    /// Sends a statement, collects its rows, and counts those that it has changed.
    fn send(
        connection: &mut Self::Connection,
        query: Prepared<Self>,
    ) -> impl Future<Output = Result<Reply<Self>, sqlx::Error>> + Send;

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

    pub(super) fn request<DB: Server>(&self) -> Request<DB> {
        Request {
            statement: self.clone(),
            arguments: DB::Arguments::default(),
        }
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
}

impl<DB: Server> Request<DB> {
    /// Adds the next parameter. Numbers and bytes always encode; if one did not, the server would
    /// refuse a statement that has a parameter too few.
    pub(super) fn bind<'t, T: Encode<'t, DB> + Type<DB>>(mut self, value: T) -> Self {
        let _ = self.arguments.add(value);
        self
    }

    /// Adds the next parameters, all of them numbers.
    pub(super) fn numbers<'t, const N: usize>(self, numbers: [i64; N]) -> Self
    where
        i64: Encode<'t, DB> + Type<DB>,
    {
        numbers.into_iter().fold(self, Self::bind)
    }

    pub(super) async fn send(
        &self,
        connection: &mut DB::Connection,
    ) -> Result<Reply<DB>, sqlx::Error> {
        let sql = AssertSqlSafe(Arc::clone(&self.statement.0));
        let query = sqlx::query_with(sql, self.arguments.clone());
        DB::send(connection, query).await
    }
}

/// What the server has answered.
pub(super) struct Reply<DB: Database> {
    pub(super) rows: Vec<DB::Row>,
    pub(super) changes: u64,
    /// Nothing was written, because a row has the key of the one that was to be inserted.
    pub(super) is_taken: bool,
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
