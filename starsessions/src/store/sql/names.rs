//! The names of tables, and what can go wrong when they are made.

use crate::sentence::debug_as_sentence;
use std::error::Error;
use std::fmt;

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
#[derive(Clone, PartialEq, Eq)]
pub struct TableNameError(String);

debug_as_sentence!(TableNameError);

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
#[non_exhaustive]
pub enum MigrateError {
    /// The server cannot be reached, or refuses to change the tables.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// There is a table of this name, and it is another application's.
    Foreign(String),
    /// The tables have the layout of a version from before the first release.
    Older {
        /// The version of the tables.
        found: i32,
        /// The oldest version that is understood here.
        known: i32,
    },
    /// The tables were made by a newer version of this crate.
    Newer {
        /// The version of the tables.
        found: i32,
        /// The newest version that is understood here.
        known: i32,
    },
}

debug_as_sentence!(MigrateError);

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the tables of sessions cannot be made; check that the server can be reached and that its user may create tables"),
            Self::Foreign(table) => write!(f, "the table \"{table}\" is another application's; name another one for the sessions"),
            Self::Older { found, known } => write!(f, "the tables of sessions have schema {found}, which was never released, and this version needs {known}; drop them, or name another table"),
            Self::Newer { found, known } => write!(f, "the tables of sessions have schema {found} and this version knows {known}; update `starsessions`, or name another table"),
        }
    }
}

impl Error for MigrateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) => Some(&**source),
            Self::Foreign(_) | Self::Older { .. } | Self::Newer { .. } => None,
        }
    }
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Whether tables of this version are what this crate works with; `false` if there are none.
pub(super) fn is_current(version: Option<i32>) -> Result<bool, MigrateError> {
    let known = SCHEMA;
    match version {
        None => Ok(false),
        Some(found) if found == known => Ok(true),
        Some(found) if found < known => Err(MigrateError::Older { found, known }),
        Some(found) => Err(MigrateError::Newer { found, known }),
    }
}

/// The version of the tables that this crate works with.
const SCHEMA: i32 = 2;
pub(super) const DEFAULT_TABLE: &str = "starsessions";
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
}
