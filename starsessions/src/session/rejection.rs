//! Why a handler did not get its session argument.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

#[cfg(feature = "axum")]
use http::request::Parts;
use http::{Extensions, StatusCode};

#[cfg(feature = "axum")]
use super::find_slot;
#[cfg(feature = "dbsc")]
use crate::error::Unproven;
use crate::error::{DetachError, SessionError, TransportError};
use crate::request::Slot;
use crate::schema::Schema;
use crate::sentence::sentences;

/// Why a handler did not get its session argument.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionRejection {
    /// A `required` field is missing: a guest where a user is expected.
    Absent(Absence),
    /// The session is bound to a device, and the request has no proof of that device.
    #[cfg(feature = "dbsc")]
    Unproven(DeviceDemand),
    /// The user lacks the permission that [`User`](crate::user::User) requires, given as the name of its type.
    Forbidden(&'static str),
    /// The store failed, so that the user is unknown.
    Failed(SessionError),
    /// The application could not load its [`User`](crate::user::User).
    NoUser(Box<dyn Error + Send + Sync>),
    /// No `SessionLayer` serves this route.
    MissingLayer(MissingLayer),
}

/// A `required` field that is missing.
#[derive(Debug)]
pub struct Absence {
    schema: &'static Schema,
    field: &'static str,
    location: Option<Cow<'static, str>>,
}

/// A view of a session that is bound to a device, in a request without a proof of that device.
#[cfg(feature = "dbsc")]
#[derive(Debug)]
pub struct DeviceDemand {
    schema: &'static Schema,
    why: Unproven,
    location: Option<Cow<'static, str>>,
}

/// A route without a layer for the sessions that it takes.
#[derive(Debug)]
pub struct MissingLayer {
    wanted: String,
    realm: &'static str,
    has_another: bool,
}

impl MissingLayer {
    /// The error for a handler or a layer that wanted `wanted` of the request.
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
        Self::Absent(Absence {
            schema,
            field,
            location: None,
        })
    }

    /// Like [`answering`](Self::answering), for callers that have the request.
    #[cfg(feature = "axum")]
    pub(crate) fn leading_back(mut self, parts: &Parts) -> Self {
        let slot = self
            .place()
            .and_then(|(schema, _)| find_slot(parts, schema.realm));
        match slot {
            Some(slot) => {
                slot.note_manner(parts);
                self.answering(&slot)
            }
            None => self,
        }
    }

    /// Sets the location for a navigation, which can be redirected and come back, with the request's path in the place
    /// of `{path}`. Other requests, and clients with a token, get no location.
    pub(crate) fn answering(mut self, slot: &Slot) -> Self {
        if let Some((schema, location)) = self.place() {
            let reject = schema.reject.filter(|_| slot.may_lead());
            *location = reject.and_then(|reject| location_of(reject, slot));
        }
        self
    }

    fn place(&mut self) -> Option<(&'static Schema, &mut Option<Cow<'static, str>>)> {
        match self {
            Self::Absent(absence) => Some((absence.schema, &mut absence.location)),
            #[cfg(feature = "dbsc")]
            Self::Unproven(demand) => Some((demand.schema, &mut demand.location)),
            _ => None,
        }
    }

    /// The rejection of a view that cannot be loaded.
    #[cfg_attr(
        not(feature = "dbsc"),
        expect(unused_variables, reason = "for devices")
    )]
    pub(crate) fn failed(schema: &'static Schema, error: SessionError) -> Self {
        match error {
            #[cfg(feature = "dbsc")]
            SessionError::Unproven(why) => Self::Unproven(DeviceDemand {
                schema,
                why,
                location: None,
            }),
            error => Self::Failed(error),
        }
    }

    /// The status of the response: 303 or 401 for a guest, 403 for a missing proof of the device or a missing
    /// permission, 400 for two credentials, 503 for a store failure, 500 for a mistake of the application or a
    /// user who could not be loaded.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Absent(absence) if absence.location().is_some() => StatusCode::SEE_OTHER,
            Self::Absent(_) => StatusCode::UNAUTHORIZED,
            #[cfg(feature = "dbsc")]
            Self::Unproven(demand) if demand.location().is_some() => StatusCode::SEE_OTHER,
            #[cfg(feature = "dbsc")]
            Self::Unproven(_) => StatusCode::FORBIDDEN,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Failed(error) => error.status(),
            Self::NoUser(_) | Self::MissingLayer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A sentence for the user, where `Display` is for developers: the body of the response.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Absent(_) => SIGN_IN,
            #[cfg(feature = "dbsc")]
            Self::Unproven(demand) => demand.why.message(),
            Self::Failed(error) => error.message(),
            Self::Forbidden(_) => "You may not do this.",
            Self::NoUser(_) | Self::MissingLayer(_) => MISTAKE,
        }
    }
}

