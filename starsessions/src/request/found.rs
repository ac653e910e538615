//! The result of a request's search for its session.

use std::sync::Arc;

use crate::engine::Live;
use crate::error::{SessionError, TransportError};
use crate::store::StoreError;

/// The session of a request, as far as it is known.
#[derive(Debug, Default)]
pub(super) enum Found {
    /// The request has not asked yet.
    #[default]
    Unread,
    /// There is none.
    Nobody,
    Live(Live),
    /// A sign-in has just ended the id that the request came with. A session that this request begins would replace
    /// that sign-in in the browser, so only another sign-in may begin one.
    Behind,
    /// The session is bound to a device, and the request has no proof of it.
    #[cfg(feature = "dbsc")]
    Unproven,
    /// Two of the cookies led to two different sessions.
    Ambiguous,
    /// The request shows more than one credential, and is refused.
    Twofold,
    /// The session was live when the request came, and has ended since, not by this request.
    Ended,
    /// The store has failed; the request knows nothing, and writes nothing.
    Failed(Arc<StoreError>),
}

impl Found {
    /// The result of the load, once there is one.
    pub(super) fn known(&self) -> Option<Result<(), SessionError>> {
        match self {
            Self::Unread => None,
            Self::Failed(error) => Some(Err(SessionError::Unavailable(Arc::clone(error)))),
            Self::Twofold => Some(Err(TransportError::Twofold.into())),
            _ => Some(Ok(())),
        }
    }

    #[inline]
    pub(super) fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Whether the session that the request came with has ended, and not by this request.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, Self::Behind | Self::Ended)
    }

    /// Whether the session is not known, so that the request can decide nothing yet.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Unread | Self::Failed(_) | Self::Twofold)
    }
}
