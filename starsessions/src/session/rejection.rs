//! Why a handler did not get its session argument.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::error::{DetachError, SessionError};
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
    pub(crate) type_name: &'static str,
    pub(crate) realm: &'static str,
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
            "`{}` was asked for where no `SessionLayer`",
            self.type_name
        )?;
        if !self.realm.is_empty() {
            write!(f, " of the realm `{}`", self.realm)?;
        }
        f.write_str(
            " serves the route; add `.layer(SessionLayer::new(..))` after (outside of) the route, \
             and make sure that only one version of starsessions is in use",
        )
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

impl From<SessionError> for SessionRejection {
    fn from(error: SessionError) -> Self {
        Self::Failed(error)
    }
}
