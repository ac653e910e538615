//! What the protection of forms asks of a session.

use std::sync::Arc;

use super::Slot;
use super::task::to_its_end;
use crate::crypto::RowKey;
use crate::engine::Live;
use crate::error::SessionError;

impl Slot {
    /// Where the request's session lies, if it has one that goes on.
    pub(crate) fn current_row(&self) -> Option<RowKey> {
        let state = self.state();
        let live = state.live.as_ref().filter(|_| !state.ends());
        live.map(Live::forgery_row)
    }

    /// Gives a session whose id is old its new one now, in the place of the end of the request.
    pub(crate) async fn renew(self: &Arc<Self>) -> Result<(), SessionError> {
        // Whose head has left can tell no browser of it.
        if self.is_passive() || self.is_over() {
            return Ok(());
        }
        let now = self.now();
        if self.state().renewal(&self.realm().engine, now).is_none() {
            return Ok(());
        }
        let slot = Arc::clone(self);
        to_its_end(Box::pin(async move {
            let _gate = slot.gate.lock().await;
            let work = slot.state().renewal(&slot.realm().engine, now);
            match work {
                Some(work) if !slot.is_over() => slot.carry_out(Box::new(work)).await,
                _ => Ok(()),
            }
        }))
        .await
    }
}
