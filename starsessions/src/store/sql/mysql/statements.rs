//! The statements.
//!
//! An `UPDATE` locks its row and then looks at it as it is *now*, at every isolation level: it waits for
//! another writer and checks its `WHERE` against what that one leaves. So one `UPDATE` is enough to
//! replace a row only if it is the one that was read. What has to change more than one row is a
//! transaction that such an `UPDATE` or an `INSERT` decides.
//!
//! No expression reads a column that is assigned before it. So it does not matter whether assignments
//! take place from left to right, or all at once under `SIMULTANEOUS_ASSIGNMENT`.

use sqlx::mysql::{MySql, MySqlRow};
use sqlx::{FromRow, Row as _};

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::columns::{self, card, index_keys, revision, seconds};
use crate::store::sql::failure::malformed;
use crate::store::sql::names::TableName;
use crate::store::sql::request::{Reply, Request, Statement, statements};
use crate::store::sql::table::{COLUMNS, Dialect, Table};
use crate::store::{Rotation, Row, StoreError, Touch};

statements! {
    load: "
        SELECT {columns}
        FROM {table}
        WHERE session_key = ?";

    insert: "
        INSERT INTO {table} (session_key, deadline, last_seen, revision, value, index_keys, card)
        VALUES (?, ?, ?, ?, ?, ?, ?)";

    free: "
        DELETE FROM {table}
        WHERE session_key = ? AND deadline <= ?";

    replace: "
        UPDATE {table}
        SET deadline = IF(deadline = ?, ?, GREATEST(deadline, ?)),
            last_seen = GREATEST(last_seen, ?),
            revision = ?,
            value = ?,
            index_keys = ?,
            card = ?
        WHERE session_key = ? AND revision = ? AND deadline > ?";

    touch: "
        UPDATE {table}
        SET deadline = GREATEST(deadline, ?),
            last_seen = GREATEST(last_seen, ?)
        WHERE session_key = ? AND revision = ? AND deadline > ?";

    remove: "
        DELETE FROM {table}
        WHERE session_key = ? AND revision = ?";

    file: "
        INSERT INTO {index} (index_key, session_key)
        VALUES (?, ?)
        ON DUPLICATE KEY UPDATE session_key = {index}.session_key";

    take_out: "
        DELETE FROM {index}
        WHERE index_key = ? AND session_key = ?";

    listed: "
        SELECT revision, deadline, last_seen, X'', index_keys, card, {table}.session_key
        FROM {index} JOIN {table} ON {table}.session_key = {index}.session_key
        WHERE index_key = ?";

    sweep: "
        DELETE FROM {table}
        WHERE deadline <= ?
        ORDER BY deadline
        LIMIT ?";

    count: "
        SELECT COUNT(IF(deadline > ?, 1, NULL)),
            COUNT(IF(deadline > ? AND card IS NOT NULL, 1, NULL)),
            COUNT(IF(deadline > ? AND last_seen > ?, 1, NULL)),
            COUNT(IF(deadline > ? AND last_seen > ?, 1, NULL)),
            COUNT(IF(deadline > ? AND last_seen > ?, 1, NULL)),
            COUNT(IF(deadline <= ?, 1, NULL))
        FROM {table}";
}

