//! What the stores on SQL servers share.

use std::error::Error;
use std::fmt;
use std::future::Future;

use super::StoreError;
use crate::clock::Timestamp;

/// The name of a table, with its schema if one was named: safe to be put into a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    pub(super) schema: Option<String>,
    pub(super) table: String,
}

impl TableName {
    /// Refuses what would have to be quoted, so that the name means the same to every tool.
    pub(super) fn new(schema: Option<String>, table: String) -> Result<Self, TableNameError> {
        for part in schema.iter().chain([&table]) {
            if !is_plain(part) {
                return Err(TableNameError(part.clone()));
            }
        }
        Ok(Self { schema, table })
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self {
            schema: None,
            table: DEFAULT_TABLE.to_owned(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.table)
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME_LEN
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

/// A schema or table name that would have to be quoted in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNameError(String);

impl fmt::Display for TableNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} cannot be the name of a schema or a table of sessions; take up to {MAX_NAME_LEN} lower-case \
             letters, digits and underscores, and begin with no digit, as in \"web_sessions\"",
            self.0
        )
    }
}

impl Error for TableNameError {}

/// Why the tables of a store cannot be brought to what this version works with.
#[derive(Debug)]
#[non_exhaustive]
pub enum MigrateError {
    /// The server cannot be reached, or refuses to change the tables.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// There is a table of this name, and it is another application's.
    Foreign(String),
    /// The tables were made by a newer version of this crate.
    Newer {
        /// The version of the tables.
        found: i32,
        /// The newest version that is understood here.
        known: i32,
    },
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the tables of sessions cannot be made; check that the server can be reached and that its user may create tables"),
            Self::Foreign(table) => write!(f, "the table \"{table}\" is another application's; name another one for the sessions"),
            Self::Newer { found, known } => write!(f, "the tables of sessions have schema {found} and this version knows {known}; update `starsessions`, or name another table"),
        }
    }
}

impl Error for MigrateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) => Some(&**source),
            Self::Foreign(_) | Self::Newer { .. } => None,
        }
    }
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What is stored is not what this crate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of the session table is malformed; delete the row, or restore the table")
    }
}

impl Error for Malformed {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.into())
            }
            other => Self::Unavailable(other.into()),
        }
    }
}

impl From<Malformed> for StoreError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.into())
    }
}

/// Does what the server has undone because of somebody else's statement again.
pub(super) async fn retried<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(error) if is_worth_another_attempt(&error) => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

/// A serialization failure or a deadlock: nothing of the statement took place.
fn is_worth_another_attempt(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Seconds as the servers keep them: the end of their time comes 292 billion years after 1970.
pub(super) fn seconds(time: Timestamp) -> i64 {
    clamped(time.as_unix_seconds())
}

pub(super) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(number(seconds))
}

pub(super) fn number(number: i64) -> u64 {
    number.max(0).cast_unsigned()
}

pub(super) const DEFAULT_TABLE: &str = "starsessions";
/// Another request has got through each time.
pub(super) const MAX_ATTEMPTS: usize = 10;
/// Leaves room for the names of the indexes within PostgreSQL's 63 and MySQL's 64 bytes.
const MAX_NAME_LEN: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_need_quotes_are_refused() {
        let too_long = "x".repeat(MAX_NAME_LEN + 1);
        for name in [
            "", "1st", "a-b", "a b", "Sessions", "a;--", "a\"", "a.b", "ä", &too_long,
        ] {
            assert!(TableName::new(None, name.to_owned()).is_err(), "{name}");
            assert!(
                TableName::new(Some(name.to_owned()), "t".to_owned()).is_err(),
                "{name}"
            );
        }
        let name = TableName::new(Some("app".to_owned()), "web_sessions2".to_owned());
        assert_eq!(name.unwrap().to_string(), "app.web_sessions2");
    }

    #[test]
    fn times_are_clamped() {
        assert_eq!(seconds(Timestamp::from_unix_seconds(u64::MAX)), i64::MAX);
        assert_eq!(time(-1), Timestamp::from_unix_seconds(0));
    }
}