impl SessionError {
    /// A sentence for the user, where `Display` is for developers: the body of the response.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => {
                "Another request came first, and this change was not saved. Load the page again."
            }
            Self::Gone => {
                "Your session has ended meanwhile, and this change was not saved. Load the page again."
            }
            Self::TooManySessions { .. } => {
                "You are signed in as often as you may be. Sign out elsewhere, and try again."
            }
            Self::Unavailable(_) => "This is not possible right now. Try again in a moment.",
            Self::UnknownFlow => {
                "This was begun in another browser, was finished, or has taken too long. Begin again."
            }
            #[cfg(feature = "dbsc")]
            Self::Unproven(unproven) => unproven.message(),
            Self::Transport(TransportError::Twofold) => {
                "This request shows a cookie beside a token, or two tokens. Send one of them."
            }
            Self::Transport(TransportError::TooManyCookies) => {
                "You may still be signed in. Delete the cookies of this site, and sign out again."
            }
            Self::Detach(DetachError::NothingStored)
            | Self::Transport(TransportError::NoSession) => SIGN_IN,
            _ => MISTAKE,
        }
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Conflict { .. } | Self::Gone | Self::TooManySessions { .. } => {
                StatusCode::CONFLICT
            }
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownFlow
            | Self::Transport(
                TransportError::Twofold
                | TransportError::TooManyCookies
                | TransportError::BesideCookie,
            ) => StatusCode::BAD_REQUEST,
            #[cfg(feature = "dbsc")]
            Self::Unproven(_) => StatusCode::FORBIDDEN,
            // A guest where a session is expected.
            Self::Detach(DetachError::NothingStored)
            | Self::Transport(TransportError::NoSession) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Absence {
    /// Where the struct's `reject` attribute sends such a request. `None` also for a script, and for a form if the
    /// attribute contains `{path}`.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The stored name of the missing field.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

#[cfg(feature = "dbsc")]
impl DeviceDemand {
    /// Where the struct's `reject` attribute sends a browser that has lost its key, which makes it a guest.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        let is_guest = self.why == Unproven::Lost;
        self.location.as_deref().filter(|_| is_guest)
    }

    /// The reason why there is no proof.
    #[must_use]
    pub fn why(&self) -> Unproven {
        self.why
    }
}

/// The location of a `reject` attribute, with the request's path in the place of `{path}`.
fn location_of(reject: &'static str, slot: &Slot) -> Option<Cow<'static, str>> {
    match reject.split_once(PATH) {
        Some((before, behind)) => {
            let path = slot.local_path()?;
            Some(format!("{before}{}{behind}", path.encoded()).into())
        }
        None => Some(reject.into()),
    }
}

const PATH: &str = "{path}";
pub(crate) const SIGN_IN: &str = "Sign in first.";
const MISTAKE: &str = "Something went wrong.";

sentences! { SessionRejection:
    Self::Absent(Absence { schema, field, .. }) => "the session has no `{field}`, which `{}` requires" with schema.type_name;
    #[cfg(feature = "dbsc")]
    Self::Unproven(DeviceDemand { schema, why, .. }) => "`{}` is not loaded: {why}" with schema.type_name;
    Self::Forbidden(permission) => "the user does not have the permission `{permission}`";
    Self::Failed(error) => "{error}", from error;
    Self::NoUser(error) => "the user could not be loaded: {error}", from &**error;
    Self::MissingLayer(missing) => "{missing}";
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
