//! The tables, and how they become what this version wants.

use sqlx::mysql::MySqlPool;

use super::statements::{Statement, Statements};
use crate::store::sql::MigrateError;

/// Makes what is not there yet. The server ends a transaction at each change of a table, so there is
/// none here: instances that start together may do every step side by side.
pub(super) async fn migrate(pool: &MySqlPool, statements: &Statements) -> Result<(), MigrateError> {
    execute(pool, &statements.custom(CREATE_SCHEMA)).await?;
    let version = sqlx::query_scalar(statements.custom(FIND_VERSION).sql());
    let found: Option<i32> = version.fetch_one(pool).await?;
    match found {
        Some(SCHEMA) => {}
        Some(found) => {
            let known = SCHEMA;
            return Err(MigrateError::Newer { found, known });
        }
        None => {
            for step in [CREATE_SESSIONS, CREATE_INDEX, SET_VERSION] {
                execute(pool, &statements.custom(step)).await?;
            }
        }
    }
    match execute(pool, &statements.probe).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNKNOWN_COLUMN) => {
            Err(MigrateError::Foreign(statements.table().to_string()))
        }
        probed => Ok(probed?),
    }
}

/// Everything that makes the tables.
pub(super) fn script(statements: &Statements) -> String {
    [CREATE_SCHEMA, CREATE_SESSIONS, CREATE_INDEX, SET_VERSION]
        .map(|step| format!("{};\n", statements.custom(step).text().trim()))
        .concat()
}

async fn execute(pool: &MySqlPool, statement: &Statement) -> Result<(), sqlx::Error> {
    sqlx::query(statement.sql()).execute(pool).await.map(drop)
}

/// The version of the schema that this code works with.
const SCHEMA: i32 = 1;
const UNKNOWN_COLUMN: &str = "42S22";

const CREATE_SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS {schema} (version INT NOT NULL PRIMARY KEY) ENGINE = InnoDB";

const FIND_VERSION: &str = "
SELECT MAX(version) FROM {schema}";

const SET_VERSION: &str = "
INSERT INTO {schema} (version) VALUES (1) ON DUPLICATE KEY UPDATE version = 1";

// Rows have a number besides their key: they are appended, so that sessions that begin together lie
// together and are freed together, where rows ordered by a random key would touch a page each.
// `expires_at` of a row with `forward` is the end of that way.
const CREATE_SESSIONS: &str = "
CREATE TABLE IF NOT EXISTS {table} (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_key BINARY(32) NOT NULL,
    created_at BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    remembered BOOLEAN NOT NULL,
    identified BOOLEAN NOT NULL,
    fields JSON NOT NULL,
    forward BLOB,
    UNIQUE KEY by_key (session_key),
    KEY by_end (expires_at)
) ENGINE = InnoDB";

const CREATE_INDEX: &str = "
CREATE TABLE IF NOT EXISTS {index} (
    index_key BINARY(32) NOT NULL,
    session BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (index_key, session),
    KEY by_session (session),
    FOREIGN KEY (session) REFERENCES {table} (id) ON DELETE CASCADE
) ENGINE = InnoDB";
