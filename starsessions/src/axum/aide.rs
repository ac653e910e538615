//! Sessions in routes that aide documents.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response};
use aide::{OperationInput, OperationOutput};

use crate::csrf::CsrfRejection;
use crate::error::SessionError;
use crate::flow::Flows;
use crate::schema::SessionData;
use crate::session::{CurrentSession, Session, SessionRejection};

/// Documents the response when the handler does not run: the redirect or the 401 of a view with a `required` field.
impl<T: SessionData> OperationInput for Session<T> {
    fn inferred_early_responses(
        _: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        if !T::SCHEMA.fields.iter().any(|field| field.required) {
            return Vec::new();
        }
        let status = T::SCHEMA.reject.map_or(401, |_| 303);
        let response = Response {
            description: "The session lacks what this needs".to_owned(),
            ..Response::default()
        };
        vec![(Some(status), response)]
    }
}

impl OperationInput for CurrentSession {}

impl<T> OperationInput for Flows<T> {}

/// Not described: the possible errors depend on what the handler does.
impl OperationOutput for SessionError {
    type Inner = Self;
}

/// Not described, like a [`SessionError`].
impl OperationOutput for SessionRejection {
    type Inner = Self;
}

/// Not described, like a [`SessionError`].
impl OperationOutput for CsrfRejection {
    type Inner = Self;
}
