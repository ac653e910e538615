//! The names of tables.

use std::error::Error;
use std::fmt;

use super::server::Server;
use crate::sentence::debug_as_sentence;

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

    /// The name of something that is named after this table and stands beside it.
    pub(super) fn quoted<DB: Server>(&self, suffix: &str) -> String {
        let schema = self.schema.as_ref();
        let schema = schema.map(|schema| format!("{0}{schema}{0}.", DB::QUOTE));
        schema.unwrap_or_default() + &self.quoted_alone::<DB>(suffix)
    }

    /// The same without a schema.
    pub(super) fn quoted_alone<DB: Server>(&self, suffix: &str) -> String {
        format!("{0}{1}{suffix}{0}", DB::QUOTE, self.table)
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
