//! Why a store has nothing to work with.

use std::cmp::Ordering;
use std::error::Error;

use super::names::MAX_NAME_LEN;
use crate::sentence::{debug_as_sentence, sentences};

/// Why a file or the tables on a server cannot be used for sessions.
#[non_exhaustive]
pub enum SetupError {
    /// A schema or a table of this name would have to be quoted.
    Name(String),
    /// The file or the server cannot be reached, or no tables can be made there.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The file is damaged, or is no SQLite database at all.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The file or the table of this name is another application's.
    Foreign(String),
    /// The tables were made by this crate before its first release.
    Unreleased,
    /// The tables were made by a newer version of this crate.
    Newer {
        /// The version of the tables.
        found: i64,
        /// The newest version that is understood here.
        known: i64,
    },
}

impl SetupError {
    /// Whether tables of the version `found` can be used where `known` is.
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
        digits and underscores, and begin with no digit, as in \"web_sessions\"";
    Self::Unavailable(source) => "the tables of sessions cannot be opened or made; check the path of the file or the address of the server, \
        the permission to create tables, and the space on the disk", from &**source;
    Self::Corrupt(source) => "the session file is damaged or is not an SQLite database; restore it from a backup, or move it away and \
        begin with a new one", from &**source;
    Self::Foreign(name) => "\"{name}\" is another application's; name another file or table for the sessions";
    Self::Unreleased => "the tables of sessions have a layout from before the first release of `starsessions`; drop them or move the file \
        away, or name another one";
    Self::Newer { found, known } => "the tables of sessions have schema {found} and this version knows {known}; update `starsessions`, or \
        name another file or table";
}
