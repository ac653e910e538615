//! Statements with named parameters, and what is put in their places.

use std::sync::Arc;

use sqlx::database::Database;
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::names::TableName;
use super::server::Server;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::Row;
use crate::store::columns::{card, revision, seconds};

macro_rules! statements {
    ($($(#[$about:meta])* $name:ident,)*) => {
        /// Something for each statement of a server: its template or itself. `{..}` in a template is the name
        /// of a table or of a value. A statement that a server does without is empty.
        pub(super) struct Statements<T> {
            $($(#[$about])* pub(super) $name: T,)*
        }

        const NONE: Statements<&'static str> = Statements { $($name: "",)* };

        impl Statements<&'static str> {
            pub(super) fn fill<DB: Server>(self, table: &TableName) -> Statements<Statement> {
                Statements { $($name: Statement::new::<DB>(self.$name, table),)* }
            }
        }
    };
}

statements! {
    /// Returns the [columns](crate::store::columns::Columns) of the row under a key.
    load,
    /// Adds a row, unless a live one is there.
    insert,
    /// Removes an expired row that keeps `insert` from its key.
    free,
    /// Changes the row under the key, if it still is the one that was seen.
    replace,
    /// Changes both rows or none; if empty, `replace` and `insert` do it.
    rotate,
    /// Changes the row under the key, if it still is the one that was seen.
    touch,
    /// Removes whatever is under the key and returns it; if the server cannot, the row that was seen.
    remove,
    /// Enters a row in the table of the index keys, if there is one.
    file,
    /// Takes it out of there.
    take_out,
    /// Returns the columns of the rows under an index key, each with its key at the end.
    listed,
    /// Removes so many rows that have expired. Where it returns a row, that has the number of the removed
    /// ones, and how far it came.
    sweep,
    /// Returns the columns of [`StoreCounts`](crate::store::StoreCounts).
    count,
}

/// What both servers do alike.
pub(super) const SHARED: Statements<&'static str> = Statements {
    load: "SELECT {columns} FROM {table} WHERE {key_column} = {key}",
    replace: "
        UPDATE {table} SET {changes}
        WHERE {key_column} = {key} AND revision = {seen_revision} AND deadline > {now}",
    touch: "
        UPDATE {table}
        SET deadline = GREATEST(deadline, {deadline}), last_seen = GREATEST(last_seen, {last_seen})
        WHERE {key_column} = {key} AND revision = {seen_revision} AND deadline > {now}",
    // Used within an hour, a day, a week.
    count: "
        SELECT COUNT(CASE WHEN deadline > {now} THEN 1 END),
            COUNT(CASE WHEN deadline > {now} AND card IS NOT NULL THEN 1 END),
            COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 3600 THEN 1 END),
            COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 86400 THEN 1 END),
            COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 604800 THEN 1 END),
            COUNT(CASE WHEN deadline <= {now} THEN 1 END)
        FROM {table}",
    ..NONE
};

/// The names of [`Columns`](crate::store::columns::Columns).
const COLUMNS: &str = "revision, deadline, last_seen, value, index_keys, card";
const ROW: &str = "{revision}, {deadline}, {last_seen}, {value}, {index_keys}, {card}";
/// No expression reads a column that is assigned before it. So it does not matter whether assignments take
/// place from left to right, or all at once as in PostgreSQL or under `SIMULTANEOUS_ASSIGNMENT`.
const CHANGES: &str = "
    deadline = CASE WHEN deadline = {seen_deadline} THEN {deadline} ELSE GREATEST(deadline, {deadline}) END,
    last_seen = GREATEST(last_seen, {last_seen}),
    revision = {revision}, value = {value}, index_keys = {index_keys}, card = {card}";

/// A template that was filled in.
pub(super) struct Statement {
    pub(super) sql: Arc<str>,
    parameters: Vec<String>,
}

