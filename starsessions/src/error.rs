//! The errors of a session, as an application sees them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub use crate::bearer::TransportError;
use crate::crypto::{RandomError, SealError};
pub use crate::local_path::InvalidLocalPath;
use crate::record::Record;
use crate::sentence::sentences;
use crate::store::StoreError;
use crate::value::ValueError;

/// Why a session could not be read or written.
///
/// As an axum response it is 503 for a store that failed, 409 for a conflict, a session that has ended or one that is
/// too many, 401 for a guest's session that cannot be detached or handed out, 400 for an unknown flow, a request with
/// two credentials or a logout with too many cookies, and 500 for a value that cannot be stored, a list that cannot be
/// had, or a struct of another realm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The changes of this request cannot be merged with those that another request or view has made meanwhile: the
    /// field is `exclusive`, a `validate` refuses the result, or the result is too large. Or other requests changed the
    /// session again and again. Nothing was written.
    Conflict {
        /// The stored name of the field; empty when the whole record was contended.
        field: &'static str,
    },
    /// The session has ended since it was loaded: it was destroyed, it expired or it was rotated. Nothing was written.
    /// After the handler, this error replaces a success or a redirect; the handler's own 4xx or 5xx stays, because it
    /// does not say that anything was done.
    Gone,
    /// The store could not be asked, or did not answer. The changes may or may not have been written.
    Unavailable(Arc<StoreError>),
    /// The operating system gave no randomness, so no id could be made.
    NoRandomness(Arc<RandomError>),
    /// A limit would be exceeded. Nothing was written.
    TooLarge(TooLarge),
    /// A value was refused by its `validate` function. Nothing was written.
    Invalid {
        /// The stored name of the field, or the name of the struct.
        name: &'static str,
        /// The message of the function.
        reason: String,
    },
    /// A value could not be encoded. Nothing was written.
    Value {
        /// The stored name of the field.
        field: &'static str,
        /// Why not.
        error: Arc<ValueError>,
    },
    /// The response has been sent, so nothing can be written any more, and no session can be loaded that was not loaded
    /// before.
    Closed,
    /// The user has as many sessions as the layer allows, including those that are beginning at this moment. Nothing
    /// was written.
    TooManySessions {
        /// How many the layer allows.
        limit: usize,
    },
    /// The layer keeps its sessions in cookies, so there is no list of them.
    Unlisted,
    /// The struct is of another realm than the session or the layer. Nothing was read or written.
    OtherRealm {
        /// The name of the struct.
        view: &'static str,
        /// Its realm; empty for the main one.
        realm: &'static str,
    },
    /// The browser has not begun the flow that an answer belongs to, or not lately, or has finished it.
    UnknownFlow,
    /// The store is shared with another library, whose format cannot hold the session. Nothing was written.
    Unshareable(Arc<dyn Error + Send + Sync>),
    /// The layer keeps its sessions in cookies and has no list of the ended ones, so copies of this one would still
    /// work. Nothing was changed.
    NotRevocable,
    /// The operation cannot be done without a request at hand. Nothing was written.
    Detach(DetachError),
    /// The request, or its handler, does not go with the layer's transport. Nothing was written, but a logout has taken
    /// place.
    Transport(TransportError),
    /// The session is bound to a device, and the request has no proof of that device. Nothing was written.
    #[cfg(feature = "dbsc")]
    Unproven(Unproven),
}

/// Why a request cannot use a session, or a view of it, that belongs to a device.
#[cfg(feature = "dbsc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproven {
    /// The browser may have the key, and has not refreshed its proof before this request. A page is loaded again.
    Pending,
    /// The browser could have refreshed its proof, and did not: it has lost the key, or the session's cookie is a copy.
    /// The response makes it forget the cookie; the user can sign in anew.
    Lost,
    /// The session has no device, and the view is for those that have one.
    Unbound,
}

/// Why a session cannot be [detached](crate::Session::detach), or a detached one not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetachError {
    /// A guest's session begins with its first commit.
    NothingStored,
    /// The request is about to end the session's current id.
    IdPending,
    /// The session is in its cookie, which only a response can change; or it is shared with another library.
    InCookie,
    /// The change would give the session a new id, which only a response can tell to the browser.
    NewId,
}

/// A value, a record or a cookie that is larger than it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLarge {
    /// The thing that is too large.
    pub what: LimitKind,
    /// Its size in bytes.
    pub size: usize,
    /// The limit in bytes.
    pub limit: usize,
    /// Every field with the size of its value, the largest first.
    pub fields: Vec<(String, usize)>,
}

/// The subject of a size limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// One field's value.
    Field,
    /// All fields of a session together.
    Record,
    /// The name that a user sees for a session.
    Label,
    /// A cookie's name and value; browsers ignore a larger cookie.
    Cookie,
    /// The cookie of a [flow](crate::Flows), with its name.
    Flow,
}

impl SessionError {
    pub(crate) fn contention() -> Self {
        Self::Conflict { field: "" }
    }

    pub(crate) fn invalid(name: &'static str, reason: &impl fmt::Display) -> Self {
        let reason = reason.to_string();
        Self::Invalid { name, reason }
    }

    pub(crate) fn value(field: &'static str, error: ValueError) -> Self {
        match error {
            // `validate` has refused the result of a merge.
            ValueError::Invalid(invalid) => Self::invalid(field, &invalid),
            error => Self::Value {
                field,
                error: Arc::new(error),
            },
        }
    }

    pub(crate) fn too_large(what: LimitKind, size: usize, limit: usize) -> Self {
        Self::too_large_by(what, size, limit, Vec::new())
    }

