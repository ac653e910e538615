//! Sessions that a device asks for by its identifier, without a cookie.

use std::sync::Arc;

use super::{Engine, Live, Work};
use crate::clock::Timestamp;
use crate::crypto::ReferenceToken;
use crate::error::SessionError;
use crate::lifecycle::bind_device::bind;
use crate::record::Device;
use crate::store::StoreError;

impl Engine {
    /// The live session that an id leads to, in one load.
    pub(crate) async fn session_of(
        &self,
        token: &ReferenceToken,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        match self.server() {
            Some(server) => server.look(token, now).await,
            None => Ok(None),
        }
    }

    /// Writes the device into the session.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if the session has ended or got a new id since it was read, and
    /// [`SessionError::Conflict`] if it was bound, or its device has proved itself, since then.
    pub(crate) async fn bind(
        &self,
        live: Live,
        device: &Device,
        now: Timestamp,
    ) -> Result<Arc<ReferenceToken>, SessionError> {
        let plan = bind(&live.record, device, now);
        let live = Some(live);
        let mut work = Work { live, plan };
        let done = self.execute(&mut work).await?;
        let live = work.live.filter(|_| !done.is_gone);
        let token = live.as_ref().and_then(Live::token).cloned();
        token.ok_or(SessionError::Gone)
    }
}
