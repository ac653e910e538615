//! Why a handler did not get its session argument.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::{Extensions, StatusCode};

use crate::error::{DetachError, SessionError};
use crate::request::Slot;
use crate::schema::Schema;

/// Why a handler did not get its session argument.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionRejection {
    /// A `required` field is missing: a guest where a user is expected.
    Absent(Absence),
    /// The store failed, so that it is not known who this is.
    Failed(SessionError),
    /// No `SessionLayer` serves this route.
    MissingLayer(MissingLayer),
    /// The layer cannot end a session for good, and the argument can ask for that.
    NotRevocable,
}

/// A `required` field that is missing.
#[derive(Debug)]
pub struct Absence {
    schema: &'static Schema,
    field: &'static str,
}

/// A route without a layer for the sessions that it takes.
#[derive(Debug)]
pub struct MissingLayer {
    wanted: String,
    realm: &'static str,
    has_another: bool,
}

impl MissingLayer {
    /// Of what a handler or a layer has asked the request for.
    pub(crate) fn new(extensions: &Extensions, wanted: String, realm: &'static str) -> Self {
        Self {
            wanted,
            realm,
            has_another: extensions.get::<Arc<Slot>>().is_some(),
        }
    }
}

impl SessionRejection {
    pub(crate) fn absent(schema: &'static Schema, field: &'static str) -> Self {
        Self::Absent(Absence { schema, field })
    }

    /// The status that answers it: 303 or 401 for a guest, 503 for a store that failed, 500 for a
    /// mistake of the application.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Absent(absence) if absence.location().is_some() => StatusCode::SEE_OTHER,
            Self::Absent(_) => StatusCode::UNAUTHORIZED,
            Self::Failed(error) => error.status(),
            Self::MissingLayer(_) | Self::NotRevocable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl SessionError {
    /// The status that answers it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Conflict { .. } | Self::Gone | Self::TooManySessions { .. } => {
                StatusCode::CONFLICT
            }
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownFlow => StatusCode::BAD_REQUEST,
            // A guest, where a session is expected.
            Self::Detach(DetachError::NothingStored) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Absence {
    /// Where the struct's `reject` attribute sends such a request.
    #[must_use]
    pub fn location(&self) -> Option<&'static str> {
        self.schema.reject
    }

    /// The stored name of the missing field.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for SessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(absence) => write!(
                f,
                "the session has no `{}`, which `{}` requires",
                absence.field, absence.schema.type_name
            ),
            Self::Failed(error) => error.fmt(f),
            Self::MissingLayer(missing) => missing.fmt(f),
            Self::NotRevocable => f.write_str(
                "this layer's `CookieStore` cannot end a session for good, and `CurrentSession` has \
                 `destroy`; give the store a revocation list, or take `CurrentSession<BrowserOnly>`",
            ),
        }
    }
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is used on a route that no `SessionLayer` ",
            self.wanted
        )?;
        match self.realm {
            "" if !self.has_another => f.write_str("serves; add `.layer(SessionLayer::new(..))`"),
            "" => f.write_str("of the main realm serves; add `.layer(SessionLayer::new(..))`"),
            realm => write!(
                f,
                "of the realm `{realm}` serves; add \
                 `.layer(SessionLayer::builder(..).realm({realm:?}).build()?)`, with a cookie name of \
                 its own,"
            ),
        }?;
        f.write_str(" after (outside of) it")?;
        if self.has_another {
            return Ok(());
        }
        f.write_str(", and make sure that only one version of starsessions is in use")
    }
}

impl Error for SessionRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MissingLayer> for SessionRejection {
    fn from(missing: MissingLayer) -> Self {
        Self::MissingLayer(missing)
    }
}

impl From<SessionError> for SessionRejection {
    fn from(error: SessionError) -> Self {
        Self::Failed(error)
    }
}
