//! Sessions that are found by a value in them, and ended by others.

use super::{Credential, Engine, Live, Place, ServerSide};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::error::SessionError;
use crate::observe::{self, Ended, Name};
use crate::record::Record;
use crate::schema::FieldSpec;
use crate::value;

/// A value that sessions are looked for by.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) spec: &'static FieldSpec,
    /// As it is stored.
    pub(crate) value: Vec<u8>,
}

impl Engine {
    /// The live sessions that hold the value.
    pub(crate) async fn sessions_of(
        &self,
        lookup: &Lookup,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, SessionError> {
        let Place::Server(server) = &self.place else {
            return Err(SessionError::Unlisted);
        };
        let mut found = Vec::new();
        for index in server.index_keys(self, lookup) {
            found.extend(server.vault.sessions_of(&index, now).await?);
        }
        found.retain(|(_, record)| self.policy.is_live(record, now));
        // One that was filed under several keys is one session.
        found.sort_by_key(|(key, _)| *key);
        found.dedup_by_key(|(key, _)| *key);
        Ok(found)
    }

    /// Ends those of them that `is_to_end` names; returns how many there were.
    ///
    /// A session that is given a new id at this moment could slip away under it, so it looks again
    /// until there is none left.
    pub(crate) async fn end_sessions_of(
        &self,
        lookup: &Lookup,
        now: Timestamp,
        is_to_end: impl Fn(&RowKey, &Record) -> bool,
    ) -> Result<usize, SessionError> {
        let mut ended = 0;
        for _ in 0..MAX_ROUNDS {
            let mut found = self.sessions_of(lookup, now).await?;
            found.retain(|(key, record)| is_to_end(key, record));
            if found.is_empty() {
                return Ok(ended);
            }
            for (key, _) in found {
                self.end_row(&key, now).await?;
                ended += 1;
            }
        }
        Err(SessionError::contention())
    }

    pub(super) async fn end_row(&self, key: &RowKey, now: Timestamp) -> Result<(), SessionError> {
        let Place::Server(server) = &self.place else {
            return Err(SessionError::Unlisted);
        };
        // A way to a successor cannot be followed without the cookie; the next round finds it.
        server.vault.store.delete(key, now).await?;
        server.watchers.changed(key);
        observe::ended(Name::Row(&self.keys, *key), Ended::Revoked);
        Ok(())
    }
}

impl ServerSide {
    /// What a store files a session under, without knowing what it stands for.
    pub(super) fn index_key(&self, engine: &Engine, field: &str, bytes: &[u8]) -> IndexKey {
        let audience = &self.vault.audience;
        engine
            .keys
            .index_key(audience, field, value::content(bytes))
    }

    /// What it may have been filed under: by an older key, by a former name of the field.
    fn index_keys(&self, engine: &Engine, lookup: &Lookup) -> Vec<IndexKey> {
        let names = std::iter::once(&lookup.spec.name).chain(lookup.spec.aliases);
        let value = value::content(&lookup.value);
        names
            .flat_map(|name| engine.keys.index_keys(&self.vault.audience, name, value))
            .collect()
    }
}

impl Live {
    /// What a token of this session is made from: its row, or that of its tombstone.
    pub(crate) fn forgery_row(&self) -> RowKey {
        match &self.credential {
            Credential::Reference(token) => *token.row_key(),
            Credential::Sealed(id) => id.row_key(),
        }
    }

    /// Where it lies, if it lies in a store.
    pub(crate) fn row_key(&self) -> Option<RowKey> {
        match &self.credential {
            Credential::Reference(token) => Some(*token.row_key()),
            Credential::Sealed(_) => None,
        }
    }
}

/// More than one is rare: it takes a rotation at the same moment.
const MAX_ROUNDS: usize = 16;
