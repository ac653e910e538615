//! The tables, and how they become what this version works with.

use std::error::Error;

use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::columns::number;
use super::connections::send;
use super::driver::Driver;
use super::failure::{Failure, Reason};
use super::names::TableName;
use super::statement::{Reply, Request, Statement};
use super::table::Table;
use crate::sentence::{debug_as_sentence, sentences};

impl<DB: Driver> Table<DB> {
    /// Makes what is not there yet. Another application's table is seen before anything is made.
    pub(super) async fn migrate(&self, name: &TableName) -> Result<(), MigrateError> {
        let version = Statement::new::<DB>(DB::VERSION, &name.in_templates::<DB>());
        let found = self.find(&version.with(&[]), name).await?;
        let version = found.and_then(|reply| number(reply.rows.first()?, 0));
        let (version, known) = (
            version.map(|it| i32::try_from(it).unwrap_or(i32::MAX)),
            SCHEMA,
        );
        match version {
            Some(found) if found < known => return Err(MigrateError::Older { found, known }),
            Some(found) if found > known => return Err(MigrateError::Newer { found, known }),
            _ => {}
        }
        let probe = self.statements.load.with(&[]);
        if self.find(&probe, name).await?.is_some() && version.is_some() {
            return Ok(());
        }
        // It may have waited for another instance, and then still see the database of before.
        for _ in 0..MAX_ATTEMPTS {
            let script = [DB::LOCK, DB::SCRIPT].map(|part| filled::<DB>(part, name));
            let mut connection = self.link.acquire().await?;
            let script = AssertSqlSafe(script.concat()).into_sql_str();
            let made = DB::fetch(&mut connection, script, None).await;
            match made.map_err(Failure::of::<DB>) {
                Err(failure) if failure.reason == Reason::Undone => {}
                made => return Ok(made.map(drop)?),
            }
        }
        let text = "the tables are changed by too many instances at once";
        Err(MigrateError::Unavailable(text.into()))
    }

    /// `None` if there is no such table.
    async fn find(
        &self,
        request: &Request,
        name: &TableName,
    ) -> Result<Option<Reply>, MigrateError> {
        let mut connection = self.link.acquire().await?;
        let reply = send::<DB>(request, &mut connection).await;
        let failure = match reply.map_err(Failure::of::<DB>) {
            Ok(reply) => return Ok(Some(reply)),
            Err(failure) => failure,
        };
        match failure.reason {
            Reason::NoTable => Ok(None),
            Reason::NoColumn => Err(MigrateError::Foreign(name.to_string())),
            _ => Err(failure.into()),
        }
    }
}

/// A script with the names of the tables.
pub(super) fn filled<DB: Driver>(script: &str, name: &TableName) -> String {
    Statement::new::<DB>(script, &name.in_templates::<DB>())
        .sql
        .to_string()
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
const SCHEMA: i32 = 2;
const MAX_ATTEMPTS: usize = 10;
