//! The table, and how it becomes what this version wants.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use super::statements::fill;
use crate::store::sql::names::{self, MigrateError, TableName};

/// Makes what is not there yet. Instances may start together: the script waits for that of another
/// instance, is one transaction, and finds everything done.
pub(super) async fn migrate(pool: &PgPool, table: &TableName) -> Result<(), MigrateError> {
    let version = version(pool, table).await?;
    if !names::is_current(version)? {
        run_script(pool, table, &[LOCK, SCRIPT].concat()).await?;
    }
    run_script(pool, table, PROBE).await
}

/// What [`migrate`] makes, for applications that keep all changes of their database in one place.
pub(super) fn script(table: &TableName) -> String {
    fill(SCRIPT, table)
}

async fn version(pool: &PgPool, table: &TableName) -> Result<Option<i32>, MigrateError> {
    let sql = |template| AssertSqlSafe(fill(template, table));
    let is_there = sqlx::query_scalar(sql("SELECT to_regclass('{versions}') IS NOT NULL"));
    if !is_there.fetch_one(pool).await? {
        return Ok(None);
    }
    let version = sqlx::query_scalar(sql("SELECT max(version) FROM {versions}"));
    Ok(version.fetch_one(pool).await?)
}

async fn run_script(pool: &PgPool, table: &TableName, script: &str) -> Result<(), MigrateError> {
    let script = fill(script, table);
    for _ in 0..MAX_ATTEMPTS {
        let attempt = sqlx::raw_sql(AssertSqlSafe(script.as_str())).execute(pool);
        let Err(error) = attempt.await else {
            return Ok(());
        };
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(UNDEFINED_COLUMN) => return Err(MigrateError::Foreign(table.to_string())),
            // It waited for another instance, and its transaction still sees the database of before.
            Some(SERIALIZATION_FAILURE) => {}
            _ => return Err(error.into()),
        }
    }
    Err(MigrateError::Unavailable(
        "the tables are changed by too many instances at once".into(),
    ))
}

const MAX_ATTEMPTS: usize = 10;
const UNDEFINED_COLUMN: &str = "42703";
const SERIALIZATION_FAILURE: &str = "40001";

const PROBE: &str = "
SELECT key, {columns} FROM {table} LIMIT 0";

const LOCK: &str = "
SELECT pg_advisory_xact_lock(hashtextextended('{table}', 0));";

// Sealed values cannot be compressed, so PostgreSQL is told not to try. The free space in each page is
// for updates that stay within it. The index on keys has no pending list, which every search would
// read to its end.
const SCRIPT: &str = "
CREATE TABLE IF NOT EXISTS {table} (
    key bytea PRIMARY KEY,
    revision bigint NOT NULL,
    deadline bigint NOT NULL,
    last_seen bigint NOT NULL,
    value bytea NOT NULL,
    index_keys bytea[],
    card bytea
) WITH (fillfactor = 80);
ALTER TABLE {table} ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS \"{name}_by_deadline\" ON {table} (deadline);
CREATE INDEX IF NOT EXISTS \"{name}_by_index\" ON {table}
    USING gin (index_keys) WITH (fastupdate = off)
    WHERE index_keys IS NOT NULL;
CREATE TABLE IF NOT EXISTS {versions} (version integer PRIMARY KEY);
INSERT INTO {versions} VALUES (2) ON CONFLICT DO NOTHING;
";
