//! Merges the values that the application has saved for a user with those of the user's session as a guest.

use super::Session;
use crate::error::SessionError;
use crate::record::{Edit, Encoded, Record};
use crate::schema::{Collect, FieldReader, FieldSpec, FieldWriter, Merge, SessionData, Snapshot};

impl<T: SessionData> Session<T> {
    /// Merges the values that the application has saved for a user into their session, for example at a
    /// sign-in. Each field follows its own rule, as if another request had just stored the saved value and
    /// this request had started without a value.
    ///
    /// So `sum` adds both values, `union` keeps both, `append` puts the session's elements after the saved
    /// ones, and `max` takes the larger value. A field with `last` or `exclusive` keeps the session's value,
    /// or takes the saved one if the session has none or the default. `skip` fields start anew.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// use starsessions::{CurrentSession, Session, SessionError};
    ///
    /// #[derive(Session)]
    /// struct Shop {
    ///     #[session(merge = append)]
    ///     cart: Vec<u32>,
    ///     #[session(merge = union)]
    ///     liked: BTreeSet<u32>,
    ///     language: Option<String>,
    /// }
    /// # #[derive(Session)]
    /// # struct Login { #[session(required, rotate)] user: u64 }
    /// # async fn saved_by(_user: u64) -> Shop { unimplemented!() }
    ///
    /// async fn sign_in(session: CurrentSession, mut shop: Session<Shop>) -> Result<(), SessionError> {
    ///     // .. after the password was checked:
    ///     shop.merge_saved(saved_by(7).await)?;
    ///     session.insert(Login { user: 7 }) // one operation, under one new id
    /// }
    /// ```
    ///
    /// # Errors
    /// If a value cannot be stored or is refused by `validate`. Then the session is as it was.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the saved value is used up: merged twice, it would count twice"
    )]
    pub fn merge_saved(&mut self, saved: T) -> Result<(), SessionError> {
        let checks = self.slot.realm().engine.policy().checks();
        let theirs = FieldWriter::all(&saved, checks)?;
        let now = self.slot.now();
        // An initial value counts as absent, even if it cannot be stored. A `required` field has no initial value.
        let mine = match load::<T>(&Record::new(now, now))? {
            Some(initial) => {
                Snapshot::take(&initial, 0).changes(&self.value, Collect::Changes, checks)?
            }
            None => FieldWriter::all(&self.value, checks)?,
        };
        let mut mine = mine.iter().peekable();
        let mut values = Vec::new();
        for (spec, theirs) in theirs.iter() {
            let mine = mine.next_if(|(mine, _)| mine.name == spec.name);
            let mine = mine.and_then(|(_, value)| value);
            if let Some(value) = merged(spec, mine, theirs)? {
                values.push((spec.name, value));
            }
        }
        let mut record = Record::new(now, now);
        let edits = values.iter().map(|(name, value)| Edit::set(name, value));
        record.rewrite(edits.collect());
        if let Some(value) = load::<T>(&record)? {
            **self = value;
        }
        Ok(())
    }
}

/// Merges the two values of one field, with an absent value as the base.
fn merged(
    spec: &'static FieldSpec,
    mine: Option<Encoded>,
    theirs: Option<Encoded>,
) -> Result<Option<Encoded>, SessionError> {
    match (spec.merge, &mine, &theirs) {
        (_, None, _) => Ok(theirs),
        (Merge::With(merge), Some(own), Some(saved)) => merge(None, Some(own), Some(saved))
            .map(|merged| merged.map(Encoded::from))
            .map_err(|error| SessionError::value(spec.name, error)),
        _ => Ok(mine),
    }
}

/// The struct with these fields; `None` if a required field is missing.
fn load<T: SessionData>(record: &Record) -> Result<Option<T>, SessionError> {
    let mut failure = None;
    let mut report = |name, error: &_| {
        failure.get_or_insert_with(|| SessionError::invalid(name, error));
    };
    let value = T::load(&mut FieldReader::new(
        T::SCHEMA,
        Some(record),
        record.created_at,
        &mut report,
    ));
    failure.map_or(Ok(value.ok()), Err)
}
