//! Creates the tables, and checks their version.

use super::columns::number;
use super::driver::Fetch;
use super::failure::{Failure, Reason};
use super::setup::{DAY, SetupError};
use super::statement::{Reply, Statement};
use super::table::{PATIENCE, Table};

impl<DB: Fetch> Table<DB> {
    /// Creates the missing tables. Another application's table is detected before anything is created.
    pub(super) async fn migrate(&self) -> Result<(), SetupError> {
        if !DB::COMMITS.is_empty() && self.number(DB::COMMITS).await? == Some(0) {
            return Err(SetupError::NoAutocommit);
        }
        let version = self.number(DB::VERSION).await?;
        version.map_or(Ok(()), |found| SetupError::check(found, SCHEMA))?;
        let found = self.find(&self.statements.load).await?;
        let mut is_complete = version.is_some() && found.is_some();
        let has_index = !DB::FILE.is_empty();
        if has_index {
            let found = self.find(&self.statements.listed).await?;
            is_complete &= found.is_some();
            if self.number(DB::LEADS_ELSEWHERE).await? > Some(0) {
                return Err(SetupError::Renamed(format!("{}_index", self.name)));
            }
        }
        if !is_complete {
            self.execute(&self.script(DB::LOCK)).await?;
        }
        // Without entries, no revocation would find a session.
        if has_index && self.number(DB::LACKS_ENTRIES).await? > Some(0) {
            self.execute(&self.statement(DB::FILE_ALL)).await?;
        }
        Ok(())
    }

    /// `lock`, and the script that creates the tables.
    pub(super) fn script(&self, lock: &str) -> Statement {
        self.statement(&(lock.to_owned() + DB::SCRIPT))
    }

    fn statement(&self, template: &str) -> Statement {
        Statement::new::<DB>(template, &self.name)
    }

    async fn execute(&self, statement: &Statement) -> Result<(), SetupError> {
        // It may wait for another instance, or read a large table.
        let link = self.link.within(DAY);
        for _ in 0..MAX_ATTEMPTS {
            match link.try_to_send(&statement.with(&[]).into()).await {
                // It has waited for another instance, and still sees an older snapshot of the database.
                Err(failure) if failure.reason == Reason::Undone => {}
                Ok(reply) if reply.is_taken => {}
                made => return Ok(made.map(drop)?),
            }
        }
        let text = "the tables are changed by too many instances at once";
        Err(SetupError::Unavailable(text.into()))
    }

    /// The number that a query returns; `None` if there is no such table.
    async fn number(&self, query: &str) -> Result<Option<i64>, SetupError> {
        let found = self.find(&self.statement(query)).await?;
        Ok(found.and_then(|reply| number(reply.rows.first()?, 0)))
    }

    /// `None` if there is no such table.
    async fn find(&self, query: &Statement) -> Result<Option<Reply>, SetupError> {
        let link = self.link.within(self.link.limit * PATIENCE);
        match link.try_to_send(&query.with(&[]).into()).await {
            Ok(reply) => Ok(Some(reply)),
            Err(failure) if failure.reason == Reason::NoTable => Ok(None),
            Err(failure) if failure.reason == Reason::NoColumn => {
                Err(SetupError::Foreign(self.name.to_string()))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

impl From<Failure> for SetupError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.into())
    }
}

/// The version of the tables that this crate works with.
const SCHEMA: i64 = 2;
const MAX_ATTEMPTS: usize = 10;