impl Statements {
    /// What the index has to change when a row takes the place of another one.
    fn refile(&self, key: &RowKey, before: &[IndexKey], after: &[IndexKey]) -> Vec<Request<MySql>> {
        let filed = |statement: &Statement, index_key: &IndexKey| {
            let request = statement.request().bind(index_key.as_bytes().as_slice());
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

    fn load(&self, key: &RowKey) -> Request<MySql> {
        self.load.request().bind(key.as_bytes().as_slice())
    }

    fn insert(&self, key: &RowKey, row: &Row, _: Timestamp) -> Vec<Request<MySql>> {
        let insert = self.insert.request().bind(key.as_bytes().as_slice());
        let times = [row.deadline, row.last_seen].map(seconds);
        let mut requests = vec![bind_row(insert.numbers(times), row)];
        requests.extend(self.refile(key, &[], row.index_keys()));
        requests
    }

    fn free(&self, key: &RowKey, now: Timestamp) -> Option<Request<MySql>> {
        let free = self.free.request().bind(key.as_bytes().as_slice());
        Some(free.bind(seconds(now)))
    }

    fn replace(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) -> Vec<Request<MySql>> {
        let times = [seen.deadline, row.deadline, row.deadline, row.last_seen].map(seconds);
        let replace = bind_row(self.replace.request().numbers(times), row);
        let mut requests = vec![if_seen(replace, key, seen, now)];
        requests.extend(self.refile(key, seen.index_keys(), row.index_keys()));
        requests
    }

    fn rotate(&self, rotation: &Rotation<'_>, now: Timestamp) -> Vec<Request<MySql>> {
        let mut requests = self.replace(rotation.old, rotation.seen, rotation.left, now);
        requests.extend(self.insert(rotation.new, rotation.row, now));
        requests
    }

    fn touch(&self, key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Request<MySql> {
        let times = [touch.deadline, touch.last_seen].map(seconds);
        if_seen(self.touch.request().numbers(times), key, seen, now)
    }

    /// MySQL cannot return what it deletes. So the row is read, and removed if it still is the same.
    async fn remove(table: &Table<Self>, key: &RowKey) -> Result<Option<Row>, StoreError> {
        loop {
            let found = table.send(table.dialect.load(key)).await?.value.rows;
            let Some(found) = found.first() else {
                return Ok(None);
            };
            let remove = table.dialect.remove.request();
            let remove = remove.bind(key.as_bytes().as_slice());
            let remove = remove.numbers([found.try_get("revision")?]);
            let removed = table.send(remove).await?;
            // After a second try the first one may have removed it.
            if removed.value.changes > 0 || removed.is_repeated {
                // A malformed row has ended, too; there is nothing to tell of it.
                return Ok(Self::row(found).ok());
            }
        }
    }

    fn listed(&self, index_key: &IndexKey) -> Request<MySql> {
        self.listed.request().bind(index_key.as_bytes().as_slice())
    }

    fn sweep(&self, limit: i64, _: i64, now: Timestamp) -> Request<MySql> {
        self.sweep.request().bind(seconds(now)).bind(limit)
    }

    fn swept(reply: &Reply<MySql>) -> Result<(u64, Option<i64>), StoreError> {
        Ok((reply.changes, None))
    }

    fn count(&self, [now, hour, day, week]: [i64; 4]) -> Request<MySql> {
        let times = [now, now, now, hour, now, day, now, week, now];
        self.count.request().numbers(times)
    }

    fn counted(row: &MySqlRow) -> Result<[i64; 6], StoreError> {
        let columns: (_, _, _, _, _, _) = FromRow::from_row(row)?;
        Ok(columns.into())
    }

    fn row(row: &MySqlRow) -> Result<Row, StoreError> {
        columns::row(FromRow::from_row(row)?).ok_or_else(malformed)
    }

    fn key(row: &MySqlRow) -> Result<RowKey, StoreError> {
        let key: Vec<u8> = row.try_get("session_key")?;
        let key = key.try_into().map_err(|_| malformed())?;
        Ok(RowKey::from_bytes(key))
    }
}

/// Binds what is the same for every row that is written.
fn bind_row(request: Request<MySql>, row: &Row) -> Request<MySql> {
    request
        .bind(revision(row))
        .bind(&*row.value)
        .bind(row.listing.as_ref().map(|_| index_keys(row)))
        .bind(card(row))
}

/// Binds the condition that the row under the key still is the one that was seen.
fn if_seen(request: Request<MySql>, key: &RowKey, seen: &Row, now: Timestamp) -> Request<MySql> {
    let key = request.bind(key.as_bytes().as_slice());
    key.numbers([revision(seen), seconds(now)])
}

/// Puts the names of the tables, in quotes because a name may be a word of the language, in their places.
pub(super) fn fill(template: &str, table: &TableName) -> String {
    template
        .replace("{table}", &format!("`{table}`"))
        .replace("{index}", &format!("`{table}_index`"))
        .replace("{versions}", &format!("`{table}_schema`"))
        .replace("{columns}", COLUMNS)
}
