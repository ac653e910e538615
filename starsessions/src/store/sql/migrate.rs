//! The tables, and how they become what this version works with.

use std::error::Error;

use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::columns::number;
use super::connections::send;
use super::driver::Driver;
use super::failure::{Failure, Reason};
use super::statement::{Reply, Request, Statement};
use super::table::Table;
use crate::sentence::{debug_as_sentence, sentences};

impl<DB: Driver> Table<DB> {
    /// Makes what is not there yet. Another application's table is seen before anything is made.
    pub(super) async fn migrate(&self) -> Result<(), MigrateError> {
        let version = Statement::new::<DB>(DB::VERSION, &self.name);
        let found = self.find(&version.with(&[])).await?;
        let version = found.and_then(|reply| number(reply.rows.first()?, 0));
        match (version, SCHEMA) {
            (Some(found), known) if found < known => {
                return Err(MigrateError::Older { found, known });
            }
            (Some(found), known) if found > known => {
                return Err(MigrateError::Newer { found, known });
            }
            _ => {}
        }
        let probe = self.find(&self.statements.load.with(&[])).await?;
        if probe.is_some() && version.is_some() {
            return Ok(());
        }
        // It may have waited for another instance, and then still see the database of before.
        for _ in 0..MAX_ATTEMPTS {
            let mut connection = self.link.acquire().await?;
            let script = AssertSqlSafe(self.script(DB::LOCK)).into_sql_str();
            let made = DB::fetch(&mut connection, script, None).await;
            match made.map_err(Failure::of::<DB>) {
                Err(failure) if failure.reason == Reason::Undone => {}
                made => return Ok(made.map(drop)?),
            }
        }
        let text = "the tables are changed by too many instances at once";
        Err(MigrateError::Unavailable(text.into()))
    }

    /// What makes the tables, after `lock`.
    pub(super) fn script(&self, lock: &str) -> String {
        let script = Statement::new::<DB>(&(lock.to_owned() + DB::SCRIPT), &self.name);
        script.sql.to_string()
    }

    /// `None` if there is no such table.
    async fn find(&self, request: &Request) -> Result<Option<Reply>, MigrateError> {
        let mut connection = self.link.acquire().await?;
        let reply = send::<DB>(request, &mut connection).await;
        match reply.map_err(Failure::of::<DB>) {
            Ok(reply) => Ok(Some(reply)),
            Err(failure) if failure.reason == Reason::NoTable => Ok(None),
            Err(failure) if failure.reason == Reason::NoColumn => {
                Err(MigrateError::Foreign(self.name.to_string()))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

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
        found: i64,
        /// The oldest version that is understood here.
        known: i64,
    },
    /// The tables were made by a newer version of this crate.
    Newer {
        /// The version of the tables.
        found: i64,
        /// The newest version that is understood here.
        known: i64,
    },
}

debug_as_sentence!(MigrateError);

sentences! { MigrateError:
    Self::Unavailable(source) => "the tables of sessions cannot be made; check that the server can be reached and that its user may create tables", from &**source;
    Self::Foreign(table) => "the table \"{table}\" is another application's; name another one for the sessions";
    Self::Older { found, known } => "the tables of sessions have schema {found}, which was never released, and this version needs {known}; drop them, or name another table";
    Self::Newer { found, known } => "the tables of sessions have schema {found} and this version knows {known}; update `starsessions`, or name another table";
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.into())
    }
}

/// The version of the tables that this crate works with.
const SCHEMA: i64 = 2;
const MAX_ATTEMPTS: usize = 10;