impl Statement {
    pub(super) fn new<DB: Server>(template: &str, table: &TableName) -> Self {
        let named = [
            ("{table}", table.quoted::<DB>("")),
            ("{index}", table.quoted::<DB>("_index")),
            ("{versions}", table.quoted::<DB>("_schema")),
            ("{by_deadline}", table.quoted_alone::<DB>("_by_deadline")),
            ("{by_index}", table.quoted_alone::<DB>("_by_index")),
            ("{key_column}", DB::KEY.to_owned()),
            ("{columns}", COLUMNS.to_owned()),
            ("{changes}", CHANGES.to_owned()),
            ("{row}", ROW.to_owned()),
            ("{new_row}", ROW.replace('{', "{new_")),
        ];
        let put_in = |sql: String, (name, text): (&str, String)| sql.replace(name, &text);
        let template = named.into_iter().fold(template.to_owned(), put_in);
        let mut parts = template.split('{');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        let mut parameters = Vec::new();
        for (name, text) in parts.filter_map(|part| part.split_once('}')) {
            let known = parameters.iter().position(|known| known == name);
            let place = known.filter(|_| DB::HAS_NUMBERS).unwrap_or_else(|| {
                parameters.push(name.to_owned());
                parameters.len() - 1
            });
            sql += &DB::placeholder(place + 1);
            sql += text;
        }
        let sql = sql.into();
        Self { sql, parameters }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    pub(super) fn with<DB: Server>(&self, values: Values<'_>) -> Request<DB> {
        let mut arguments = DB::Arguments::default();
        for parameter in &self.parameters {
            DB::bind(&mut arguments, values.get(parameter));
        }
        let sql = Arc::clone(&self.sql);
        Request { sql, arguments }
    }
}

/// What parameters stand for.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) key: Option<&'a RowKey>,
    pub(super) now: Option<Timestamp>,
    pub(super) seen: Option<&'a Row>,
    pub(super) row: Option<&'a Row>,
    /// Of a rotation.
    pub(super) new: Option<(&'a RowKey, &'a Row)>,
    pub(super) index_key: Option<&'a IndexKey>,
    /// How many rows, or the revision of one that cannot be read.
    pub(super) number: i64,
    pub(super) first: i64,
}

pub(super) enum Value<'a> {
    Number(i64),
    Bytes(Option<&'a [u8]>),
    Keys(Option<&'a [IndexKey]>),
}

impl<'a> Values<'a> {
    fn get(&self, name: &str) -> Value<'a> {
        let bytes = |key: &'a RowKey| key.as_bytes().as_slice();
        match (name, name.split_once('_')) {
            ("key", _) => Value::Bytes(self.key.map(bytes)),
            ("new_key", _) => Value::Bytes(self.new.map(|(key, _)| bytes(key))),
            ("index_key", _) => Value::Bytes(self.index_key.map(|key| key.as_bytes().as_slice())),
            ("now", _) => Value::Number(self.now.map_or(0, seconds)),
            ("number", _) => Value::Number(self.number),
            ("first", _) => Value::Number(self.first),
            (_, Some(("seen", column))) => column_of(self.seen, column),
            (_, Some(("new", column))) => column_of(self.new.map(|(_, row)| row), column),
            (column, _) => column_of(self.row, column),
        }
    }
}

fn column_of<'a>(row: Option<&'a Row>, column: &str) -> Value<'a> {
    match (column, row) {
        ("revision", Some(row)) => Value::Number(revision(row)),
        ("deadline", Some(row)) => Value::Number(seconds(row.deadline)),
        ("last_seen", Some(row)) => Value::Number(seconds(row.last_seen)),
        ("value", Some(row)) => Value::Bytes(Some(&row.value)),
        ("index_keys", Some(row)) => Value::Keys(row.listing.as_ref().map(|it| it.index_keys())),
        (_, row) => Value::Bytes(row.and_then(card)),
    }
}

/// A statement with its values. It owns them, so it can be sent from a task, and again.
pub(super) struct Request<DB: Server> {
    sql: Arc<str>,
    arguments: DB::Arguments,
}

impl<DB: Server> Request<DB> {
    pub(super) async fn send(&self, to: &mut DB::Connection) -> Result<Reply<DB>, sqlx::Error> {
        let sql = AssertSqlSafe(Arc::clone(&self.sql)).into_sql_str();
        DB::send(to, sql, Some(self.arguments.clone())).await
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
