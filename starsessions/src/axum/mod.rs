//! Sessions as axum handler arguments.

#[cfg(feature = "aide")]
mod aide;

use std::any::type_name;
use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use http::request::Parts;

use crate::csrf::CsrfRejection;
use crate::error::SessionError;
use crate::flow::Flows;
use crate::middleware::{Failed, Rejected};
use crate::schema::SessionData;
use crate::session::{
    CurrentSession, CurrentUser, MissingLayer, Permission, Session, SessionRejection, User,
    find_slot, ready,
};

impl<T: SessionData, S: Send + Sync> FromRequestParts<S> for Session<T> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        let schema = T::SCHEMA;
        let slot = find_slot(parts, schema.realm)
            .ok_or_else(|| no_layer(parts, schema.realm, ["Session", schema.type_name]))?;
        if schema.has_flash() {
            slot.note_manner(parts);
        }
        // `load` is not used, because its future would move the view once more.
        let ready = ready(&slot, Some(&parts.headers), schema).await;
        ready
            .and_then(|()| Self::of(slot))
            .map_err(|rejection| rejection.leading_back(parts))
    }
}

/// `None` for a guest; never for a store that failed.
impl<T: SessionData, S: Send + Sync> OptionalFromRequestParts<S> for Session<T> {
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, SessionRejection> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(session) => Ok(Some(session)),
            Err(SessionRejection::Absent(_)) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

impl<U, P, S> FromRequestParts<S> for User<U, P>
where
    U: CurrentUser<S>,
    P: Permission<U>,
    S: Send + Sync,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SessionRejection> {
        let realm = <U::Login as SessionData>::SCHEMA.realm;
        let slot = find_slot(parts, realm)
            .ok_or_else(|| no_layer(parts, realm, ["User", type_name::<U>()]))?;
        let found = Self::find(&slot, Some(&parts.headers), state).await;
        found.map_err(|rejection| rejection.leading_back(parts))
    }
}

/// `None` for a guest, and for a user without the permission; never for a failure.
impl<U, P, S> OptionalFromRequestParts<S> for User<U, P>
where
    U: CurrentUser<S>,
    P: Permission<U>,
    S: Send + Sync,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, SessionRejection> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(user) => Ok(Some(user)),
            Err(SessionRejection::Absent(_) | SessionRejection::Forbidden(_)) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        Self::from_parts(parts).inspect_err(|rejection| report_mistake(parts, rejection))
    }
}

impl<T, S: Send + Sync> FromRequestParts<S> for Flows<T> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        Self::from_parts(parts).inspect_err(|rejection| report_mistake(parts, rejection))
    }
}

/// 303 to the struct's `reject` location, 401 without one, 503 if the store failed, 500 for a mistake in the
/// application, which is logged, and in debug builds also the body.
///
/// A response made from a rejection drops the request's data changes, as a 5xx does. To keep some, such as the page to
/// return to after the login, [commit](Session::commit) them first, or respond in your own way.
impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        if let Self::NoUser(error) = &self {
            tracing::error!(%error, "the user of a request could not be loaded");
        }
        let location = match &self {
            Self::Absent(absence) => absence.location(),
            #[cfg(feature = "dbsc")]
            Self::Unproven(demand) => demand.location(),
            _ => None,
        };
        let status = self.status();
        let mut response = match location {
            Some(location) => {
                let mut response = status.into_response();
                // The derive macro accepts only valid header values; a schema written by hand may be wrong.
                if let Ok(location) = HeaderValue::from_str(location) {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            // In production, only the log names the mistake: without a layer, no header explains it.
            None if cfg!(debug_assertions) && matches!(self, Self::MissingLayer(_)) => {
                (status, format!("{self}\n")).into_response()
            }
            None => (status, self.message()).into_response(),
        };
        let rejected = Rejected(Arc::new(self.into()));
        response.extensions_mut().insert(rejected);
        response
    }
}

/// The body is the sentence for the user, in debug builds the one for developers. Like every rejection, this drops the
/// request's data changes.
impl IntoResponse for CsrfRejection {
    fn into_response(self) -> Response {
        let refused = match self {
            Self::Session(rejection) => return rejection.into_response(),
            refused => refused,
        };
        let body = body_of(&refused, cfg!(debug_assertions));
        let mut response = (refused.status(), body).into_response();
        let rejected = Rejected(Arc::new(refused.into()));
        response.extensions_mut().insert(rejected);
        response
    }
}

/// Its [status](SessionError::status), with the sentence for the user as the body. Like a rejection, this drops the
/// changes that the request has not [committed](Session::commit), because the sentence says that nothing has changed.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "the handler failed with a session error");
        } else {
            tracing::debug!(error = %self, "the handler failed with a session error");
        }
        let mut response = (status, self.message()).into_response();
        response.extensions_mut().insert(Failed(self));
        response
    }
}

/// The rejection of an argument of this generic type and parameter whose realm has no layer.
fn no_layer(
    parts: &Parts,
    realm: &'static str,
    [generic, parameter]: [&str; 2],
) -> SessionRejection {
    let wanted = format!("{generic}<{parameter}>");
    let missing = MissingLayer::new(&parts.extensions, wanted, realm).into();
    report_mistake(parts, &missing);
    missing
}

/// The sentence for the user, or the one for developers.
fn body_of(refused: &CsrfRejection, is_debug_build: bool) -> Cow<'static, str> {
    if is_debug_build {
        format!("{refused}\n").into()
    } else {
        refused.message().into()
    }
}

/// Logs one line that names the route, the type and the remedy.
fn report_mistake(parts: &Parts, rejection: &SessionRejection) {
    tracing::error!(
        method = %parts.method,
        path = parts.uri.path(),
        "{rejection}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_for_a_refusal_is_told_in_debug_builds_only() {
        let foreign = CsrfRejection::Foreign;
        let remedy = "another site has caused this request; if it may, name its origin with `CsrfLayer::trust`\n";
        assert_eq!(body_of(&foreign, true), remedy);
        let sentence =
            "This request does not seem to come from a page of this site. Send it from there.";
        assert_eq!(body_of(&foreign, false), sentence);
    }
}
