//! Sessions in PostgreSQL: for several machines that share a database.

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgPool, PgQueryResult, PgRow, Postgres};
use sqlx::{Arguments as _, Column as _, Row as _, Type};

use super::columns::Value;
use super::driver::Driver;
use super::failure::Reason;
use super::pooled::sql_store;
use super::statement::Server;
use crate::crypto::IndexKey;

sql_store! {
    /// # When to choose it
    ///
    /// For an application on several machines that has a PostgreSQL anyway. It needs version 12 or later and
    /// works at every isolation level.
    ///
    /// For TLS the application enables the feature `tls-rustls` of `sqlx`, and has `sslmode=verify-full` in the URL: by
    /// default, `sqlx` accepts any certificate, or a connection without TLS.
    ///
    /// # PgBouncer
    ///
    /// PgBouncer must ignore a parameter that `sqlx` sends: `ignore_startup_parameters = extra_float_digits`. In
    /// session mode this is enough. In transaction mode it must be version 1.21 or later with
    /// `max_prepared_statements` above 0, so that it tracks the prepared statements of its clients. Otherwise it
    /// confuses them, and one statement runs in the place of another. This applies to all use of `sqlx`, and
    /// `statement_cache_capacity(0)` does not help, because `sqlx` still names its statements.
    ///
    /// # Round trips
    ///
    /// Each operation is one statement, which is a transaction of its own: no lock outlives a round trip. A sweep is
    /// one for each thousand rows. A `replace` that leaves the deadline and the listing as they are changes no index.
    // `ROLLBACK` alone would log a warning if no transaction is open.
    PostgresStore, PostgresStoreBuilder, Postgres, "PostgreSQL", "postgres", PgPool, "BEGIN; ROLLBACK"
}

impl PostgresStoreBuilder {
    /// The schema of the table; by default the connection's `search_path` decides.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.table.schema = Some(name.into());
        self
    }
}

impl Server for Postgres {
    type Link = Connections<Self>;

    // Under READ COMMITTED, an `UPDATE` that waits for another writer of its row checks its `WHERE` again on the row as
    // that writer leaves it. Under REPEATABLE READ and SERIALIZABLE it fails with `40001` instead, and is sent again.
    //
    // Assigning equal index keys changes no index, so a replacement stays within its page (HOT) unless the
    // deadline or the listing changes. The row contains its index keys, so there is no table of index keys.

    // Replaces nothing but a row that has expired and was not swept yet.
    const INSERT: &'static str = "
        INSERT INTO {table} AS stored (session_key, {columns})
        VALUES ({key}, {row})
        ON CONFLICT (session_key) DO UPDATE
        SET ({columns}) = ROW ({row})
        WHERE stored.deadline <= {now}";

    // The old row is locked first, so that it cannot change between the insert and the update.
    const ROTATE: &'static str = "
        WITH seen AS MATERIALIZED (
            SELECT deadline, last_seen
            FROM {table}
            WHERE {is_seen}
            FOR UPDATE
        ), inserted AS (
            INSERT INTO {table} AS stored (session_key, {columns})
            SELECT {new_key}, {moved}
            FROM seen
            ON CONFLICT (session_key) DO UPDATE
            SET ({columns}) = ROW (EXCLUDED.revision, EXCLUDED.deadline, EXCLUDED.last_seen, EXCLUDED.value,
                EXCLUDED.index_keys, EXCLUDED.card)
            WHERE stored.deadline <= {now}
            RETURNING true
        )
        UPDATE {table} AS stored
        SET {changes}
        FROM inserted
        WHERE stored.session_key = {key}";

    // Without a condition on the deadline: it would tempt the planner, which does not know the value, to
    // read everything that has not expired instead of the index on the keys.
    const LISTED: &'static str = "
        SELECT revision, deadline, last_seen, ''::bytea, index_keys, card, session_key
        FROM {table}
        WHERE index_keys @> ARRAY[{index_key}]";

    // Locked rows are skipped: another sweep frees them, or a touch extends them. The lock checks the
    // deadline again. The keys are an array, so that they are looked up one by one: a join may read all
    // expired rows for each batch. Each batch begins at the end of the one before, because the index keeps
    // the entries of freed rows while an older transaction may still see them.
    const SWEEP: &'static str = "
        DELETE FROM {table}
        WHERE session_key = ANY (ARRAY (
            SELECT session_key
            FROM {table}
            WHERE deadline BETWEEN {first} AND {now}
            ORDER BY deadline
            LIMIT {number}
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING deadline";

    const HAS_NUMBERS: bool = true;
}

impl Driver for Postgres {
    // Sealed values cannot be compressed, so PostgreSQL is told not to try. The free space in each page is for updates
    // that stay within it. The index on keys has no pending list, which every search would read to its end.
    const SCRIPT: &'static str = r#"
CREATE TABLE IF NOT EXISTS {table} (
    session_key bytea PRIMARY KEY,
    revision bigint NOT NULL,
    deadline bigint NOT NULL,
    last_seen bigint NOT NULL,
    value bytea NOT NULL,
    index_keys bytea[],
    card bytea
) WITH (fillfactor = 80);
ALTER TABLE {table} ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS "{name}_by_deadline" ON {table} (deadline);
CREATE INDEX IF NOT EXISTS "{name}_by_index" ON {table}
    USING gin (index_keys) WITH (fastupdate = off)
    WHERE index_keys IS NOT NULL;
CREATE TABLE IF NOT EXISTS {schema}"{name}_schema" (version integer PRIMARY KEY);
INSERT INTO {schema}"{name}_schema" VALUES (2) ON CONFLICT DO NOTHING;
"#;

    const LOCK: &'static str = "SELECT pg_advisory_xact_lock(hashtextextended('{table}', 0));";
    const VERSION: &'static str = r#"SELECT max(version)::bigint FROM {schema}"{name}_schema""#;

    fn reason(error: &dyn DatabaseError) -> Reason {
        let code = error.code().unwrap_or_default();
        match &*code {
            "40001" | "40P01" => Reason::Undone,
            "53100" => Reason::DiskFull,
            "25006" => Reason::ReadOnly,
            "42P01" => Reason::NoTable,
            "42703" => Reason::NoColumn,
            "42501" => Reason::NotAllowed,
            // An operator, a restart or a limit on idle connections has ended the connection.
            _ if code.starts_with("57P") || code.starts_with("08") => Reason::Lost,
            _ => Reason::Other,
        }
    }

    fn changes(end: &PgQueryResult) -> u64 {
        end.rows_affected()
    }

    fn bind(arguments: &mut Self::Arguments, value: &Value) {
        let _ = match value {
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Keys(keys) => arguments.add(keys),
        };
    }

    fn value(row: &PgRow, column: usize) -> sqlx::Result<Value> {
        let kind = row.column(column).type_info();
        if <i64 as Type<Self>>::compatible(kind) {
            return row.try_get(column).map(Value::Number);
        }
        if <[u8] as Type<Self>>::compatible(kind) {
            let bytes: Option<&[u8]> = row.try_get(column)?;
            return Ok(Value::Bytes(bytes.map(Arc::from)));
        }
        let keys: Option<Vec<[u8; IndexKey::LEN]>> = row.try_get(column)?;
        Ok(Value::Bytes(keys.map(|keys| keys.concat().into())))
    }
}
