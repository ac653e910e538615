//! Why a layer is not built.

use crate::bearer::TransportConfigError;
use crate::cookie::CookieConfigError;
#[cfg(feature = "dbsc")]
use crate::device::DeviceBindingError;
use crate::sentence::{debug_as_sentence, sentences};

/// Settings that cannot work together.
#[non_exhaustive]
pub enum ConfigError {
    /// The cookie's attributes.
    Cookie(CookieConfigError),
    /// A duration that is not a whole, positive number of seconds.
    Duration(&'static str),
    /// An idle timeout that is longer than its absolute one.
    IdleOverAbsolute,
    /// An absolute timeout of more than 400 days.
    AbsoluteTooLong,
    /// A renewal age that does not lie between a minute and the absolute timeout.
    Renewal,
    /// A renewal grace of more than 30 seconds.
    RenewalGrace,
    /// Renewal of ids in a `CookieStore`, which has none, or in sessions shared with Python, which would not follow it.
    RenewalOfCookies,
    /// A remembered lifetime that is shorter than the ordinary one.
    RememberedTooShort,
    /// A field limit of zero, over the record limit, or over what the codec takes.
    FieldLimit,
    /// A record limit of more than a megabyte.
    RecordLimit,
    /// A store time-out of zero.
    StoreTimeout,
    /// A watch interval of zero.
    WatchInterval,
    /// A limit of sessions of zero.
    SessionLimit,
    /// A limit of sessions without a server-side store of this library: only that can count a user's sessions.
    SessionLimitOfCookies,
    /// Another library's sessions without a server-side store of this library: only that can tell that a session was
    /// taken over already.
    #[cfg(feature = "takeover")]
    TakeOverOfCookies,
    /// A realm name that no struct could have.
    Realm,
    /// The transport of sessions.
    Transport(TransportConfigError),
    /// The binding to devices.
    #[cfg(feature = "dbsc")]
    DeviceBinding(DeviceBindingError),
}

debug_as_sentence!(ConfigError);

sentences! { ConfigError:
    Self::Cookie(error) => "{error}", from error.source()?;
    Self::Transport(error) => "{error}";
    #[cfg(feature = "dbsc")]
    Self::DeviceBinding(error) => "{error}", from error.source()?;
    Self::Duration(what) => "the {what} must be a whole number of seconds, at least one";
    Self::IdleOverAbsolute => "the idle timeout is longer than the absolute one and would never matter; shorten it, or \
        lengthen the absolute timeout";
    Self::AbsoluteTooLong => "browsers keep no cookie for more than 400 days; shorten the absolute timeout";
    Self::Renewal => "the renewal age must be at least a minute and less than the absolute timeout; change it, or \
        leave renewal off";
    Self::RenewalGrace => "a renewed id may lead to its successor for at most 30 seconds; shorten the grace";
    Self::RenewalOfCookies => "a `CookieStore` has no ids to renew, and Python would not follow them; leave renewal \
        off, or use a server-side store";
    Self::RememberedTooShort => "the remembered lifetime is shorter than the ordinary one; swap them, or lengthen it";
    Self::FieldLimit => "the field limit must be at least 1, at most 64 KiB, and at most the record limit";
    Self::RecordLimit => "the record limit must be at most 1 MiB";
    Self::StoreTimeout => "with a store time-out of zero every request fails; lengthen it";
    Self::WatchInterval => "with a watch interval of zero the store is asked without end; lengthen it";
    Self::SessionLimit => "with a limit of zero sessions no user signs in; allow at least one";
    Self::SessionLimitOfCookies => "a `CookieStore` does not know how many sessions a user has, and Python signs in without \
        asking; leave the limit off, or use a server-side store";
    #[cfg(feature = "takeover")]
    Self::TakeOverOfCookies => "sessions in cookies, or shared with Python, do not remember which sessions of another library \
        were taken over; keep the sessions in a server-side store";
    Self::Realm => "a realm's name has up to 64 letters, digits, `_` and `-`";
}
