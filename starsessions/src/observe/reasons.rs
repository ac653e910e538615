//! Why things go as they go, with the words of the log and the metrics.

/// Why a cookie leads to no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Its value is not one that this library makes.
    Malformed,
    /// It stands under a key that this layer does not have, or it was made for another cookie.
    Key,
    /// Nothing is stored under its id: the session was ended, has expired and was swept, or never was.
    Unknown,
    /// The idle timeout has ended its session.
    Idle,
    /// The absolute timeout has ended its session.
    Absolute,
    /// Its session is past the deadline that was written when it was used last.
    Expired,
    /// Its session was ended before the cookie was.
    Revoked,
    /// It says that it was made in the future.
    Future,
    /// Its session is bound to a device, and the request has not shown that it comes from there.
    Unproven,
}

impl Refusal {
    /// In one word, as in the log and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Key => "key",
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Absolute => "absolute",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Future => "future",
            Self::Unproven => "unproven",
        }
    }
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndCause {
    /// Its own request has ended it: a logout.
    Logout,
    /// Another session of its user has, or the application.
    Revoked,
    /// Its user has begun more sessions than the layer allows.
    Limit,
}

impl EndCause {
    /// In one word, as in the log and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Limit => "limit",
        }
    }
}

/// Why a session has a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenewalReason {
    /// A `rotate` field has changed, as in a sign-in, or the application has asked for it.
    Privilege,
    /// The old id was due for renewal, or stood under a key that is on its way out.
    Age,
}

impl RenewalReason {
    /// In one word, as in the log and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Privilege => "privilege",
            Self::Age => "renewal",
        }
    }
}

/// Why a flow is not finished, or not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowRefusal {
    /// The browser has sent no cookie of it.
    Unknown,
    /// Its cookie is not one of this layer, or of another version of the application.
    Unreadable,
    /// It has taken too long.
    Expired,
    /// Another site wants to begin it unseen.
    Embedded,
}

impl FlowRefusal {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
            Self::Embedded => "embedded",
        }
    }
}

/// Why a browser's errand for its device is refused.
#[cfg(feature = "dbsc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceRefusal {
    /// No header, or one that is not of this protocol.
    Malformed,
    /// A signature that the key has not made, or a challenge that was not given to it.
    Forged,
    /// The challenge is old, or was answered before: another one is sent.
    Challenged,
    /// The session has ended, or has another device.
    Ended,
    /// The store has failed.
    Failed,
}

#[cfg(feature = "dbsc")]
impl DeviceRefusal {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Challenged => "challenged",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// What carries a session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Cookie,
    Header,
}

impl By {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Header => "header",
        }
    }
}
