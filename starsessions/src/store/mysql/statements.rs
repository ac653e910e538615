//! The statements, with the name of the table put in. Each is a transaction of its own.
//!
//! # Why a commit is one statement
//!
//! An `UPDATE` locks the row and then looks at it as it is *now*, at every isolation level: whoever
//! came first is waited for, and the `WHERE` is checked against what that one has left. So guards
//! and new fields are made of the same row, and nobody can come in between.
//!
//! For that the fields are one JSON document. A merge patch changes its members by name and leaves
//! the others; a member `null` goes away. What a patch sets has the revision `"#"`, which becomes
//! the new one on the server; `LAST_INSERT_ID` brings that back with the answer. The other ways take
//! more round trips: fields as opaque bytes have to be read first and written back if nobody else
//! was faster (two, and two more for each race that is lost), fields as rows need a transaction
//! (four, with locks held in between).
//!
//! No expression reads a column that is assigned before it. So it does not matter that assignments
//! take place from left to right, or all at once under `SIMULTANEOUS_ASSIGNMENT`.
//!
//! The result of `JSON_TYPE` is compared as bytes, because servers do not agree on its collation.
//!
//! # Why a rotation needs no transaction
//!
//! The successor is inserted as a row that has expired, which nobody is shown. A second statement
//! gives it its deadline and takes the old row's away: both or neither. Whoever stops in between
//! leaves a row to be swept.
//!
//! # Why the index is never short of an entry
//!
//! An entry is there before anybody has the key of its row, or before the row has the value. Entries
//! that are too many are found out when the row is read, and go with the row.

use std::fmt::Write;
use std::sync::Arc;

use sqlx::AssertSqlSafe;

use crate::record::Commit;
use crate::store::sql::TableName;

#[derive(Debug)]
pub(super) struct Statements {
    table: TableName,
    pub(super) load: Statement,
    pub(super) insert: Statement,
    pub(super) free_one: Statement,
    pub(super) switch: Statement,
    pub(super) delete: Statement,
    pub(super) forward: Statement,
    pub(super) delete_forward: Statement,
    pub(super) add_to_index: Statement,
    pub(super) claim_index: Statement,
    pub(super) sessions_of: Statement,
    pub(super) expired: Statement,
    pub(super) probe: Statement,
}

/// A statement made of constants and a checked name.
#[derive(Clone, Debug)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    pub(super) fn sql(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl Statements {
    pub(super) fn new(table: TableName) -> Self {
        let statement = |template: &str| fill(&table, template);
        Self {
            load: statement(LOAD),
            insert: statement(INSERT),
            free_one: statement(FREE_ONE),
            switch: statement(SWITCH),
            delete: statement(DELETE),
            forward: statement(FORWARD),
            delete_forward: statement(DELETE_FORWARD),
            add_to_index: statement(ADD_TO_INDEX),
            claim_index: statement(CLAIM_INDEX),
            sessions_of: statement(SESSIONS_OF),
            expired: statement(EXPIRED),
            probe: statement(PROBE),
            table,
        }
    }

    /// Parameters: for each deadline its path twice and itself; the patch; `last_seen_at`;
    /// `remembered`, `expires_at` twice, `remembered`, `identified`; the key and the time; for each
    /// guard its path and the revision.
    pub(super) fn commit(&self, commit: &Commit, deadlines: usize) -> Statement {
        let mut sql = COMMIT.replace("{fields}", &with_deadlines(deadlines));
        for _ in &commit.guards {
            sql.push_str(" AND COALESCE(CAST(JSON_EXTRACT(fields, ?) AS SIGNED), 0) = ?");
        }
        fill(&self.table, &sql)
    }

    /// Parameters: for each deadline its path twice and itself; `last_seen_at`, `expires_at`, the
    /// key and the time.
    pub(super) fn touch(&self, deadlines: usize) -> Statement {
        fill(
            &self.table,
            &TOUCH.replace("{fields}", &with_deadlines(deadlines)),
        )
    }

    /// Without parameters, and so not to be prepared: the next one is another statement.
    pub(super) fn free(&self, found: &[(u64, i64)], now: i64) -> Statement {
        let ids: Vec<_> = found.iter().map(|(id, _)| id.to_string()).collect();
        let sql = FREE
            .replace("{ids}", &ids.join(","))
            .replace("{now}", &now.to_string());
        fill(&self.table, &sql)
    }

    pub(super) fn custom(&self, template: &str) -> Statement {
        fill(&self.table, template)
    }

    pub(super) fn table(&self) -> &TableName {
        &self.table
    }
}

