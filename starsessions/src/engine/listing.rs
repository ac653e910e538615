//! Finds sessions by a value in them, and ends them from other sessions.

use std::sync::Arc;

use super::server_side::{MAX_ATTEMPTS, ServerSide};
use super::vault::{ended, is_left};
use crate::clock::Timestamp;
use crate::crypto::{self, IndexKey, ReferenceToken, RowKey};
use crate::error::SessionError;
use crate::lifecycle::changes::Lookup;
use crate::lifecycle::plan::Next;
use crate::observe::{EndCause, Known, Name};
use crate::record::{Card, LABEL, Record};
use crate::store::{Listed, Listing, Replaced, Row};
use crate::value;

/// A session as the owner's other sessions see it.
#[derive(Clone, Debug)]
pub(crate) struct FoundSession {
    pub(crate) key: RowKey,
    /// Without its value, which a list leaves in the store.
    pub(super) row: Row,
    /// The times of the session; its fields stay sealed without its cookie.
    pub(crate) record: Record,
    /// Empty if it cannot be opened.
    pub(crate) card: Card,
}

/// The outcome of ending a session.
enum End {
    Done,
    /// Another request has ended the session.
    Gone,
    /// The session has another id.
    Left,
}

impl FoundSession {
    pub(crate) fn label(&self) -> Option<String> {
        let label = String::from_utf8(self.card.label.clone()).ok();
        label.filter(|label| !label.is_empty())
    }
}

impl ServerSide {
    /// The sessions that hold the value and are live by the timers of this layer.
    pub(crate) async fn sessions_of(
        &self,
        lookup: &Lookup,
        now: Timestamp,
    ) -> Result<Vec<FoundSession>, SessionError> {
        let mut found = self.sessions_and_claims_of(lookup, now).await?;
        found.retain(|session| !session.card.is_claim && self.is_live(session, now));
        Ok(found)
    }

    pub(super) fn is_live(&self, session: &FoundSession, now: Timestamp) -> bool {
        self.context.policy.is_live(&session.record, now)
    }

    /// Everything that is filed under the value and has not reached the deadline of its row. The timers of this layer
    /// do not count: another layer may still accept a session that they have ended.
    pub(super) async fn sessions_and_claims_of(
        &self,
        lookup: &Lookup,
        now: Timestamp,
    ) -> Result<Vec<FoundSession>, SessionError> {
        let mut found = Vec::new();
        for index_key in self.index_keys(lookup) {
            let listed = self.vault.store.listed(&index_key, now).await?;
            let listed = listed.iter();
            found.extend(listed.filter_map(|listed| self.found(&index_key, listed, now)));
        }
        // A session that is filed under several keys counts once.
        found.sort_by_key(|session| session.key);
        found.dedup_by_key(|session| session.key);
        // A session that moves to another key is listed twice for a moment.
        let keys: Vec<_> = found.iter().map(|session| session.key).collect();
        found.retain(|session| {
            let successor = session.card.successor;
            successor.is_none_or(|successor| keys.binary_search(&successor).is_err())
        });
        Ok(found)
    }

    /// A session as far as it is known without its cookie. A session whose card cannot be opened is listed, too: each
    /// session that can be used must be one that can be ended.
    fn found(&self, index_key: &IndexKey, listed: &Listed, now: Timestamp) -> Option<FoundSession> {
        let mut record = Record::new(listed.last_seen, listed.deadline);
        let card = self.card(&listed.key, &listed.listing, now);
        if let Some(card) = &card {
            let place = listed.listing.index_keys().binary_search(index_key);
            if !card.is_filed(place.ok()?, now) {
                return None;
            }
            record.created_at = card.created_at;
            record.issued_at = card.issued_at;
            record.remembered = card.remembered;
        }
        let mut row = Row::new([], listed.last_seen, listed.deadline);
        row.revision = listed.revision;
        row.listing = Some(Arc::clone(&listed.listing));
        Some(FoundSession {
            key: listed.key,
            row,
            record,
            card: card.unwrap_or_default(),
        })
    }

