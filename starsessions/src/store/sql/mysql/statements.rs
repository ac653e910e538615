//! The statements.
//!
//! An `UPDATE` locks its row and then looks at it as it is *now*, at every isolation level: it waits for
//! another writer and checks its `WHERE` against what that one leaves. So one `UPDATE` is enough to
//! replace a row only if it is the one that was read. What has to change more than one row is a
//! transaction that such an `UPDATE` or an `INSERT` decides.
//!
//! No expression reads a column that is assigned before it. So it does not matter whether assignments
//! take place from left to right, or all at once under `SIMULTANEOUS_ASSIGNMENT`.

use sqlx::mysql::{MySql, MySqlPool, MySqlRow};
use sqlx::{FromRow, Row as _};

use super::schema;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::sql::names::{MigrateError, TableName};
use crate::store::sql::request::{Reply, Request, Statement};
use crate::store::sql::rows::{self, COLUMNS, Columns, revision, seconds};
use crate::store::sql::table::{Dialect, Table};
use crate::store::{Rotation, Row, StoreError, Touch};

/// The statements of one table.
pub(super) struct Statements {
    pub(super) table: TableName,
    load: Statement,
    insert: Statement,
    free: Statement,
    replace: Statement,
    touch: Statement,
    remove: Statement,
    file: Statement,
    take_out: Statement,
    listed: Statement,
    sweep: Statement,
}

impl Statements {
    /// A statement that is not needed again and again.
    pub(super) fn custom(&self, template: &str) -> Statement {
        fill(template, &self.table)
    }

    /// What the index has to change when a row takes the place of another one.
    fn refile(&self, key: &RowKey, before: &[IndexKey], after: &[IndexKey]) -> Vec<Request<MySql>> {
        let filed = |statement: &Statement, index_key: &IndexKey| {
            let request = statement.write().bind(index_key.as_bytes().as_slice());
            request.bind(key.as_bytes().as_slice())
        };
        let ended = before.iter().filter(|key| !after.contains(key));
        let begun = after.iter().filter(|key| !before.contains(key));
        ended
            .map(|index_key| filed(&self.take_out, index_key))
            .chain(begun.map(|index_key| filed(&self.file, index_key)))
            .collect()
    }
}

impl Dialect for Statements {
    type Server = MySql;

    fn new(table: TableName) -> Self {
        let fill = |template| fill(template, &table);
        Self {
            load: fill(LOAD),
            insert: fill(INSERT),
            free: fill(FREE),
            replace: fill(REPLACE),
            touch: fill(TOUCH),
            remove: fill(REMOVE),
            file: fill(FILE),
            take_out: fill(TAKE_OUT),
            listed: fill(LISTED),
            sweep: fill(SWEEP),
            table,
        }
    }

    fn name(&self) -> &TableName {
        &self.table
    }

    fn script(&self) -> String {
        schema::script(self)
    }

    async fn migrate(&self, pool: &MySqlPool) -> Result<(), MigrateError> {
        schema::migrate(pool, self).await
    }

    fn load(&self, key: &RowKey) -> Request<MySql> {
        self.load.read().bind(key.as_bytes().as_slice())
    }

    fn insert(&self, key: &RowKey, row: &Row, _: Timestamp) -> Vec<Request<MySql>> {
        let insert = self.insert.write().bind(key.as_bytes().as_slice());
        let insert = bind_row(
            insert
                .bind(seconds(row.deadline))
                .bind(seconds(row.last_seen)),
            row,
        );
        let mut requests = vec![insert];
        requests.extend(self.refile(key, &[], row.index_keys()));
        requests
    }

    fn free(&self, key: &RowKey, now: Timestamp) -> Option<Request<MySql>> {
        let free = self.free.write().bind(key.as_bytes().as_slice());
        Some(free.bind(seconds(now)))
    }

