//! The names of tables.

use std::fmt;

#[cfg(any(feature = "mysql", feature = "postgres"))]
use super::error::SetupError;

/// The name of a table, with its schema if one was named: safe to be put into a statement.
#[derive(Clone, Debug)]
pub(super) struct TableName {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
impl TableName {
    /// Refuses what would have to be quoted, so that the name means the same to every tool.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let is_letter = |it: char| it.is_ascii_lowercase() || it == '_';
        let is_plain = |part: &String| {
            part.len() <= MAX_NAME_LEN
                && part.starts_with(is_letter)
                && part.chars().all(|it| is_letter(it) || it.is_ascii_digit())
        };
        let mut parts = self.schema.iter().chain([&self.name]);
        let refused = parts.find(|part| !is_plain(part));
        refused.map_or(Ok(()), |part| Err(SetupError::Name(part.clone())))
    }
}

/// Leaves room for the names of the indexes within PostgreSQL's 63 and MySQL's 64 bytes.
pub(super) const MAX_NAME_LEN: usize = 48;

#[cfg(all(test, any(feature = "mysql", feature = "postgres")))]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_need_quotes_are_refused() {
        let too_long = "x".repeat(MAX_NAME_LEN + 1);
        let name = |schema: Option<&str>, table: &str| {
            let (schema, name) = (schema.map(str::to_owned), table.to_owned());
            TableName { schema, name }
        };
        for part in [
            "", "1st", "a-b", "Sessions", "a;--", "a\"", "a.b", "ä", &too_long,
        ] {
            assert!(name(None, part).check().is_err(), "{part}");
            assert!(name(Some(part), "t").check().is_err(), "{part}");
        }
        let plain = name(Some("app"), "web_sessions2");
        assert!(plain.check().is_ok());
        assert_eq!(plain.to_string(), "app.web_sessions2");
    }
}
