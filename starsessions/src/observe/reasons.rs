//! The reasons of events, with their words in the log and the metrics.

/// An enum with a word for each variant.
macro_rules! words {
    ($(#[$about:meta])* $vis:vis enum $name:ident {
        $($(#[$why:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$why])* $variant,)*
        }

        impl $name {
            /// In one word, as in the log and the metrics.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// Why a cookie leads to no session.
    #[non_exhaustive]
    pub enum Refusal {
        /// Its value is not one that this library makes.
        Malformed = "malformed",
        /// It was made with a key that this layer does not have, or for another cookie.
        Key = "key",
        /// Nothing is stored under its id: the session was ended, has expired and was swept, or never was.
        Unknown = "unknown",
        /// The idle timeout has ended its session.
        Idle = "idle",
        /// The absolute timeout has ended its session.
        Absolute = "absolute",
        /// Its session is past the deadline that was written when it was used last.
        Expired = "expired",
        /// Its session was ended before the cookie was.
        Revoked = "revoked",
        /// It is dated in the future.
        Future = "future",
        /// Its session is bound to a device, and the request has no proof of that device.
        Unproven = "unproven",
    }
}

words! {
    /// Why a session has ended.
    #[non_exhaustive]
    pub enum EndCause {
        /// Its own request has ended it: a logout.
        Logout = "logout",
        /// Another session of its user has ended it, or the application.
        Revoked = "revoked",
        /// Its user has begun more sessions than the layer allows.
        Limit = "limit",
    }
}

words! {
    /// Why a session has a new id.
    #[non_exhaustive]
    pub enum RenewalReason {
        /// A `rotate` field has changed, as in a sign-in, or the application has asked for it.
        Privilege = "privilege",
        /// The old id was due for renewal, or was made with a key that is being replaced.
        Age = "renewal",
    }
}

words! {
    /// Why a flow is not finished, or not begun.
    pub(crate) enum FlowRefusal {
        /// The browser has sent no cookie of the flow.
        Unknown = "unknown",
        /// The flow's cookie is from another layer, or from another version of the application.
        Unreadable = "unreadable",
        /// The flow has taken too long.
        Expired = "expired",
        /// Another site has caused the request, for a frame or a part of its page.
        Embedded = "embedded",
    }
}

#[cfg(feature = "dbsc")]
words! {
    /// Why a registration or a refresh of a device is refused.
    pub(crate) enum DeviceRefusal {
        /// A header is missing or malformed.
        Malformed = "malformed",
        /// The signature is not the key's, or the challenge was not made for the key.
        Forged = "forged",
        /// The challenge is old, or was answered before: another one is sent.
        Challenged = "challenged",
        /// The session has ended, or has another device.
        Ended = "ended",
        /// The store has failed.
        Failed = "failed",
    }
}

words! {
    /// The carrier of a session's token.
    pub(crate) enum By {
        Cookie = "cookie",
        Header = "header",
    }
}

impl By {
    /// The name of the credential that it carries.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Header => "token",
        }
    }
}
