//! Sessions in MySQL or MariaDB: for several machines that share a database.

use sqlx::error::DatabaseError;
use sqlx::mysql::{MySql, MySqlDatabaseError, MySqlPool, MySqlQueryResult, MySqlRow};
use sqlx::{Arguments as _, Column as _, Row as _, Type};

use super::columns::Value;
use super::driver::Driver;
use super::failure::Reason;
use super::pooled::sql_store;
use super::statement::Server;

sql_store! {
    /// # When to choose it
    ///
    /// For an application on several machines that has a MySQL or MariaDB anyway. It needs MySQL 8 or MariaDB 10.6, or
    /// a later version, with InnoDB, at any isolation level from READ COMMITTED on. Leave `autocommit` on, or
    /// acknowledged writes are lost (`migrate` checks it), and leave `EMPTY_STRING_IS_NULL` out of `sql_mode`.
    ///
    /// The application enables the features of `sqlx` that it needs to connect. For TLS that is `tls-rustls`, and
    /// `ssl-mode=VERIFY_IDENTITY` in the URL: by default, `sqlx` accepts any certificate, or a connection without TLS.
    /// MySQL's default authentication, `caching_sha2_password`, needs TLS; without TLS, sqlx needs its feature
    /// `mysql-rsa`, whose cryptography has a timing side channel (RUSTSEC-2023-0071) and is not enabled here.
    ///
    /// # Round trips
    ///
    /// | operation | statements |
    /// |---|---|
    /// | load, touch, listed | 1 |
    /// | insert, replace | 1; with index keys that change, a transaction with 1 more for each of them |
    /// | rotate | a transaction of 2, and 1 for each index key that changes |
    /// | remove | 2 |
    /// | sweep | 1 for each thousand |
    ///
    /// A transaction adds its beginning and its end.
    MySqlStore, MySqlStoreBuilder, MySql, "MySQL or MariaDB", "mysql", MySqlPool, "ROLLBACK"
}

impl Server for MySql {
    type Link = Connections<Self>;

    // An `UPDATE` locks its row and then reads it as it is *now*, at every isolation level: it waits for
    // another writer and checks its `WHERE` against the row which that writer leaves. So one `UPDATE` is enough
    // to replace a row only if it is the one that was read. A change of more than one row is a transaction
    // whose first statement is such an `UPDATE` or an `INSERT`, which decides.

    const REMOVE: &'static str = "
        DELETE FROM {table}
        WHERE session_key = {key} AND (revision = {number} OR {number} IS NULL)";

    const FILE: &'static str = "
        INSERT INTO `{name}_index` (index_key, session_key)
        VALUES ({index_key}, {key})
        ON DUPLICATE KEY UPDATE session_key = `{name}_index`.session_key";

    const TAKE_OUT: &'static str = "
        DELETE FROM `{name}_index`
        WHERE index_key = {index_key} AND session_key = {key}";

    const LISTED: &'static str = "
        SELECT revision, deadline, last_seen, X'', index_keys, card, {table}.session_key
        FROM `{name}_index` JOIN {table} ON {table}.session_key = `{name}_index`.session_key
        WHERE index_key = {index_key}";

    const SWEEP: &'static str = "
        DELETE FROM {table}
        WHERE deadline <= {now}
        ORDER BY deadline
        LIMIT {number}";

    const QUOTE: &'static str = "`";
    const FOR_UPDATE: &'static str = "FOR UPDATE";
    const RETURNS: bool = false;
}

impl Driver for MySql {
    // The server commits at each `CREATE TABLE`, so there is no transaction here. The row contains the
    // concatenated index keys as well, for readers of the row.
    const SCRIPT: &'static str = "
CREATE TABLE IF NOT EXISTS `{name}_schema` (version INT NOT NULL PRIMARY KEY) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS {table} (
    session_key BINARY(32) NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    value MEDIUMBLOB NOT NULL,
    index_keys BLOB,
    card BLOB,
    KEY by_deadline (deadline)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS `{name}_index` (
    index_key BINARY(32) NOT NULL,
    session_key BINARY(32) NOT NULL,
    PRIMARY KEY (index_key, session_key),
    KEY by_session (session_key),
    FOREIGN KEY (session_key) REFERENCES {table} (session_key) ON DELETE CASCADE
) ENGINE = InnoDB;
INSERT INTO `{name}_schema` (version) VALUES (2) ON DUPLICATE KEY UPDATE version = 2;
";

    const VERSION: &'static str = "SELECT MAX(version) FROM `{name}_schema`";
    const COMMITS: &'static str = "SELECT CAST(@@autocommit AS SIGNED)";

    const LEADS_ELSEWHERE: &'static str = "
        SELECT COUNT(*)
        FROM information_schema.key_column_usage
        WHERE table_schema = DATABASE() AND table_name = '{name}_index'
            AND (referenced_table_schema <> DATABASE() OR referenced_table_name <> '{name}')";

    const LACKS_ENTRIES: &'static str = "
        SELECT COUNT(*)
        FROM (
            SELECT index_keys
            FROM {table}
            WHERE NOT EXISTS (SELECT 1 FROM `{name}_index`)
            ORDER BY deadline DESC
            LIMIT 10000
        ) AS last
        WHERE OCTET_LENGTH(index_keys) >= 32";

    // `IGNORE`: another instance may make the same entries, and a row may end meanwhile. MySQL allows 1000 steps.
    const FILE_ALL: &'static str = "
        INSERT IGNORE INTO `{name}_index` (index_key, session_key)
        WITH RECURSIVE entry (filed, place) AS (
            SELECT session_key, 1 FROM {table} WHERE OCTET_LENGTH(index_keys) >= 32
            UNION ALL
            SELECT session_key, place + 32 FROM entry JOIN {table} ON session_key = filed
            WHERE OCTET_LENGTH(index_keys) >= place + 63 AND place < 30000
        )
        SELECT SUBSTR(index_keys, place, 32), session_key
        FROM entry JOIN {table} ON session_key = filed";

    fn reason(error: &dyn DatabaseError) -> Reason {
        let code = error.code().unwrap_or_default();
        let number = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .map_or(0, MySqlDatabaseError::number);
        match number {
            // "Record has changed since last read", of MariaDB 11 under REPEATABLE READ.
            1020 => Reason::Undone,
            _ if code == "40001" => Reason::Undone,
            1021 | 1114 => Reason::DiskFull,
            1290 | 1792 | 1836 => Reason::ReadOnly,
            1146 => Reason::NoTable,
            1054 => Reason::NoColumn,
            1044 | 1142 => Reason::NotAllowed,
            // An operator, a restart or a limit on idle connections has ended the connection.
            1053 | 1317 | 1927 | 4031 => Reason::Lost,
            _ if code.starts_with("08") => Reason::Lost,
            _ => Reason::Other,
        }
    }

    fn changes(end: &MySqlQueryResult) -> u64 {
        end.rows_affected()
    }

    fn bind(arguments: &mut Self::Arguments, value: &Value) {
        let _ = match value {
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Keys(keys) => arguments.add(keys.as_ref().map(|keys| keys.concat())),
        };
    }

    fn value(row: &MySqlRow, column: usize) -> sqlx::Result<Value> {
        if <i64 as Type<Self>>::compatible(row.column(column).type_info()) {
            return row.try_get(column).map(Value::Number);
        }
        let bytes: Option<&[u8]> = row.try_get(column)?;
        Ok(Value::Bytes(bytes.map(Arc::from)))
    }
}
