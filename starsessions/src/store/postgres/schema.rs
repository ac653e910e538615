//! The table, and how it becomes what this version wants.

use sqlx::Row;
use sqlx::postgres::PgPool;

use super::statements::{Statement, Statements};
use crate::store::sql::{MigrateError, retried};

/// Makes what is not there yet. Instances may start together: the script waits for another one's, is
/// one transaction, and finds everything done.
pub(super) async fn migrate(pool: &PgPool, statements: &Statements) -> Result<(), MigrateError> {
    match version(pool, statements).await? {
        Some(SCHEMA) => {}
        Some(found) => {
            let known = SCHEMA;
            return Err(MigrateError::Newer { found, known });
        }
        None => {
            let alone = statements.custom(&[LOCK, SCRIPT].concat());
            run_script(pool, statements, &alone).await?;
        }
    }
    run_script(pool, statements, &statements.custom(PROBE)).await
}

/// What [`migrate`] makes, for those who keep all changes of their database in one place.
pub(super) fn script(statements: &Statements) -> Statement {
    statements.custom(SCRIPT)
}

async fn version(pool: &PgPool, statements: &Statements) -> Result<Option<i32>, MigrateError> {
    let find = statements.custom("SELECT to_regclass('{versions}') IS NOT NULL");
    let is_there: bool = sqlx::query(find.sql()).fetch_one(pool).await?.try_get(0)?;
    if !is_there {
        return Ok(None);
    }
    let find = statements.custom("SELECT max(version) FROM {versions}");
    Ok(sqlx::query(find.sql()).fetch_one(pool).await?.try_get(0)?)
}

async fn run_script(
    pool: &PgPool,
    statements: &Statements,
    script: &Statement,
) -> Result<(), MigrateError> {
    // Where a transaction sees the database as it was before it waited, it has to begin again.
    match retried(|| sqlx::raw_sql(script.sql()).execute(pool)).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_COLUMN) => {
            Err(MigrateError::Foreign(statements.table.to_string()))
        }
        done => Ok(done.map(drop)?),
    }
}

/// The version of the schema that this code works with.
const SCHEMA: i32 = 1;
const UNDEFINED_COLUMN: &str = "42703";

const PROBE: &str = "
SELECT key, forward, {record} FROM {table} LIMIT 0";

const LOCK: &str = "
SELECT pg_advisory_xact_lock(hashtextextended('{table}', 0));";

// `expires_at` of a row with `forward` is the end of that way. The arrays have one element for each
// field, and the same order. Names are bytes,
// because `text` takes not every character. The index on keys has no pending list, which every search
// would read to its end.
const SCRIPT: &str = "
CREATE TABLE IF NOT EXISTS {table} (
    key bytea PRIMARY KEY,
    created_at bigint NOT NULL,
    issued_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revision bigint NOT NULL,
    remembered boolean NOT NULL,
    identified boolean NOT NULL,
    field_names bytea[] NOT NULL,
    field_values bytea[] NOT NULL,
    field_revisions bigint[] NOT NULL,
    field_expires_at bigint[] NOT NULL,
    field_idle_at bigint[] NOT NULL,
    field_index_keys bytea[] NOT NULL,
    forward bytea
);
CREATE INDEX IF NOT EXISTS \"{name}_by_end\" ON {table} (expires_at);
CREATE INDEX IF NOT EXISTS \"{name}_by_index\" ON {table}
    USING gin (array_remove(field_index_keys, NULL)) WITH (fastupdate = off)
    WHERE array_remove(field_index_keys, NULL) <> '{}';
CREATE TABLE IF NOT EXISTS {versions} (version integer PRIMARY KEY);
INSERT INTO {versions} VALUES (1) ON CONFLICT DO NOTHING;
";