fn fill(table: &TableName, template: &str) -> Statement {
    // In quotes, since a plain name can still be a word of the language.
    let sql = template
        .replace("{table}", &format!("`{table}`"))
        .replace("{index}", &format!("`{table}_index`"))
        .replace("{schema}", &format!("`{table}_schema`"))
        .replace("{record}", RECORD);
    Statement(sql.into())
}

/// The fields with so many deadlines moved forward. A deadline that is not there stays away.
fn with_deadlines(count: usize) -> String {
    let mut fields = "fields".to_owned();
    if count > 0 {
        fields.insert_str(0, "JSON_REPLACE(");
        for _ in 0..count {
            // Writing to a string cannot fail.
            let _ = write!(
                fields,
                ", ?, GREATEST(COALESCE(CAST(JSON_EXTRACT(fields, ?) AS SIGNED), 0), ?)"
            );
        }
        fields.push(')');
    }
    fields
}

const RECORD: &str =
    "created_at, issued_at, last_seen_at, expires_at, revision, remembered, identified, fields";

const LOAD: &str = "
SELECT {record}, forward
FROM {table}
WHERE session_key = ?";

const INSERT: &str = "
INSERT INTO {table} (session_key, {record})
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

const FREE_ONE: &str = "
DELETE FROM {table}
WHERE session_key = ? AND expires_at <= ?";

const COMMIT: &str = "
UPDATE {table}
SET fields = JSON_MERGE_PATCH({fields}, REPLACE(?, '\"#\"', revision + 1)),
    last_seen_at = GREATEST(last_seen_at, ?),
    expires_at = IF(COALESCE(?, remembered) = remembered, GREATEST(expires_at, ?), ?),
    remembered = COALESCE(?, remembered),
    identified = GREATEST(identified, ?),
    revision = LAST_INSERT_ID(revision + 1)
WHERE session_key = ? AND expires_at > ? AND forward IS NULL
  AND CAST(JSON_TYPE(fields) AS BINARY) = 'OBJECT'";

const TOUCH: &str = "
UPDATE {table}
SET fields = {fields},
    last_seen_at = GREATEST(last_seen_at, ?),
    expires_at = GREATEST(expires_at, ?)
WHERE session_key = ? AND expires_at > ? AND forward IS NULL";

// Both rows at once: for whoever looks, the session is under one key or under the other.
const SWITCH: &str = "
UPDATE {table} AS former JOIN {table} AS successor ON successor.session_key = ?
SET successor.expires_at = ?, former.expires_at = ?, former.forward = ?, former.fields = '{}'
WHERE former.session_key = ? AND former.expires_at > ? AND former.forward IS NULL
  AND former.revision = COALESCE(?, former.revision)";

const DELETE: &str = "
DELETE FROM {table}
WHERE session_key = ? AND forward IS NULL";

const FORWARD: &str = "
SELECT forward, expires_at
FROM {table}
WHERE session_key = ?";

const DELETE_FORWARD: &str = "
DELETE FROM {table}
WHERE session_key = ? AND forward IS NOT NULL";

const ADD_TO_INDEX: &str = "
INSERT INTO {index} (index_key, session)
VALUES (?, ?)";

const CLAIM_INDEX: &str = "
INSERT INTO {index} (index_key, session)
SELECT ?, id FROM {table} WHERE session_key = ?
ON DUPLICATE KEY UPDATE session = {index}.session";

const SESSIONS_OF: &str = "
SELECT session_key, {record}, forward
FROM {index} AS found JOIN {table} ON id = found.session
WHERE found.index_key = ? AND expires_at > ? AND forward IS NULL";

// Reads without a lock, and goes on where the last batch has ended: what was deleted has to be passed
// for as long as somebody's transaction might still see it.
const EXPIRED: &str = "
SELECT id, expires_at
FROM {table}
WHERE expires_at BETWEEN ? AND ?
ORDER BY expires_at
LIMIT ?";

// What was extended meanwhile is not to be freed any more.
const FREE: &str = "
DELETE FROM {table}
WHERE id IN ({ids}) AND expires_at <= {now}";

const PROBE: &str = "
SELECT id, session_key, {record}, forward
FROM {table}
LIMIT 0";