    /// Ends the sessions with the value that `choose` leaves in the list, except for `stays`; returns how many there
    /// were. A concurrent renewal can hide a session under its new id, so the search is repeated until it finds none.
    pub(crate) async fn end_sessions_of(
        &self,
        lookup: &Lookup,
        stays: Option<&ReferenceToken>,
        cause: EndCause,
        now: Timestamp,
        mut choose: impl FnMut(&mut Vec<FoundSession>),
    ) -> Result<usize, SessionError> {
        let mut ended = 0;
        for _ in 0..MAX_ROUNDS {
            let mut found = self.sessions_and_claims_of(lookup, now).await?;
            found.retain(|session| !session.card.is_claim);
            choose(&mut found);
            if let Some(token) = stays {
                self.spare(token, &mut found, now).await?;
            }
            if found.is_empty() {
                return Ok(ended);
            }
            let mut failure = None;
            for session in found {
                match self.end_row(&session, lookup, cause, now).await {
                    Ok(has_ended) => ended += usize::from(has_ended),
                    // A row that cannot be changed protects no other.
                    Err(error) => {
                        failure.get_or_insert(error);
                    }
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Err(SessionError::contention())
    }

    /// Removes the session that this id leads to from `found`. It may have got another id before it was listed.
    async fn spare(
        &self,
        token: &ReferenceToken,
        found: &mut Vec<FoundSession>,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        found.retain(|session| session.key != *token.row_key());
        if found.is_empty() {
            return Ok(());
        }
        let own = self.look(token, now).await?.ok_or(SessionError::Gone)?;
        found.retain(|session| session.key != own.key());
        Ok(())
    }

    /// Ends the session that was found under a key; `false` if it has moved to another key meanwhile.
    async fn end_row(
        &self,
        session: &FoundSession,
        lookup: &Lookup,
        cause: EndCause,
        now: Timestamp,
    ) -> Result<bool, SessionError> {
        let mut ways = Vec::new();
        let end = self.end_in_place(session, &mut ways, now).await;
        if end.is_err() {
            self.put_back(&ways, now).await;
        }
        match end? {
            End::Done => {}
            End::Gone => return Ok(true),
            End::Left => return Ok(false),
        }
        let name = Name::Row(&self.context.keys, session.key);
        let observer = &self.context.observer;
        observer.ended(name, cause, || Known {
            indexed: vec![((&*lookup.name).into(), lookup.value.as_slice().into())],
            label: session.label(),
            identified: true,
        });
        Ok(true)
    }

    /// Replaces each row only as it was read, so a way that another request has left there stays: a logout with the
    /// former cookie follows it, and the next round finds the session.
    async fn end_in_place(
        &self,
        session: &FoundSession,
        ways: &mut Vec<(RowKey, Row)>,
        now: Timestamp,
    ) -> Result<End, SessionError> {
        let store = &self.vault.store;
        let mut key = session.key;
        // A way must be loaded with its value, so that it can be put back.
        let mut found = match session.card.successor {
            Some(_) => store.load(&key, now).await?,
            None => Some(session.row.clone()),
        };
        for _ in 0..MAX_ATTEMPTS {
            let Some(row) = found else {
                return Ok(End::Gone);
            };
            let successor = self.about_to_be(&key, &row, now);
            if is_left(&row) && successor.is_none() {
                return Ok(End::Left);
            }
            found = match store.replace(&key, &row, &ended(&row, now), now).await? {
                Replaced::Stale(other) => Some(other),
                Replaced::Gone => None,
                Replaced::Replaced => {
                    self.watchers.changed(&key);
                    let Some(successor) = successor else {
                        return Ok(End::Done);
                    };
                    ways.push((key, row));
                    // Once the reserved row has ended, too, no row can be put there.
                    key = successor;
                    store.load(&key, now).await?
                }
            };
        }
        Err(SessionError::contention())
    }

    /// The key to which this row's session is moving, if it is.
    fn about_to_be(&self, key: &RowKey, row: &Row, now: Timestamp) -> Option<RowKey> {
        let listing = row.listing.as_ref()?;
        self.card(key, listing, now)?.successor
    }

    pub(super) fn row(&self, token: &ReferenceToken, record: &Record) -> Result<Row, SessionError> {
        let listing = self.listing(token, record)?;
        self.vault.close(&self.context, token, record, listing)
    }

    /// The row of a record that replaces `seen`.
    pub(super) fn next_row(
        &self,
        token: &ReferenceToken,
        next: &Next,
        seen: &Row,
    ) -> Result<Row, SessionError> {
        if next.is_relisted {
            return self.row(token, &next.record);
        }
        let listing = seen.listing.clone();
        self.vault
            .close(&self.context, token, &next.record, listing)
    }

    fn listing(
        &self,
        token: &ReferenceToken,
        record: &Record,
    ) -> Result<Option<Arc<Listing>>, SessionError> {
        let mut filed: Vec<_> = record
            .indexed()
            .map(|(name, field)| (self.index_key(name, field.value), field.ends_at()))
            .collect();
        if filed.is_empty() && !record.identified {
            return Ok(None);
        }
        // No two are alike: the name of the field is in the key.
        filed.sort_unstable_by_key(|(key, _)| *key);
        let deadlines = filed.iter().zip(0_u8..=u8::MAX);
        let deadlines = deadlines.filter_map(|((_, ends_at), place)| Some((place, (*ends_at)?)));
        let card = Card {
            created_at: record.created_at,
            issued_at: record.issued_at,
            remembered: record.remembered,
            deadlines: deadlines.collect(),
            is_claim: false,
            is_bound: record.is_bound(),
            successor: None,
            label: record
                .get(LABEL)
                .map_or_else(Vec::new, |field| field.value.to_vec()),
        };
        let keys = filed.into_iter().map(|(key, _)| key).collect();
        self.close_listing(token, keys, &card).map(Some)
    }

    /// The listing of a session while it moves to another key.
    pub(super) fn listing_while_moving(
        &self,
        token: &ReferenceToken,
        row: &Row,
        successor: &RowKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Listing>>, SessionError> {
        let Some(listing) = &row.listing else {
            return Ok(None);
        };
        let Some(mut card) = self.card(token.row_key(), listing, now) else {
            return Ok(Some(Arc::clone(listing)));
        };
        card.successor = Some(*successor);
        let keys = listing.index_keys().to_vec();
        self.close_listing(token, keys, &card).map(Some)
    }

    pub(super) fn close_listing(
        &self,
        token: &ReferenceToken,
        keys: Vec<IndexKey>,
        card: &Card,
    ) -> Result<Arc<Listing>, SessionError> {
        let mut card = card.pack();
        if self.vault.store.is_sealed {
            card = token.seal_card(&self.context.audience, &card)?;
        }
        Ok(Arc::new(Listing::new(keys, card)))
    }

    fn card(&self, key: &RowKey, listing: &Listing, now: Timestamp) -> Option<Card> {
        if !self.vault.store.is_sealed {
            return Card::parse(listing.card());
        }
        let (keys, audience) = (&self.context.keys, &self.context.audience);
        let card = crypto::open_card(keys, audience, key, listing.card(), now).ok()?;
        Card::parse(&card)
    }

    /// The key under which a store files a session, without knowing its meaning.
    pub(super) fn index_key(&self, field: &str, bytes: &[u8]) -> IndexKey {
        let (keys, audience) = (&self.context.keys, &self.context.audience);
        keys.index_key(audience, field, value::content(bytes))
    }

    /// All keys under which a session may be filed, including those of older ring keys and of former names of the
    /// field.
    fn index_keys(&self, lookup: &Lookup) -> Vec<IndexKey> {
        let names = std::iter::once(&*lookup.name).chain(lookup.aliases.iter().copied());
        let value = value::content(&lookup.value);
        let (keys, audience) = (&self.context.keys, &self.context.audience);
        names
            .flat_map(|name| keys.index_keys(audience, name, value))
            .collect()
    }
}

/// More than one round is rare: it takes a concurrent rotation or sign-in.
pub(super) const MAX_ROUNDS: usize = 16;
