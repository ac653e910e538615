//! The statements. Each operation is one of them, and each is a transaction of its own: it happens as a
//! whole or not at all, and no lock outlives a round trip.
//!
//! Under READ COMMITTED, an `UPDATE` that waits for another writer of its row checks its `WHERE` again on
//! the row as that writer leaves it. Under REPEATABLE READ and SERIALIZABLE it fails with `40001` instead,
//! and is sent again.

use sqlx::postgres::{PgRow, Postgres};
use sqlx::{FromRow, Row as _};

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::again;
use crate::store::columns::{self, card, revision, seconds};
use crate::store::sql::failure::malformed;
use crate::store::sql::names::TableName;
use crate::store::sql::request::{Reply, Request, Statement, statements};
use crate::store::sql::table::{COLUMNS, Dialect, Table};
use crate::store::{Rotation, Row, StoreError, Touch};

statements! {
    load: "
        SELECT {columns}
        FROM {table}
        WHERE key = $1";

    // Replaces nothing but a row that has expired and was not swept yet.
    insert: "
        INSERT INTO {table} AS stored (key, {columns})
        VALUES ($1, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (key) DO UPDATE
        SET ({columns}) = ROW ($3, $4, $5, $6, $7, $8)
        WHERE stored.deadline <= $2";

    // Assigning equal index keys changes no index, so the update stays within its page (HOT) unless the
    // deadline or the listing changes.
    replace: "
        UPDATE {table}
        SET revision = $5,
            deadline = CASE WHEN deadline = $4 THEN $6 ELSE greatest(deadline, $6) END,
            last_seen = greatest(last_seen, $7),
            value = $8,
            index_keys = $9,
            card = $10
        WHERE key = $1 AND revision = $3 AND deadline > $2";

    // The old row is locked first, so that it cannot change between the insert and the update.
    rotate: "
        WITH seen AS MATERIALIZED (
            SELECT
            FROM {table}
            WHERE key = $1 AND revision = $3 AND deadline > $2
            FOR UPDATE
        ), inserted AS (
            INSERT INTO {table} AS stored (key, {columns})
            SELECT $11, $12, $13, $14, $15, $16, $17
            FROM seen
            ON CONFLICT (key) DO UPDATE
            SET ({columns}) = ROW ($12, $13, $14, $15, $16, $17)
            WHERE stored.deadline <= $2
            RETURNING true
        )
        UPDATE {table} AS stored
        SET revision = $5,
            deadline = CASE WHEN deadline = $4 THEN $6 ELSE greatest(deadline, $6) END,
            last_seen = greatest(last_seen, $7),
            value = $8,
            index_keys = $9,
            card = $10
        FROM inserted
        WHERE stored.key = $1";

    touch: "
        UPDATE {table}
        SET last_seen = greatest(last_seen, $4),
            deadline = greatest(deadline, $5)
        WHERE key = $1 AND revision = $3 AND deadline > $2";

    remove: "
        DELETE FROM {table}
        WHERE key = $1
        RETURNING {columns}";

    // Without a condition on the deadline: it would tempt the planner, which does not know the value, to
    // read everything that has not expired instead of the index on the keys.
    listed: "
        SELECT revision, deadline, last_seen, ''::bytea, index_keys, card, key
        FROM {table}
        WHERE index_keys @> ARRAY[$1]";

    // Rows that another statement holds are passed over: another sweep has them, or a touch extends them.
    // The lock checks the deadline again. An array of keys, so that they are looked up one by one: a join
    // may read everything that has expired for each batch. Each batch begins where the one before has
    // ended: while an older transaction may still see freed rows, the index keeps their entries.
    sweep: "
        WITH freed AS (
            DELETE FROM {table}
            WHERE key = ANY (ARRAY (
                SELECT key
                FROM {table}
                WHERE deadline BETWEEN $3 AND $1
                ORDER BY deadline
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING deadline
        )
        SELECT count(*) AS freed, max(deadline) AS last FROM freed";

    count: "
        SELECT count(*) FILTER (WHERE deadline > $1),
            count(*) FILTER (WHERE deadline > $1 AND card IS NOT NULL),
            count(*) FILTER (WHERE deadline > $1 AND last_seen > $2),
            count(*) FILTER (WHERE deadline > $1 AND last_seen > $3),
            count(*) FILTER (WHERE deadline > $1 AND last_seen > $4),
            count(*) FILTER (WHERE deadline <= $1)
        FROM {table}";
}

impl Dialect for Statements {
    type Server = Postgres;

    fn load(&self, key: &RowKey) -> Request<Postgres> {
        self.load.request().bind(key.as_bytes().as_slice())
    }

    fn insert(&self, key: &RowKey, row: &Row, now: Timestamp) -> Vec<Request<Postgres>> {
        vec![bind_row(begin(&self.insert, key, now), row)]
    }

    fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Vec<Request<Postgres>> {
        let replace = begin(&self.replace, key, now);
        let replace = replace.numbers([revision(seen), seconds(seen.deadline)]);
        vec![bind_row(replace, row)]
    }

    fn rotate(&self, rotation: &Rotation<'_>, now: Timestamp) -> Vec<Request<Postgres>> {
        let rotate = begin(&self.rotate, rotation.old, now);
        let rotate = rotate.numbers([revision(rotation.seen), seconds(rotation.seen.deadline)]);
        let rotate = bind_row(rotate, rotation.left).bind(rotation.new.as_bytes().as_slice());
        vec![bind_row(rotate, rotation.row)]
    }

    fn touch(&self, key: &RowKey, seen: &Row, touch: Touch, now: Timestamp) -> Request<Postgres> {
        let (last_seen, deadline) = (seconds(touch.last_seen), seconds(touch.deadline));
        begin(&self.touch, key, now).numbers([revision(seen), last_seen, deadline])
    }

    async fn remove(table: &Table<Self>, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let remove = &table.dialect.remove;
        let answer = table.send(remove.request().bind(key.as_bytes().as_slice()));
        let answer = answer.await?;
        let Some(removed) = answer.value.rows.first() else {
            return again::removed(answer.is_repeated);
        };
        // A malformed row has ended, too; there is nothing to tell of it.
        Ok(Self::row(removed).ok())
    }

    fn listed(&self, index_key: &IndexKey) -> Request<Postgres> {
        self.listed.request().bind(index_key.as_bytes().as_slice())
    }

    fn sweep(&self, limit: i64, first: i64, now: Timestamp) -> Request<Postgres> {
        self.sweep.request().numbers([seconds(now), limit, first])
    }

    fn swept(reply: &Reply<Postgres>) -> Result<(u64, Option<i64>), StoreError> {
        let Some(row) = reply.rows.first() else {
            return Ok((0, None));
        };
        let freed: i64 = row.try_get("freed")?;
        Ok((freed.cast_unsigned(), row.try_get("last")?))
    }

    fn count(&self, times: [i64; 4]) -> Request<Postgres> {
        self.count.request().numbers(times)
    }

    fn counted(row: &PgRow) -> Result<[i64; 6], StoreError> {
        let columns: (_, _, _, _, _, _) = FromRow::from_row(row)?;
        Ok(columns.into())
    }

    fn row(row: &PgRow) -> Result<Row, StoreError> {
        type Keys = Option<Vec<[u8; IndexKey::LEN]>>;
        let (revision, deadline, last_seen, value, keys, card): (_, _, _, _, Keys, _) =
            FromRow::from_row(row)?;
        let keys = keys.map(|keys| keys.concat());
        columns::row((revision, deadline, last_seen, value, keys, card)).ok_or_else(malformed)
    }

    fn key(row: &PgRow) -> Result<RowKey, StoreError> {
        Ok(RowKey::from_bytes(row.try_get("key")?))
    }
}

/// The key and the time come first in most statements about one session.
fn begin(statement: &Statement, key: &RowKey, now: Timestamp) -> Request<Postgres> {
    let key = statement.request().bind(key.as_bytes().as_slice());
    key.numbers([seconds(now)])
}

/// Binds a row in the order of its [columns](COLUMNS).
fn bind_row(request: Request<Postgres>, row: &Row) -> Request<Postgres> {
    let index_keys = row.index_keys().iter().map(|key| *key.as_bytes());
    let index_keys: Vec<_> = index_keys.collect();
    request
        .numbers([revision(row), seconds(row.deadline), seconds(row.last_seen)])
        .bind(&*row.value)
        .bind(row.listing.as_ref().map(|_| index_keys))
        .bind(card(row))
}

/// Puts the names of the tables, in quotes because a name may be a word of the language, in their places.
pub(super) fn fill(template: &str, table: &TableName) -> String {
    let schema = table.schema.as_ref();
    let schema = schema.map_or_else(String::new, |schema| format!("\"{schema}\"."));
    template
        .replace("{table}", "{schema}\"{name}\"")
        .replace("{versions}", "{schema}\"{name}_schema\"")
        .replace("{schema}", &schema)
        .replace("{name}", &table.table)
        .replace("{columns}", COLUMNS)
}