    fn replace(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Vec<Request<MySql>> {
        let replace = self
            .replace
            .write()
            .bind(seconds(seen.deadline))
            .bind(seconds(row.deadline))
            .bind(seconds(row.deadline))
            .bind(seconds(row.last_seen));
        let replace = if_seen(bind_row(replace, row), key, seen, now);
        let mut requests = vec![replace];
        requests.extend(self.refile(key, seen.index_keys(), row.index_keys()));
        requests
    }

    fn rotate(&self, rotation: &Rotation<'_>, now: Timestamp) -> Vec<Request<MySql>> {
        let mut requests = self.replace(rotation.old, rotation.seen, rotation.left, now);
        requests.extend(self.insert(rotation.new, rotation.row, now));
        requests
    }

    fn touch(&self, key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Request<MySql> {
        let touched = self
            .touch
            .write()
            .bind(seconds(touch.deadline))
            .bind(seconds(touch.last_seen));
        if_seen(touched, key, seen, now)
    }

    /// MySQL cannot return what it deletes. So the row is read, and removed if it still is the same.
    async fn remove(table: &Table<Self>, key: &RowKey) -> Result<Option<Row>, StoreError> {
        loop {
            let found = table.send(table.dialect.load(key)).await?.value.rows;
            let Some(found) = found.first() else {
                return Ok(None);
            };
            let remove = table
                .dialect
                .remove
                .write()
                .bind(key.as_bytes().as_slice())
                .bind(found.try_get::<i64, _>("revision")?);
            let removed = table.send(remove).await?;
            // After a second try the first one may have removed it.
            if removed.value.changes > 0 || removed.is_repeated {
                // A malformed row has ended, too; there is nothing to tell of it.
                return Ok(Self::row(found).ok());
            }
        }
    }

    fn listed(&self, index_key: &IndexKey) -> Request<MySql> {
        self.listed.read().bind(index_key.as_bytes().as_slice())
    }

    fn sweep(&self, limit: i64, _: i64, now: Timestamp) -> Request<MySql> {
        self.sweep.write().bind(seconds(now)).bind(limit)
    }

    fn swept(reply: &Reply<MySql>) -> Result<(u64, Option<i64>), StoreError> {
        Ok((reply.changes, None))
    }

    fn row(row: &MySqlRow) -> Result<Row, StoreError> {
        let columns: Columns<Vec<u8>> = FromRow::from_row(row)?;
        rows::row(columns, |keys| {
            keys.chunks(IndexKey::LEN).map(rows::index_key).collect()
        })
    }

    fn key(row: &MySqlRow) -> Result<RowKey, StoreError> {
        Ok(rows::row_key(row.try_get("session_key")?)?)
    }
}

/// Binds what is the same for every row that is written.
fn bind_row(request: Request<MySql>, row: &Row) -> Request<MySql> {
    let listing = row.listing.as_deref();
    let index_keys = listing.map(|listing| {
        let keys = listing.index_keys().iter();
        keys.flat_map(IndexKey::as_bytes)
            .copied()
            .collect::<Vec<_>>()
    });
    request
        .bind(revision(row))
        .bind(&*row.value)
        .bind(index_keys)
        .bind(listing.map(|listing| listing.card()))
}

/// Binds the condition that the row under the key still is the one that was seen.
fn if_seen(request: Request<MySql>, key: &RowKey, seen: &Row, now: Timestamp) -> Request<MySql> {
    request
        .bind(key.as_bytes().as_slice())
        .bind(revision(seen))
        .bind(seconds(now))
}

fn fill(template: &str, table: &TableName) -> Statement {
    // In quotes, because a name may be a word of the language.
    let sql = template
        .replace("{table}", &format!("`{table}`"))
        .replace("{index}", &format!("`{table}_index`"))
        .replace("{versions}", &format!("`{table}_schema`"))
        .replace("{columns}", COLUMNS);
    Statement::new(sql)
}

const LOAD: &str = "
SELECT {columns}
FROM {table}
WHERE session_key = ?";

const INSERT: &str = "
INSERT INTO {table} (session_key, deadline, last_seen, revision, value, index_keys, card)
VALUES (?, ?, ?, ?, ?, ?, ?)";

const FREE: &str = "
DELETE FROM {table}
WHERE session_key = ? AND deadline <= ?";

const REPLACE: &str = "
UPDATE {table}
SET deadline = IF(deadline = ?, ?, GREATEST(deadline, ?)),
    last_seen = GREATEST(last_seen, ?),
    revision = ?,
    value = ?,
    index_keys = ?,
    card = ?
WHERE session_key = ? AND revision = ? AND deadline > ?";

const TOUCH: &str = "
UPDATE {table}
SET deadline = GREATEST(deadline, ?),
    last_seen = GREATEST(last_seen, ?)
WHERE session_key = ? AND revision = ? AND deadline > ?";

const REMOVE: &str = "
DELETE FROM {table}
WHERE session_key = ? AND revision = ?";

const FILE: &str = "
INSERT INTO {index} (index_key, session_key)
VALUES (?, ?)
ON DUPLICATE KEY UPDATE session_key = {index}.session_key";

const TAKE_OUT: &str = "
DELETE FROM {index}
WHERE index_key = ? AND session_key = ?";

const LISTED: &str = "
SELECT revision, deadline, last_seen, X'', index_keys, card, {table}.session_key
FROM {index} JOIN {table} ON {table}.session_key = {index}.session_key
WHERE index_key = ?";

const SWEEP: &str = "
DELETE FROM {table}
WHERE deadline <= ?
ORDER BY deadline
LIMIT ?";
