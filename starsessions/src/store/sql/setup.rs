//! The settings of a store, and the errors of its tables.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::sentence::{debug_as_sentence, sentences};

/// Why a file or the tables on a server cannot be used for sessions.
#[non_exhaustive]
pub enum SetupError {
    /// A schema or a table of this name would have to be quoted, or a table of this name could belong to another store.
    Name(String),
    /// The file or the server cannot be reached, or the tables cannot be created.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The file is damaged, or is no SQLite database at all.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The file or the table of this name is another application's.
    Foreign(String),
    /// The connections of the pool do not commit each statement.
    NoAutocommit,
    /// The table of index keys, which has this name, refers to a table of sessions that was renamed.
    Renamed(String),
    /// The tables were made by this crate before its first release.
    Unreleased,
    /// The tables were made by a newer version of this crate.
    Newer {
        /// The version of the tables.
        found: i64,
        /// The newest version that this crate knows.
        known: i64,
    },
}

impl SetupError {
    /// Checks that the tables have the version that this crate knows.
    pub(super) fn check(found: i64, known: i64) -> Result<(), Self> {
        match found.cmp(&known) {
            Ordering::Less => Err(Self::Unreleased),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(Self::Newer { found, known }),
        }
    }
}

debug_as_sentence!(SetupError);

sentences! { SetupError:
    Self::Name(name) => "{name:?} cannot be the name of a schema or a table of sessions; take up to {MAX_NAME_LEN} lower-case letters, \
        digits and underscores, begin with no digit, and end a table's name with none of `_index`, `_schema` and `_by_deadline`, as in \
        \"web_sessions\"";
    Self::Unavailable(source) => "the tables of sessions cannot be opened or made; check the path of the file or the address, the user and the \
        password of the server, the permission to create tables, and the space on the disk", from &**source;
    Self::Corrupt(source) => "the session file is damaged or is not an SQLite database; restore it from a backup, or move it away and \
        begin with a new one", from &**source;
    Self::Foreign(name) => "\"{name}\" is another application's; name another file or table for the sessions";
    Self::NoAutocommit => "the connections of the pool would lose what they have written, because `autocommit` is off; turn it on in the \
        pool and on the server";
    Self::Renamed(name) => "\"{name}\" refers to a table of sessions that was renamed; rename that table back, or drop \"{name}\" and \
        migrate again";
    Self::Unreleased => "the tables of sessions have a layout from before the first release of `starsessions`; drop them or move the file \
        away, or name another one";
    Self::Newer { found, known } => "the tables of sessions have schema {found} and this version knows {known}; update `starsessions`, or \
        name another file or table";
}

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
    /// Refuses a name that would have to be quoted, so that the name means the same to every tool, and the names that
    /// other stores give to their further tables and indexes.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let is_letter = |it: char| it.is_ascii_lowercase() || it == '_';
        let is_plain = |part: &String| {
            part.len() <= MAX_NAME_LEN
                && part.starts_with(is_letter)
                && part.chars().all(|it| is_letter(it) || it.is_ascii_digit())
        };
        let mut parts = self.schema.iter().chain([&self.name]);
        let is_taken = |name: &&String| FURTHER.iter().any(|end| name.ends_with(end));
        let refused = parts.find(|part| !is_plain(part));
        let refused = refused.or(Some(&self.name).filter(is_taken));
        refused.map_or(Ok(()), |part| Err(SetupError::Name(part.clone())))
    }
}

/// Leaves room for the names of the indexes within PostgreSQL's 63 and MySQL's 64 bytes.
const MAX_NAME_LEN: usize = 48;
/// The ends of the names that a store gives to its further tables and to its indexes; `_index` covers `_by_index`.
#[cfg(any(feature = "mysql", feature = "postgres"))]
const FURTHER: [&str; 3] = ["_index", "_schema", "_by_deadline"];
/// The longest time-out: practically none, and within the range of drivers and clocks.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3_600);

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
        for table in ["a_index", "a_schema", "a_by_index", "a_by_deadline"] {
            let refused = name(None, table).check().unwrap_err();
            assert!(refused.to_string().contains("`_index`"), "{refused}");
            assert!(name(Some(table), "t").check().is_ok(), "{table}");
        }
        let plain = name(Some("app"), "web_sessions2");
        assert!(plain.check().is_ok());
        assert_eq!(plain.to_string(), "app.web_sessions2");
    }
}
