//! Sessions that come by a token in a header: which credential counts, and how a token gets to its client.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::explain::Explanation;
use super::found::Found;
use super::pending::Moment;
use super::reading::Brought;
use super::slot::Slot;
use super::state::State;
use crate::bearer::{self, Shown};
use crate::cookie::Candidates;
use crate::crypto::{ReferenceToken, RowKey};
use crate::engine::Live;
use crate::error::{SessionError, TransportError};
use crate::lifecycle::plan::{Plan, Step};
use crate::observe::{self, By, Name};
use crate::store::to_its_end;

impl Slot {
    /// The credentials of the request, in a layer with a token header. A text that is no token of ours is ignored, so
    /// credentials of another system do no harm beside our cookie.
    ///
    /// Cold, so that a layer with cookies alone spends no instruction on it.
    #[cold]
    pub(super) fn credentials<'h>(
        &self,
        headers: &'h HeaderMap,
        state: &mut State,
    ) -> Candidates<'h> {
        let carriers = &self.realm().carriers;
        let shown = carriers.header.as_ref().map_or(Shown::Nothing, |header| {
            bearer::shown(headers, header, ReferenceToken::has_form)
        });
        state.brought.has_credentials = shown != Shown::Nothing;
        let cookies = if carriers.has_cookie {
            self.cookies(headers, state)
        } else {
            Candidates::default()
        };
        match shown {
            Shown::Token(token) if !state.brought.any => {
                state.brought.by_token = true;
                std::iter::once(token).collect()
            }
            Shown::Token(_) | Shown::Several => {
                state.brought.is_twofold = true;
                Candidates::default()
            }
            Shown::Nothing | Shown::Foreign => {
                if carriers.has_cookie {
                    self.realm()
                        .learn_transport(headers, self.authority(), state.brought.any);
                }
                cookies
            }
        }
    }

    /// RFC 6750, section 3.1: a request that uses more than one method for its token is invalid.
    pub(super) fn refuse_twofold(&self, state: &mut State) -> Result<(), SessionError> {
        observe::twofold();
        self.explain(Explanation::twofold);
        state.found = Found::Twofold;
        Err(TransportError::Twofold.into())
    }

    /// Carries out what is pending so far, and returns the token of the resulting session. A session whose id is old
    /// gets its new id here, because its client would learn of it nowhere else.
    pub(crate) async fn hand_out(self: &Arc<Self>) -> Result<Arc<ReferenceToken>, SessionError> {
        self.ready(None).await?;
        self.go_by_token()?;
        let before = self.row_key();
        let slot = Arc::clone(self);
        to_its_end(async move { slot.commit_in_turn(Moment::HandOut).await }).await?;
        // Another request may have given the session a new id, which makes this request's token invalid.
        if before == self.row_key() {
            self.refresh().await?;
        }
        let mut state = self.open_state()?;
        let Some(token) = state.found.live().and_then(Live::token).cloned() else {
            return Err(TransportError::NoSession.into());
        };
        state.has_handed_out = true;
        observe::handed_out(Name::Token(&token));
        self.explain(Explanation::handed_out);
        Ok(token)
    }

    /// From now on the response sets no cookie.
    ///
    /// # Errors
    /// If the layer takes no tokens, or the request has brought the cookie. Then the data changes of the request are
    /// dropped, such as a sign-in.
    fn go_by_token(&self) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        let error = if self.realm().carriers.header.is_none() {
            TransportError::CookieOnly
        } else if state.brought.any {
            TransportError::BesideCookie
        } else {
            state.brought.by_token = true;
            return Ok(());
        };
        state.discards = true;
        Err(error.into())
    }

    /// Takes the error for a session that was not begun, because no handler hands out its token. Another error waits for
    /// the next commit, which drops the data changes with it.
    pub(super) fn take_refusal(&self) -> Option<SessionError> {
        self.realm().carriers.header.as_ref()?;
        let is_refusal = |error: &mut SessionError| {
            matches!(error, SessionError::Transport(TransportError::NotHandedOut))
        };
        self.state().pending.failure.take_if(is_refusal)
    }

    fn row_key(&self) -> Option<RowKey> {
        self.state().found.live().and_then(Live::row_key)
    }

    /// Whether the request shows credentials in the header, or the layer has no cookie.
    pub(super) fn is_for_tokens(&self) -> bool {
        let state = self.state();
        !self.realm().carriers.has_cookie || state.brought.has_credentials
    }

    pub(crate) fn takes_tokens(&self) -> bool {
        self.realm().carriers.header.is_some()
    }

    /// Whether the request shows a cookie of this layer or of one further out, or a cookie whose session such a layer
    /// takes over. Browsers add cookies by themselves.
    #[cfg(feature = "axum")]
    pub(crate) fn shows_cookie(&self, headers: &HeaderMap) -> bool {
        self.see(headers);
        let outer = self.outer.as_ref();
        self.state().brought.shows_any() || outer.is_some_and(|outer| outer.shows_cookie(headers))
    }

    /// Whether the token that the request shows, without a cookie, belongs to a session; `None`, without asking the
    /// store, if it shows none.
    ///
    /// # Errors
    /// If the store fails, or the request shows a cookie as well.
    #[cfg(feature = "axum")]
    pub(crate) async fn is_token_live(&self) -> Result<Option<bool>, SessionError> {
        let shown = {
            let brought = &self.state().brought;
            (brought.by_token && brought.has_credentials) || brought.is_twofold
        };
        if !shown {
            return Ok(None);
        }
        self.ready(None).await?;
        Ok(Some(self.state().found.live().is_some()))
    }

    /// The value of `WWW-Authenticate`, which a 401 must have (RFC 9110, section 11.6.1). It names an error only if the
    /// request has shown credentials (RFC 6750, section 3). A custom header has no scheme.
    pub(crate) fn challenge(&self, status: StatusCode) -> Option<HeaderValue> {
        let realm = self.realm();
        realm
            .carriers
            .header
            .as_ref()
            .filter(|header| header.has_scheme)?;
        let state = self.state();
        let is_twofold = matches!(state.found, Found::Twofold);
        let error = match status {
            StatusCode::BAD_REQUEST if is_twofold => r#", error="invalid_request""#,
            StatusCode::UNAUTHORIZED
                if state.brought.has_credentials && state.found.live().is_none() =>
            {
                r#", error="invalid_token""#
            }
            StatusCode::UNAUTHORIZED => "",
            _ => return None,
        };
        let name = if realm.name.is_empty() {
            "session"
        } else {
            &realm.name
        };
        HeaderValue::try_from(format!(r#"Bearer realm="{name}"{error}"#)).ok()
    }
}

impl State {
    /// The plan without a new id, for a client that would not learn of it. A logout takes place all the same.
    ///
    /// # Errors
    /// If the plan begins a session, or gives it a new id.
    pub(super) fn without_new_id(&mut self, plan: Plan) -> Result<Plan, SessionError> {
        let left = match plan.step {
            Step::Replace => Step::Delete,
            Step::Create if self.is_to_end => Step::Nothing,
            Step::Create | Step::Rotate { .. } => return Err(TransportError::NotHandedOut.into()),
            _ => return Ok(plan),
        };
        let failure = &mut self.pending.failure;
        failure.get_or_insert(TransportError::NotHandedOut.into());
        Ok(Plan::new(left, plan.now))
    }
}

impl Brought {
    #[cfg(feature = "axum")]
    fn shows_any(&self) -> bool {
        #[cfg(feature = "takeover")]
        if self.former.is_some() {
            return true;
        }
        self.any
    }

    pub(super) fn by(&self) -> By {
        if self.by_token {
            By::Header
        } else {
            By::Cookie
        }
    }
}
