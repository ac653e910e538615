//! Handing out the token of a session.

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::CurrentSession;
use crate::error::SessionError;
use crate::sentence::debug_as_name;

/// The token of a session, for a client that keeps no cookies: 50 characters of base64url.
///
/// Its holder has the session, so it goes to the client and nowhere else, over TLS. It is not shown by `Debug`,
/// and has no `Display`, by which it could get into a log.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// The text, which the client sends behind `Bearer `, or alone in a header of one's own.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tokens.
///
/// ```
/// use axum::Json;
/// use starsessions::session::BearerToken;
/// use starsessions::{CurrentSession, Session, SessionError};
///
/// #[derive(Session)]
/// struct Login {
///     #[session(required, rotate)]
///     user: u64,
/// }
///
/// #[derive(serde::Serialize)]
/// struct SignedIn {
///     access_token: BearerToken,
///     token_type: &'static str,
/// }
///
/// async fn sign_in(session: CurrentSession) -> Result<Json<SignedIn>, SessionError> {
///     session.insert(Login { user: 7 })?; // after the password was checked
///     let access_token = session.bearer_token().await?;
///     Ok(Json(SignedIn { access_token, token_type: "Bearer" }))
/// }
/// ```
impl CurrentSession {
    /// Does everything that was recorded so far, as [`commit`](Self::commit) does, and returns the token of the
    /// session as it is then, for the client to keep. Needs a [transport](crate::SessionLayerBuilder::transport)
    /// with a header.
    ///
    /// Only here does a session that comes by a token get another one: what changes a `rotate` field, calls
    /// [`rotate`](Self::rotate) or begins a session is refused with
    /// [`NotHandedOut`](crate::error::TransportError::NotHandedOut) if this call does not follow it, and a session
    /// whose id is due for [renewal](crate::SessionLayerBuilder::renewal), or stands under a former key, keeps it
    /// until this call. Where neither is so, it returns the token that the client has.
    ///
    /// The response is not for caches (`Cache-Control: no-store`). What a view holds is recorded when the view
    /// is dropped. The new id stays if the response is a 5xx later.
    ///
    /// # Errors
    /// As [`Session::commit`](crate::Session::commit), and
    /// [`SessionError::Transport`]: where the layer takes no tokens, where there is no session, and for a request
    /// with the session's cookie.
    pub async fn bearer_token(&self) -> Result<BearerToken, SessionError> {
        let token = self.slot.hand_out().await?;
        Ok(BearerToken(token.encode()))
    }
}

/// As its text: for the body of a response.
impl Serialize for BearerToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

debug_as_name!(BearerToken);
