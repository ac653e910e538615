//! The result of a request's look for its session.

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
    /// A sign-in had just ended the id that the request came with. What the request begins would take
    /// the place of that sign-in in the browser, so it may begin nothing less than another.
    Behind,
    /// It is bound to a device, and the request has not shown that it comes from there.
    #[cfg(feature = "dbsc")]
    Unproven,
    /// Two of the cookies led to two different sessions.
    Ambiguous,
    /// The request shows more than one credential, and is refused.
    Twofold,
    /// It was there when the request came, and has ended since, not by this request.
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

    pub(super) fn into_live(self) -> Option<Live> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Whether the session that the request came with has ended, and not by this request.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, Self::Behind | Self::Ended)
    }

    /// Whether nothing can be decided before the store was asked.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Unread | Self::Failed(_) | Self::Twofold)
    }
}

/// A session that may have ended in the meantime.
impl From<Option<Live>> for Found {
    fn from(live: Option<Live>) -> Self {
        live.map_or(Self::Nobody, Self::Live)
    }
}
