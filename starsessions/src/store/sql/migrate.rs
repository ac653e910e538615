//! The tables, and how they become what this version works with.

use std::error::Error;
use std::fmt;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::failure::{Failure, Reason};
use super::server::Server;
use super::statement::{Reply, Request, Statement, Values};
use super::table::Table;
use crate::sentence::debug_as_sentence;

impl<DB: Server> Table<DB> {
    /// Makes what is not there yet. Another application's table is seen before anything is made.
    pub(super) async fn migrate(&self) -> Result<(), MigrateError> {
        let version = Statement::new::<DB>(DB::VERSION, &self.name).with(Values::default());
        let rows = self.find(&version).await?.unwrap_or_default().rows;
        let version = rows.first().map(|row| DB::number(row, 0)).transpose();
        let version = version.map_err(Failure::of::<DB>)?.flatten();
        if let Some(found) = version.filter(|found| *found != i64::from(SCHEMA)) {
            let known = SCHEMA;
            let found = i32::try_from(found).unwrap_or(i32::MAX);
            return Err(match found < known {
                true => MigrateError::Older { found, known },
                false => MigrateError::Newer { found, known },
            });
        }
        let probe = self.statements.load.with(Values::default());
        if self.find(&probe).await?.is_some() && version.is_some() {
            return Ok(());
        }
        // It may have waited for another instance, and then still see the database of before.
        for _ in 0..MAX_ATTEMPTS {
            let script = [DB::LOCK, DB::SCRIPT]
                .map(|part| self.filled(part))
                .concat();
            let mut connection = self.connection().await?;
            let script = AssertSqlSafe(script).into_sql_str();
            let made = DB::send(&mut connection, script, None).await;
            match made.map_err(Failure::of::<DB>) {
                Err(Failure::Undone(_)) => {}
                made => return Ok(made.map(drop)?),
            }
        }
        let text = "the tables are changed by too many instances at once";
        Err(MigrateError::Unavailable(text.into()))
    }

    /// What [`migrate`](Self::migrate) makes.
    pub(super) fn script(&self) -> String {
        self.filled(DB::SCRIPT)
    }

    fn filled(&self, template: &'static str) -> String {
        Statement::new::<DB>(template, &self.name).sql.to_string()
    }

    async fn connection(&self) -> Result<PoolConnection<DB>, Failure> {
        let acquired = self.connections.pool().acquire();
        acquired.await.map_err(Failure::to_connect)
    }

    /// `None` if there is no such table.
    async fn find(&self, request: &Request<DB>) -> Result<Option<Reply<DB>>, MigrateError> {
        let mut connection = self.connection().await?;
        match request
            .send(&mut connection)
            .await
            .map_err(Failure::of::<DB>)
        {
            Err(Failure::Refused(refusal)) if refusal.reason == Reason::NoTable => Ok(None),
            Err(Failure::Refused(refusal)) if refusal.reason == Reason::NoColumn => {
                Err(MigrateError::Foreign(self.name.to_string()))
            }
            reply => Ok(Some(reply?)),
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

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.cause())
    }
}

/// The version of the tables that this crate works with.
const SCHEMA: i32 = 2;
const MAX_ATTEMPTS: usize = 10;
