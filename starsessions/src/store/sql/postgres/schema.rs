//! The table, and how it becomes what this version wants.

use sqlx::Row;
use sqlx::postgres::PgPool;

use super::statements::Statements;
use crate::store::sql::names::{self, MigrateError};
use crate::store::sql::request::Statement;

/// Makes what is not there yet. Instances may start together: the script waits for that of another
/// instance, is one transaction, and finds everything done.
pub(super) async fn migrate(pool: &PgPool, statements: &Statements) -> Result<(), MigrateError> {
    let version = version(pool, statements).await?;
    if !names::is_current(version)? {
        let alone = statements.custom(&[LOCK, SCRIPT].concat());
        run_script(pool, statements, &alone).await?;
    }
    run_script(pool, statements, &statements.custom(PROBE)).await
}

/// What [`migrate`] makes, for applications that keep all changes of their database in one place.
pub(super) fn script(statements: &Statements) -> String {
    statements.custom(SCRIPT).text().to_owned()
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
    for _ in 0..MAX_ATTEMPTS {
        let Err(error) = sqlx::raw_sql(script.sql()).execute(pool).await else {
            return Ok(());
        };
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(UNDEFINED_COLUMN) => {
                return Err(MigrateError::Foreign(statements.table.to_string()));
            }
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
