//! The tables, and how they become what this version wants.

use sqlx::mysql::MySqlPool;

use super::statements::Statements;
use crate::store::sql::names::{self, MigrateError};
use crate::store::sql::request::Statement;

/// Makes what is not there yet. The server ends a transaction at each change of a table, so there is
/// none here: instances that start together may do every step side by side.
pub(super) async fn migrate(pool: &MySqlPool, statements: &Statements) -> Result<(), MigrateError> {
    execute(pool, &statements.custom(CREATE_VERSIONS)).await?;
    let version = sqlx::query_scalar(statements.custom(FIND_VERSION).sql());
    let steps: &[_] = if names::is_current(version.fetch_one(pool).await?)? {
        &[PROBE]
    } else {
        &[CREATE_ROWS, PROBE, CREATE_INDEX, SET_VERSION]
    };
    for step in steps {
        match execute(pool, &statements.custom(step)).await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(UNKNOWN_COLUMN) =>
            {
                return Err(MigrateError::Foreign(statements.table.to_string()));
            }
            done => done?,
        }
    }
    Ok(())
}

/// Everything that makes the tables.
pub(super) fn script(statements: &Statements) -> String {
    [CREATE_VERSIONS, CREATE_ROWS, CREATE_INDEX, SET_VERSION]
        .map(|step| format!("{};\n", statements.custom(step).text().trim()))
        .concat()
}

async fn execute(pool: &MySqlPool, statement: &Statement) -> Result<(), sqlx::Error> {
    sqlx::query(statement.sql()).execute(pool).await.map(drop)
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
