//! What a handler holds: `Session<T>`, a typed view, and `CurrentSession`, the whole session.

mod bearer;
mod current;
mod detached;
mod event;
mod inspect;
mod listing;
mod merging;
mod original;
mod rejection;
mod stream;
mod user;
mod view;
mod watch;

pub use self::bearer::BearerToken;
pub(crate) use self::current::find_slot;
pub use self::current::{CurrentSession, SessionInfo};
pub use self::detached::Detached;
pub use self::inspect::{InspectedCookie, InspectedField, InspectedSession};
pub use self::listing::ListedSession;
pub(crate) use self::listing::lookup_named;
#[cfg(feature = "dbsc")]
pub use self::rejection::DeviceDemand;
pub(crate) use self::rejection::SIGN_IN;
pub use self::rejection::{Absence, MissingLayer, SessionRejection};
pub use self::stream::WatchStream;
pub use self::user::{CurrentUser, Permission, User};
pub use self::view::Session;
#[cfg(feature = "axum")]
pub(crate) use self::view::ready;
pub use self::watch::Watch;
pub use crate::crypto::PublicSessionId;
pub use crate::schema::Indexed;
