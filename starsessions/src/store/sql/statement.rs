//! The statements of the three databases: templates with named parameters, and the values in their places.

use std::sync::Arc;

use super::columns::{COLUMNS, Value, column_of};
use super::setup::TableName;
use crate::crypto::RowKey;
use crate::store::{Result, Row};

pub(super) trait Server: Sized + Send + Sync + 'static {
    type Link: Link;

    // The templates of the statements in which servers differ: `{..}` is the name of a table or of a value. A statement
    // that the server does not need is empty.
    /// Adds a row, unless a live one is there.
    const INSERT: &'static str =
        "INSERT INTO {table} (session_key, {columns}) VALUES ({key}, {row})";
    /// Inserts the new row, if the old row is still the one that was seen. A server without a table of index keys
    /// changes both rows in this statement; the others send `REPLACE` next, in the same transaction.
    const ROTATE: &'static str = "
        INSERT INTO {table} (session_key, {columns})
        SELECT {new_key}, {moved} FROM {table} WHERE {is_seen} {for_update}";
    /// Removes the row under the key and returns it. If the server cannot return it, removes only the row that was
    /// seen, or any row if its revision cannot be read.
    const REMOVE: &'static str =
        "DELETE FROM {table} WHERE session_key = {key} RETURNING {columns}";
    /// Enters a row in the table of the index keys, if there is one.
    const FILE: &'static str = "";
    /// Takes a row out of the table of the index keys.
    const TAKE_OUT: &'static str = "";
    /// Returns the columns of the rows under an index key, each with its key at the end.
    const LISTED: &'static str;
    /// Removes up to a number of expired rows. If it returns their deadlines, the next batch may begin at the last one.
    const SWEEP: &'static str;

    /// The quote around names, because a name may be a keyword.
    const QUOTE: &'static str = "\"";
    /// The function that returns the greatest of its arguments.
    const GREATEST: &'static str = "GREATEST";
    /// The end of a read that locks the row and sees its current state, at every isolation level.
    const FOR_UPDATE: &'static str = "";
    /// Whether parameters are `$1` and so on, so that one named twice is sent once; otherwise each is `?`.
    const HAS_NUMBERS: bool = false;
    /// Whether the server can return deleted rows.
    const RETURNS: bool = true;
    /// The rows of one sweep statement: few enough that requests do not wait long.
    const SWEEP_BATCH: usize = 1_000;
    /// How many expired rows each insert frees.
    const FREED_PER_INSERT: usize = 0;
}

/// The connection to the database.
pub(super) trait Link: Send + Sync + 'static {
    /// Sends requests, which run to their end, even if the caller is dropped. `patience` multiplies the response
    /// time-out.
    fn send(&self, requests: Requests, patience: u32)
    -> impl Future<Output = Result<Reply>> + Send;
}

/// The statements of a server, filled in.
pub(super) struct Statements {
    pub(super) load: Statement,
    pub(super) insert: Statement,
    pub(super) free: Statement,
    pub(super) replace: Statement,
    pub(super) rotate: Statement,
    pub(super) touch: Statement,
    pub(super) remove: Statement,
    pub(super) file: Statement,
    pub(super) take_out: Statement,
    pub(super) listed: Statement,
    pub(super) sweep: Statement,
    pub(super) count: Statement,
}

impl Statements {
    pub(super) fn new<DB: Server>(table: &TableName) -> Self {
        let fill = |template| Statement::new::<DB>(template, table);
        Self {
            load: fill(LOAD),
            insert: fill(DB::INSERT),
            free: fill(FREE),
            replace: fill(REPLACE),
            rotate: fill(DB::ROTATE),
            touch: fill(TOUCH),
            remove: fill(DB::REMOVE),
            file: fill(DB::FILE),
            take_out: fill(DB::TAKE_OUT),
            listed: fill(DB::LISTED),
            sweep: fill(DB::SWEEP),
            count: fill(COUNT),
        }
    }
}

/// Returns the [columns](COLUMNS) of the row under a key.
const LOAD: &str = "SELECT {columns} FROM {table} WHERE session_key = {key}";
/// Removes an expired row that keeps `INSERT` from its key.
const FREE: &str = "DELETE FROM {table} WHERE session_key = {key} AND deadline <= {now}";
/// Changes the row under the key, if it is still the row that was seen.
const REPLACE: &str = "UPDATE {table} SET {changes} WHERE {is_seen}";
/// Changes the times of the row under the key, if it is still the row that was seen.
const TOUCH: &str = "
    UPDATE {table}
    SET deadline = {greatest}(deadline, {deadline}), last_seen = {greatest}(last_seen, {last_seen})
    WHERE {is_seen}";
