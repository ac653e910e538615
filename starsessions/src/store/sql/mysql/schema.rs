//! The tables, and how they become what this version wants.

use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

use super::statements::fill;
use crate::store::sql::names::{self, MigrateError, TableName};

/// Makes what is not there yet. The server ends a transaction at each change of a table, so there is
/// none here: instances that start together may do every step side by side.
pub(super) async fn migrate(pool: &MySqlPool, table: &TableName) -> Result<(), MigrateError> {
    let sql = |template| AssertSqlSafe(fill(template, table));
    sqlx::query(sql(CREATE_VERSIONS)).execute(pool).await?;
    let version = sqlx::query_scalar(sql(FIND_VERSION));
    let steps: &[_] = if names::is_current(version.fetch_one(pool).await?)? {
        &[PROBE]
    } else {
        &[CREATE_ROWS, PROBE, CREATE_INDEX, SET_VERSION]
    };
    for step in steps {
        match sqlx::query(sql(step)).execute(pool).await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(UNKNOWN_COLUMN) =>
            {
                return Err(MigrateError::Foreign(table.to_string()));
            }
            done => done?,
        };
    }
    Ok(())
}

/// Everything that makes the tables.
pub(super) fn script(table: &TableName) -> String {
    [CREATE_VERSIONS, CREATE_ROWS, CREATE_INDEX, SET_VERSION]
        .map(|step| format!("{};\n", fill(step, table).trim()))
        .concat()
}

const UNKNOWN_COLUMN: &str = "42S22";

const CREATE_VERSIONS: &str = "
CREATE TABLE IF NOT EXISTS {versions} (version INT NOT NULL PRIMARY KEY) ENGINE = InnoDB";

const FIND_VERSION: &str = "
SELECT MAX(version) FROM {versions}";

const SET_VERSION: &str = "
INSERT INTO {versions} (version) VALUES (2) ON DUPLICATE KEY UPDATE version = 2";

// The index keys stand in the row as well, one after the other, for who reads the row.
const CREATE_ROWS: &str = "
CREATE TABLE IF NOT EXISTS {table} (
    session_key BINARY(32) NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    value MEDIUMBLOB NOT NULL,
    index_keys BLOB,
    card BLOB,
    KEY by_deadline (deadline)
) ENGINE = InnoDB";

const CREATE_INDEX: &str = "
CREATE TABLE IF NOT EXISTS {index} (
    index_key BINARY(32) NOT NULL,
    session_key BINARY(32) NOT NULL,
    PRIMARY KEY (index_key, session_key),
    KEY by_session (session_key),
    FOREIGN KEY (session_key) REFERENCES {table} (session_key) ON DELETE CASCADE
) ENGINE = InnoDB";

const PROBE: &str = "
SELECT session_key, {columns}
FROM {table}
LIMIT 0";
