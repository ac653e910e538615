//! The token by which a page proves that its forms are this site's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::CsrfRejection;
use crate::crypto::{mint_csrf_token, verify_csrf_token};
use crate::error::SessionError;
use crate::request::Slot;
use crate::sentence::debug_as_name;
use crate::session::CurrentSession;

/// The session accepts a form that contains this token. Each token has a different text.
///
/// It is empty for a guest, who has nothing yet that another site could use. As a field of a form, it deserializes like
/// any other text.
#[derive(Clone)]
pub struct CsrfToken(Zeroizing<String>);

impl CsrfToken {
    /// The text, for a header or a template.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hidden field for an HTML form.
    #[must_use]
    pub fn field(&self) -> String {
        // The text is base64, so there is nothing to escape.
        format!(
            r#"<input type="hidden" name="{FIELD}" value="{}">"#,
            self.as_str()
        )
    }
}

/// Serialized as its text, for a page that a script fills.
impl Serialize for CsrfToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

/// CSRF tokens for forms.
///
/// ```
/// use starsessions::csrf::CsrfToken;
/// use starsessions::{CurrentSession, SessionError};
///
/// async fn page(session: CurrentSession) -> Result<String, SessionError> {
///     let token = session.csrf_token().await?;
///     Ok(format!(r#"<form method="post" action="/pay">{}<button>Pay</button></form>"#, token.field()))
/// }
/// ```
impl CurrentSession {
    /// A token for the forms of this page. It is derived from the session's id: nothing is stored, and a change of the
    /// id, as at a sign-in, makes the token invalid.
    ///
    /// A session whose id is due for renewal gets its new id now, so that the token is valid for it.
    ///
    /// # Errors
    /// If the store fails, or the operating system gives no randomness.
    pub async fn csrf_token(&self) -> Result<CsrfToken, SessionError> {
        self.slot.ready_to_read(None).await?;
        self.slot.renew().await?;
        let Some(row) = self.slot.csrf_row() else {
            return Ok(CsrfToken(Zeroizing::default()));
        };
        let token = mint_csrf_token(self.slot.realm().engine.keys(), &row)?;
        Ok(CsrfToken(token))
    }

    /// Checks a token that a handler has taken from the request itself, such as from a part of a multipart form.
    ///
    /// # Errors
    /// [`CsrfRejection::Token`] if it does not belong to this session; a guest has no token.
    pub async fn check_csrf(&self, token: &CsrfToken) -> Result<(), CsrfRejection> {
        check(&self.slot, [token.0.as_bytes()]).await
    }
}

/// Whether one of the texts is a token of the request's session. A guest has none: an attacker could get a
/// guest's token, put it into another page, and sign its visitor in as the attacker.
pub(super) async fn check<'t>(
    slot: &Slot,
    tokens: impl IntoIterator<Item = &'t [u8]>,
) -> Result<(), CsrfRejection> {
    slot.ready(None).await?;
    let engine = &slot.realm().engine;
    let row = slot.csrf_row().ok_or(CsrfRejection::Token)?;
    let is_own = |token| verify_csrf_token(engine.keys(), &row, token, engine.now()).is_ok();
    let mut tokens = tokens.into_iter().take(MAX_TOKENS);
    tokens.any(is_own).then_some(()).ok_or(CsrfRejection::Token)
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// `Debug` hides the text, with which a reader of a log could forge requests.
debug_as_name!(CsrfToken);

impl<'de> Deserialize<'de> for CsrfToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

pub(super) const FIELD: &str = "csrf_token";
/// The most tokens of a request: one for each realm whose layer it passes.
const MAX_TOKENS: usize = 4;
