//! The end of a session by its own request, under the id that the session has by now.

use std::sync::Arc;

use super::overtaken::Met;
use super::server_side::{MAX_ATTEMPTS, ServerSide, back_off};
use super::vault::{Opened, ended};
use super::{Credential, Engine, Executed, Live};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, RowKey, WayKind};
use crate::error::SessionError;
use crate::lifecycle::plan::Plan;
use crate::observe::{EndCause, Known, Name};
use crate::store::{Rotated, Rotation, Row, StoreError};

/// A session that a request can end although it may not use it: by its former id, or as one of several.
#[derive(Clone, Debug)]
pub(crate) enum Endable {
    Live(Live),
    /// An id in a store whose row holds no record that could be read.
    Former(Arc<ReferenceToken>),
}

impl Engine {
    pub(crate) async fn end(&self, all: Vec<Endable>, now: Timestamp) -> Result<(), SessionError> {
        for endable in all {
            match (self, endable) {
                (Self::Server(server), Endable::Former(token)) => server.end(token, now).await?,
                (Self::Server(server), Endable::Live(live)) => {
                    if let Some(token) = live.token().cloned() {
                        server.end(token, now).await?;
                    }
                }
                (Self::Client(client), Endable::Live(live)) => {
                    if let Credential::Sealed(id) = live.credential {
                        client.end(id, None, &live.record, now).await?;
                    }
                }
                #[cfg(feature = "python")]
                (Self::Shared(shared), Endable::Live(live)) => shared.end(&live, now).await?,
                // Only a store has former ids.
                (_, Endable::Former(_)) => {}
            }
        }
        Ok(())
    }
}

impl ServerSide {
    /// Ends the session and begins another, in one operation.
    pub(super) async fn begin_anew(
        &self,
        live: &mut Live,
        plan: &Plan,
    ) -> Result<Executed, SessionError> {
        let record = self.context.begin(plan)?;
        for conflicts in 0..MAX_ATTEMPTS {
            let Some((token, seen)) = live.reference() else {
                return Ok(Executed::gone());
            };
            let way = self.succeed(&token, WayKind::Anew, plan.now)?;
            let successor = &way.successor;
            let row = self.row(successor, &record)?;
            let rotated = if plan.changes.identify() {
                // A sign-in: the former id leads to the new one, as after any other sign-in.
                self.rotate_rows(&token, seen, &way, &row, plan.now).await?
            } else {
                let left = ended(seen, plan.now);
                let rotation = Rotation {
                    old: token.row_key(),
                    seen,
                    left: &left,
                    new: successor.row_key(),
                    row: &row,
                };
                self.vault.store.rotate(rotation, plan.now).await?
            };
            match rotated {
                Rotated::Rotated => {
                    self.watchers.changed(token.row_key());
                    let observer = &self.context.observer;
                    let (old, new) = (Name::Token(&token), Name::Token(successor));
                    observer.ended(old, EndCause::Logout, || Known::of(&live.record));
                    observer.created(new, &record, plan.signs_in(None));
                    *live = Live::issued(way.successor, record, row);
                    return Ok(self.announce(live, plan.now));
                }
                Rotated::Exists => {}
                Rotated::Stale(row) => match self.meet(&token, row, plan.now).await? {
                    Met::Session(next) | Met::Beyond(next) => *live = next,
                    Met::Closed | Met::Ended => return self.create_instead(live, plan).await,
                },
                // The old session has ended already; the new one begins in any case.
                Rotated::Gone => return self.create_instead(live, plan).await,
                Rotated::Unsupported => {
                    self.end(token, plan.now).await?;
                    return self.create_instead(live, plan).await;
                }
            }
            back_off(conflicts).await;
        }
        Err(SessionError::contention())
    }

    async fn create_instead(&self, live: &mut Live, plan: &Plan) -> Result<Executed, SessionError> {
        *live = self.create(plan).await?;
        Ok(self.announce(live, plan.now))
    }

    /// Ends a session under the id that it has by now: a logout that has begun ends the session, even if a sign-in has
    /// just given it a new id.
    pub(super) async fn end(
        &self,
        mut token: Arc<ReferenceToken>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut moving, mut ways) = (None, Vec::new());
        loop {
            let removed = self.vault.store.remove(token.row_key(), now).await;
            if removed.is_err() {
                self.put_back(&ways, now).await;
            }
            let row = removed?;
            self.watchers.changed(token.row_key());
            // Another request has ended the session and removed the row.
            let Some(row) = row else { return Ok(()) };
            if let Some((way, carried)) = self.way(&token, &row, now) {
                ways.push((*token.row_key(), row));
                let former = std::mem::replace(&mut token, way.successor);
                moving = carried.map(|row| (former, row));
                continue;
            }
            match moving {
                // The move to the new id was not complete, so no browser has that id: the event names the former one.
                Some((former, row)) => self.note_ended(&former, &token, row),
                None => self.note_ended(&token, &token, row),
            }
            return Ok(());
        }
    }

    /// Puts back the ways to a session that could not be ended, so that another request can end it.
    pub(super) async fn put_back(&self, ways: &[(RowKey, Row)], now: Timestamp) {
        for (former, way) in ways.iter().rev() {
            // If this fails as well, the former id leads nowhere.
            let _ = self.vault.store.insert(former, way, now).await;
        }
    }

    fn note_ended(&self, name: &ReferenceToken, token: &ReferenceToken, row: Row) {
        let observer = &self.context.observer;
        let (name, cause) = (Name::Token(name), EndCause::Logout);
        if !observer.listens() {
            return observer.ended(name, cause, Known::default);
        }
        match self.vault.open(&self.context, token, row) {
            Opened::Record(record, _) => observer.ended(name, cause, || Known::of(&record)),
            Opened::Foreign => observer.ended(name, cause, Known::default),
            Opened::Way(_) | Opened::Ended => {}
        }
    }
}
