//! The names of tables.

use std::fmt;

use super::statement::TableName;
use crate::sentence::{debug_as_sentence, sentences};

impl TableName {
    /// Refuses what would have to be quoted, so that the name means the same to every tool.
    pub(super) fn check(&self) -> Result<(), TableNameError> {
        let refused = |part: &&String| !is_plain(part);
        match self.schema.iter().chain([&self.name]).find(refused) {
            Some(part) => Err(TableNameError(part.clone())),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

fn is_plain(name: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_lowercase() || it == '_';
    name.len() <= MAX_NAME_LEN
        && name.starts_with(is_letter)
        && name.chars().all(|it| is_letter(it) || it.is_ascii_digit())
}

/// A schema or table name that would have to be quoted in SQL.
#[derive(Clone, PartialEq, Eq)]
pub struct TableNameError(String);

debug_as_sentence!(TableNameError);

sentences! { TableNameError:
    Self(name) => "{name:?} cannot be the name of a schema or a table of sessions; take up to {MAX_NAME_LEN} lower-case \
        letters, digits and underscores, and begin with no digit, as in \"web_sessions\"";
}

/// Leaves room for the names of the indexes within PostgreSQL's 63 and MySQL's 64 bytes.
const MAX_NAME_LEN: usize = 48;

#[cfg(test)]
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
