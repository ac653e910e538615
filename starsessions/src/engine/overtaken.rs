//! How a writer goes on after another request has overtaken it.
//!
//! Every answer that says "done" must fit one order of the requests. A request that had loaded the session before it
//! got a new id may count as the earlier one: its writes are merged into the session under its new id, if they would
//! have survived the change of the id. The request itself stays under the former id: it reads nothing of the later
//! state, and its browser gets no new id.

use std::pin::Pin;
use std::sync::Arc;

use super::server_side::{ServerSide, back_off};
use super::vault::Opened;
use super::{Credential, Executed, Live};
use crate::clock::Timestamp;
use crate::crypto::ReferenceToken;
use crate::error::SessionError;
use crate::lifecycle::plan::Plan;
use crate::observe::Name;
use crate::store::{Row, StoreError};

/// The state that a writer finds in the place of the row that it has read.
pub(super) enum Met {
    /// The session, as another request has left it, perhaps under a renewed id.
    Session(Live),
    /// The session after a change of privileges.
    Beyond(Live),
    /// A way that this request cannot follow; the session may live on.
    Closed,
    Ended,
}

impl ServerSide {
    /// Finds the session whose row has changed since it was read.
    pub(super) async fn meet(
        &self,
        token: &Arc<ReferenceToken>,
        mut row: Row,
        now: Timestamp,
    ) -> Result<Met, StoreError> {
        let mut token = Arc::clone(token);
        let (mut is_unannounced, mut is_beyond) = (false, false);
        // The loop ends, because each way leads to a younger id.
        loop {
            let left = match self.vault.open(&self.context, &token, row) {
                Opened::Record(record, _) if !self.context.policy.is_live(&record, now) => {
                    return Ok(Met::Ended);
                }
                Opened::Record(record, row) => {
                    let live = Live {
                        credential: Credential::Reference(token, row),
                        record,
                        is_outdated: false,
                        is_unannounced,
                    };
                    return Ok(if is_beyond {
                        Met::Beyond(live)
                    } else {
                        Met::Session(live)
                    });
                }
                Opened::Way(left) => left,
                Opened::Ended | Opened::Foreign => return Ok(Met::Ended),
            };
            let Some((way, carried)) = self.way(&token, &left, now) else {
                return Ok(Met::Closed);
            };
            // A sign-in that has stopped half-way stays as it is: no browser has its id.
            if !way.kind.carries() {
                return Ok(Met::Closed);
            }
            let is_there = match carried {
                Some(row) => self.finish(&token, &left, &way, &row, now).await?,
                None => true,
            };
            if !is_there {
                return Ok(Met::Ended);
            }
            is_unannounced = true;
            is_beyond |= !way.kind.is_forward();
            let Some(next) = self.vault.store.load(way.successor.row_key(), now).await? else {
                return Ok(Met::Ended);
            };
            (token, row) = (way.successor, next);
        }
    }

    /// Puts the session into `live` as another request has stored it; `None` if the plan is to be carried out on that.
    pub(super) async fn go_on(
        &self,
        live: &mut Live,
        stored: Row,
        conflicts: u32,
        plan: &Plan,
    ) -> Result<Option<Executed>, SessionError> {
        let Some(token) = live.token() else {
            return Ok(Some(Executed::gone()));
        };
        self.context.observer.retried(Name::Token(token));
        match self.meet(token, stored, plan.now).await? {
            Met::Session(fresh) => {
                *live = Live {
                    is_unannounced: live.is_unannounced || fresh.is_unannounced,
                    ..fresh
                };
            }
            Met::Beyond(beyond) => return self.carry(live, beyond, plan).await.map(Some),
            Met::Closed => return self.context.lost(Name::Token(token), plan).map(Some),
            Met::Ended => return Ok(Some(self.context.gone(Name::Token(token)))),
        }
        back_off(conflicts).await;
        Ok(None)
    }

    /// Writes the changes of a request that still holds `before` into `beyond`. Boxed, because another request can
    /// overtake this write as well, which makes the future recursive.
    pub(super) fn carry<'a>(
        &'a self,
        before: &'a mut Live,
        mut beyond: Live,
        plan: &'a Plan,
    ) -> Pin<Box<dyn Future<Output = Result<Executed, SessionError>> + Send + 'a>> {
        Box::pin(async move {
            let carried = plan.carried().filter(|_| plan.writes());
            let Some(carried) = carried else {
                return self.context.lost(before.name(&self.context.keys), plan);
            };
            let done = self.commit(&mut beyond, &carried).await?;
            if done.is_gone {
                return Ok(done);
            }
            before.record = carried.next(&self.context.policy, &before.record)?.record;
            before.is_unannounced = false;
            Ok(Executed::kept())
        })
    }
}
