//! The parts of a session that outlive its request: the token of a detached handle, or of the session that a revocation
//! of others spares, and the row that CSRF tokens are bound to.

use std::sync::Arc;

use super::slot::Slot;
use crate::crypto::{ReferenceToken, RowKey};
use crate::engine::Live;
use crate::error::{DetachError, SessionError};

impl Slot {
    /// The row that CSRF tokens are made from, if the request has a session that goes on.
    pub(crate) fn csrf_row(&self) -> Option<RowKey> {
        let state = self.state();
        let live = state.found.live().filter(|_| !state.pending.destroy);
        live.map(Live::key)
    }

    /// The token of the request's session, if it is in a store and known.
    pub(crate) fn token(&self) -> Option<Arc<ReferenceToken>> {
        self.state().found.live()?.token().cloned()
    }

    /// The token of a session that can be held beyond the request.
    pub(crate) fn lasting_token(&self) -> Result<Arc<ReferenceToken>, SessionError> {
        let state = self.open_state()?;
        if let Some(known) = state.found.known() {
            known?;
        }
        if state.found.has_ended() {
            return Err(SessionError::Gone);
        }
        #[cfg(feature = "dbsc")]
        state.arrival.check(&state.found)?;
        let Some(live) = state.found.live() else {
            return Err(DetachError::NothingStored.into());
        };
        if state.pending.is_to_move(&live.record) {
            return Err(DetachError::IdPending.into());
        }
        let token = live.token().cloned();
        token.ok_or_else(|| DetachError::InCookie.into())
    }
}
