//! Why a request was not let through.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::error::SessionError;
use crate::session::SessionRejection;

/// Why a request was not let through: 403 for one that another site may have caused.
#[derive(Debug)]
#[non_exhaustive]
pub enum CsrfRejection {
    /// The browser says that another site has caused the request.
    Foreign,
    /// Nothing says where the request comes from, and it brings no token.
    Unproven,
    /// The token is not one of this session, or no longer.
    Token,
    /// There is no session to check the token by, or it could not be asked.
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
            Self::Session(rejection) => rejection.message(),
        }
    }

    /// The status that answers it: 403, or that of the session's own error.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Session(rejection) => rejection.status(),
            _ => StatusCode::FORBIDDEN,
        }
    }
}

impl fmt::Display for CsrfRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => {
                "another site has caused this request; if it may, name its origin with \
                 `CsrfLayer::trust`"
            }
            Self::Unproven => {
                "nothing says where this request comes from; send it with `Origin` or \
                 `Sec-Fetch-Site`, as browsers do, or with the session's token in `X-CSRF-Token` \
                 or in the form field `csrf_token`"
            }
            Self::Token => {
                "the form's token is not one of this session, or no longer; load the page again \
                 and send the form from there"
            }
            Self::Session(rejection) => return rejection.fmt(f),
        })
    }
}

impl Error for CsrfRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Session(rejection) => Some(rejection),
            _ => None,
        }
    }
}

impl From<SessionError> for CsrfRejection {
    fn from(error: SessionError) -> Self {
        Self::Session(error.into())
    }
}
