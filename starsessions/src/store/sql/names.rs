//! The names of tables.

use super::error::{MAX_NAME_LEN, SetupError};
use super::statement::TableName;

impl TableName {
    /// Refuses what would have to be quoted, so that the name means the same to every tool.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let refused = |part: &&String| !is_plain(part);
        match self.schema.iter().chain([&self.name]).find(refused) {
            Some(part) => Err(SetupError::Name(part.clone())),
            None => Ok(()),
        }
    }
}

fn is_plain(name: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_lowercase() || it == '_';
    name.len() <= MAX_NAME_LEN
        && name.starts_with(is_letter)
        && name.chars().all(|it| is_letter(it) || it.is_ascii_digit())
}

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
