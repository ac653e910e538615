//! Why a request was not let through.

use http::StatusCode;

use crate::error::SessionError;
use crate::sentence::sentences;
use crate::session::{SIGN_IN, SessionRejection};

/// Why a request was not let through: 403 if another site may have caused it, 401 for a token without a session.
#[derive(Debug)]
#[non_exhaustive]
pub enum CsrfRejection {
    /// The browser says that another site has caused the request.
    Foreign,
    /// Nothing says where the request comes from, and it brings no token.
    Unproven,
    /// The token does not belong to this session, or no longer.
    Token,
    /// The session of the token in the header ([`Transport`](crate::config::Transport)) has ended, or there was none.
    Ended,
    /// No layer has the session to check the token against, or it could not be loaded.
    Session(SessionRejection),
}

impl CsrfRejection {
    /// A sentence for the user, where `Display` is for developers.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Foreign | Self::Unproven => {
                "This request does not seem to come from a page of this site. Send it from there."
            }
            Self::Token => "The page is out of date. Load it again, and send the form from there.",
            Self::Ended => SIGN_IN,
            Self::Session(rejection) => rejection.message(),
        }
    }

    /// The status of the response: 403, 401 for a token without a session, or that of the session's own error.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Ended => StatusCode::UNAUTHORIZED,
            Self::Session(rejection) => rejection.status(),
            _ => StatusCode::FORBIDDEN,
        }
    }
}

sentences! { CsrfRejection:
    Self::Foreign => "another site has caused this request; if it may, name its origin with `CsrfLayer::trust`";
    Self::Unproven => "nothing says where this request comes from; send it with `Origin` or `Sec-Fetch-Site`, as browsers do, or \
        with the session's token in `X-CSRF-Token` or in the form field `csrf_token`";
    Self::Token => "the form's token does not belong to this session, or only to a former id of it; load the page again and send \
        the form from there";
    Self::Ended => "the token in the header belongs to no session, or its session has ended; sign in to get a new one";
    Self::Session(rejection) => "{rejection}", from rejection;
}

impl From<SessionError> for CsrfRejection {
    fn from(error: SessionError) -> Self {
        Self::Session(error.into())
    }
}