/// Returns the numbers of [`StoreCounts`](crate::store::StoreCounts), in the order of its fields.
const COUNT: &str = "
    SELECT COUNT(CASE WHEN deadline > {now} THEN 1 END),
        COUNT(CASE WHEN deadline > {now} AND card IS NOT NULL THEN 1 END),
        COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 3600 THEN 1 END),
        COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 86400 THEN 1 END),
        COUNT(CASE WHEN deadline > {now} AND last_seen > {now} - 604800 THEN 1 END),
        COUNT(CASE WHEN deadline <= {now} THEN 1 END)
    FROM {table}";

/// Whether a live row is still the one that was seen.
const IS_SEEN: &str = "session_key = {key} AND revision = {seen_revision} AND deadline > {now}";
const ROW: &str = "{revision}, {deadline}, {last_seen}, {value}, {index_keys}, {card}";
/// The times are those of `Row::in_place_of`. No expression reads a column that is assigned before it, so the order of
/// assignments does not matter: from left to right, or all at once as in PostgreSQL or under `SIMULTANEOUS_ASSIGNMENT`.
const CHANGES: &str = "
    deadline = CASE WHEN deadline = {seen_deadline} THEN {deadline} ELSE {greatest}(deadline, {deadline}) END,
    last_seen = {greatest}(last_seen, {last_seen}),
    revision = {revision}, value = {value}, index_keys = {index_keys}, card = {card}";
/// The row that moves, with the times of `Row::in_place_of` as well.
const MOVED: &str = "
    {new_revision},
    CASE WHEN deadline = {seen_deadline} THEN {new_deadline} ELSE {greatest}(deadline, {new_deadline}) END,
    {greatest}(last_seen, {new_last_seen}),
    {new_value}, {new_index_keys}, {new_card}";

/// A filled-in template.
pub(super) struct Statement {
    pub(super) sql: Arc<str>,
    parameters: Vec<String>,
}

impl Statement {
    pub(super) fn new<DB: Server>(template: &str, table: &TableName) -> Self {
        let schema = table.schema.as_ref();
        let schema = schema.map(|schema| format!("{0}{schema}{0}.", DB::QUOTE));
        let parts = [
            ("{is_seen}", IS_SEEN),
            ("{columns}", COLUMNS),
            ("{changes}", CHANGES),
            ("{row}", ROW),
            ("{moved}", MOVED),
            ("{greatest}", DB::GREATEST),
            ("{for_update}", DB::FOR_UPDATE),
            ("{table}", "{schema}{quote}{name}{quote}"),
            ("{schema}", &schema.unwrap_or_default()),
            ("{name}", &table.name),
            ("{quote}", DB::QUOTE),
        ];
        let put_in = |sql: String, (name, text): &(&str, &str)| sql.replace(name, text);
        let template = parts.iter().fold(template.to_owned(), put_in);
        let mut parts = template.split('{');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        let mut parameters = Vec::new();
        for (name, text) in parts.filter_map(|part| part.split_once('}')) {
            let known = parameters.iter().position(|known| known == name);
            let place = known.filter(|_| DB::HAS_NUMBERS).unwrap_or_else(|| {
                parameters.push(name.to_owned());
                parameters.len() - 1
            });
            sql += &match DB::HAS_NUMBERS {
                true => format!("${}", place + 1),
                false => "?".to_owned(),
            };
            sql += text;
        }
        let sql = sql.into();
        Self { sql, parameters }
    }

    pub(super) fn with(&self, values: &[Named<'_>]) -> Request {
        let values = self.parameters.iter().map(|name| value_of(name, values));
        Request {
            sql: Arc::clone(&self.sql),
            values: values.collect(),
        }
    }
}

/// A statement with its values. It owns the values, so a task or a thread can send it, also repeatedly.
pub(super) struct Request {
    pub(super) sql: Arc<str>,
    pub(super) values: Vec<Value>,
}

/// Requests that take place as a whole, or not at all. If the first one changes nothing, the others are not sent.
pub(super) struct Requests {
    pub(super) first: Request,
    pub(super) others: Vec<Request>,
}

impl From<Request> for Requests {
    fn from(first: Request) -> Self {
        let others = Vec::new();
        Self { first, others }
    }
}

/// A parameter's name and value.
pub(super) type Named<'a> = (&'static str, Given<'a>);

#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Key(&'a [u8; RowKey::LEN]),
    Number(i64),
    /// For all parameters whose name is this one, followed by a column.
    Row(&'a Row),
}

fn value_of(parameter: &str, values: &[Named<'_>]) -> Value {
    let value = values.iter().find_map(|(name, given)| match given {
        Given::Key(key) if *name == parameter => Some(Value::Bytes(Some(key[..].into()))),
        Given::Number(number) if *name == parameter => Some(Value::Number(*number)),
        Given::Row(row) => column_of(row, parameter.strip_prefix(name)?),
        _ => None,
    });
    value.unwrap_or(Value::Bytes(None))
}

/// The answer of the database to a request, or to the first of several.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) changes: u64,
    /// Nothing was written, because the key of the new row is taken.
    pub(super) is_taken: bool,
    /// An earlier try may have reached the server as well.
    pub(super) is_repeated: bool,
}
