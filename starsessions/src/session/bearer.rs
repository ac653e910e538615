//! Hands out the token of a session.

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::CurrentSession;
use crate::error::SessionError;
use crate::sentence::debug_as_name;

/// The token of a session, for a client that keeps no cookies: 50 characters of base64url.
///
/// The token gives access to the session, so send it to the client only, over TLS. To keep it out of logs, `Debug`
/// does not show it and there is no `Display`.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// The text, which the client sends after `Bearer `, or alone in a custom header.
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
    /// Writes everything recorded so far, as [`commit`](Self::commit) does, and returns the session's current token for
    /// the client to keep. Needs a [transport](crate::SessionLayerBuilder::transport) with a header.
    ///
    /// Only this call gives a new token to a session that comes by a token. A request that changes a `rotate` field,
    /// calls [`rotate`](Self::rotate) or begins a session is refused with
    /// [`NotHandedOut`](crate::error::TransportError::NotHandedOut) if this call does not follow. A session whose id is
    /// due for [renewal](crate::SessionLayerBuilder::renewal), or was made with a former key, keeps its id until this
    /// call. Otherwise the call returns the token that the client has.
    ///
    /// The response is sent with `Cache-Control: no-store`. A view records its changes when it is dropped. The new id
    /// stays even if the response is a 5xx.
    ///
    /// # Errors
    /// As [`Session::commit`](crate::Session::commit), and [`SessionError::Transport`] if the layer accepts no tokens,
    /// if there is no session, or if the request came with the session's cookie.
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