    pub(crate) fn too_large_field(field: &'static str, size: usize, limit: usize) -> Self {
        let fields = vec![(field.to_owned(), size)];
        Self::too_large_by(LimitKind::Field, size, limit, fields)
    }

    pub(crate) fn too_large_record(record: &Record, size: usize, limit: usize) -> Self {
        Self::too_large_by(LimitKind::Record, size, limit, sizes(record))
    }

    pub(crate) fn too_large_cookie(record: &Record, size: usize, limit: usize) -> Self {
        Self::too_large_by(LimitKind::Cookie, size, limit, sizes(record))
    }

    fn too_large_by(
        what: LimitKind,
        size: usize,
        limit: usize,
        fields: Vec<(String, usize)>,
    ) -> Self {
        Self::TooLarge(TooLarge {
            what,
            size,
            limit,
            fields,
        })
    }
}

/// The fields with the sizes of their values, the largest first.
fn sizes(record: &Record) -> Vec<(String, usize)> {
    let sizes = record
        .fields()
        .map(|(name, field)| (name.to_owned(), field.value.len()));
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_by(|(_, a), (_, b)| b.cmp(a));
    sizes
}

#[cfg(feature = "dbsc")]
impl Unproven {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Pending => {
                "the session belongs to one device, which has yet to prove itself; load the page again"
            }
            Self::Lost => "the session belongs to another device; sign in again",
            Self::Unbound => {
                "this is for sessions that belong to one device, and this one does not; \
                 sign in with a browser that binds sessions"
            }
        }
    }
}

#[cfg(feature = "dbsc")]
impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

sentences! { SessionError:
    Self::Conflict { field: "" } => "the session is being changed by too many requests at once; try again";
    Self::Conflict { field } => "the change of `{field}` cannot be merged with that of another request or view: it is \
        `exclusive`, or what comes of both is refused by `validate` or too large; load the session again and decide anew";
    Self::Gone => "the session has ended since it was loaded; start a new one";
    Self::Unavailable(source) => "the session store could not be asked; try again later", from &**source;
    Self::NoRandomness(error) => "{error}", from &**error;
    Self::TooLarge(error) => "{error}";
    #[cfg(feature = "dbsc")]
    Self::Unproven(unproven) => "{unproven}";
    Self::Invalid { name, reason } => "`{name}` was refused by its `validate` function: {reason}";
    Self::Value { field, error } => "`{field}` cannot be stored: {error}", from &**error;
    Self::Closed => "the response has left, so its session can no longer be loaded or written; do both before answering, or \
        give a task that outlives the request the handle of `detach`";
    Self::Unshareable(error) => "{error}";
    Self::OtherRealm { view, realm: "" } => "`{view}` is of the main realm, and this session or layer is not; take the argument \
        `CurrentSession` or that realm's layer, or mark the struct with its `realm`";
    Self::OtherRealm { view, realm } => "`{view}` is of the realm `{realm}`, and this session or layer is not; take the session from \
        `CurrentSession::from_parts_in(&parts, {realm:?})`, or that realm's layer";
    Self::Detach(error) => "{error}";
    Self::Transport(error) => "{error}";
    Self::TooManySessions { limit } => "this user has {limit} sessions, as many as there may be; end one of them and sign in again";
    Self::UnknownFlow => "this browser has not begun what the answer belongs to, or it was finished or has taken too long; begin again";
    Self::NotRevocable => "this layer's `CookieStore` cannot end a session for good; give it a revocation list with `.revoked_in(..)`, \
        or call `forget`, which only removes the browser's cookie";
    Self::Unlisted => "sessions that are cookies, or shared with another library, cannot be listed or ended by others; keep them in \
        a store of their own";
}

sentences! { DetachError:
    Self::NothingStored => "nothing is stored of this session yet; commit a change of it before you detach it";
    Self::IdPending => "this request ends the session's id, by a sign-in, a logout or `rotate`; commit that before you detach the \
        session";
    Self::InCookie => "a session that is its cookie, or shared with another library, cannot be used without a request; keep it in a \
        store of its own";
    Self::NewId => "the change gives the session a new id, and only a response can tell the browser; make it in a request";
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, limit, .. } = self;
        let (what, cure) = match self.what {
            LimitKind::Field => ("a field", "store less, or raise `field_limit`"),
            LimitKind::Record => ("a session", "store less, or raise `record_limit`"),
            LimitKind::Label => ("a session's label", "shorten it"),
            LimitKind::Cookie => (
                "a cookie",
                "browsers keep no larger one: store less, or use a server-side store",
            ),
            LimitKind::Flow => ("a flow's cookie", "keep less data in it"),
        };
        write!(
            f,
            "{what} of {size} bytes is over the limit of {limit}; {cure}"
        )?;
        for (name, size) in self.fields.iter().take(SHOWN) {
            write!(f, "; `{name}` has {size}")?;
        }
        Ok(())
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident;)*) => {$(
        impl From<$error> for SessionError {
            fn from(error: $error) -> Self {
                Self::$variant(error.into())
            }
        }
    )*};
}

from! {
    DetachError => Detach;
    RandomError => NoRandomness;
    StoreError => Unavailable;
    TransportError => Transport;
}

impl From<SealError> for SessionError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Random(error) => error.into(),
            SealError::TooLarge => Self::too_large(LimitKind::Cookie, usize::MAX, 0),
        }
    }
}

/// How many fields a message about sizes names.
const SHOWN: usize = 8;
