//! How a request finds its session, by the credentials that it has brought.

use std::sync::Arc;

use http::HeaderMap;

use super::found::Found;
use super::slot::Slot;
use super::state::{Door, State};
#[cfg(feature = "takeover")]
use super::takeover::FormerCookies;
use crate::cookie::{self, Candidates, Values};
use crate::engine::{Endable, Presented};
use crate::error::SessionError;
use crate::lifecycle::FailurePolicy;
use crate::observe::{self, Refusal};

/// The credentials that the request came with.
#[derive(Default)]
pub(super) struct Brought {
    /// Kept for an extractor that asks for the session when the headers are gone.
    pub(super) kept: Option<Arc<[Box<[u8]>]>>,
    pub(super) any: bool,
    pub(super) duplicates: bool,
    /// There are more cookies than are tried.
    pub(super) too_many: bool,
    /// The session comes by a token, or the handler hands one out: the response sets no cookie.
    pub(super) by_token: bool,
    /// The header has credentials, of whatever kind.
    pub(super) has_credentials: bool,
    /// The request shows more than one credential, of which none is used.
    pub(super) is_twofold: bool,
    /// The cookies of another library's sessions.
    #[cfg(feature = "takeover")]
    pub(super) former: Option<FormerCookies>,
}

impl Slot {
    /// Keeps the cookies that may be ours, for when the session is asked for.
    pub(crate) fn see(&self, headers: &HeaderMap) {
        let mut state = self.state();
        if state.brought.kept.is_none() && matches!(state.found, Found::Unread) {
            let cookies = self.candidates(headers, &mut state);
            let kept = cookies.values().iter().map(|value| Box::from(*value));
            state.brought.kept = Some(kept.collect());
            #[cfg(feature = "takeover")]
            {
                state.brought.former = self.former_cookies(headers);
            }
        }
    }

    fn candidates<'h>(&self, headers: &'h HeaderMap, state: &mut State) -> Candidates<'h> {
        if self.realm().carriers.header.is_some() {
            return self.credentials(headers, state);
        }
        let cookies = self.cookies(headers, state);
        let has_cookie = !cookies.is_empty();
        self.realm()
            .learn_transport(headers, self.authority(), has_cookie);
        cookies
    }

    #[inline]
    pub(super) fn cookies<'h>(&self, headers: &'h HeaderMap, state: &mut State) -> Candidates<'h> {
        let cookies = cookie::candidates(headers, self.realm().cookie.name());
        state.brought.any = !cookies.is_empty();
        state.brought.duplicates = cookies.is_repeated;
        state.brought.too_many = cookies.is_overfull;
        #[cfg(feature = "dbsc")]
        self.see_device(headers, state);
        cookies
    }

    /// Loads the session when it is first asked for. With `headers`, no cookie need be kept.
    ///
    /// # Errors
    /// If the store fails, now and at every further call in this request, or if the response has been sent.
    pub(crate) async fn ready(&self, headers: Option<&HeaderMap>) -> Result<(), SessionError> {
        if !self.is_known()? {
            let _gate = self.gate.lock().await;
            self.read(headers).await?;
        }
        self.proven()
    }

    /// Whether the session was loaded before. After the response it is too late: caches were told that the response is
    /// about no session.
    fn is_known(&self) -> Result<bool, SessionError> {
        let state = self.state();
        match state.found.known() {
            Some(known) => known.map(|()| true),
            None if state.door == Door::Closed => Err(SessionError::Closed),
            None => Ok(false),
        }
    }

    /// Loads the session for read-only access, which sees a guest if the store fails and the failure policy allows it.
    ///
    /// # Errors
    /// If the store fails and the failure policy does not allow it.
    pub(crate) async fn ready_to_read(
        &self,
        headers: Option<&HeaderMap>,
    ) -> Result<(), SessionError> {
        if let Err(error) = self.ready(headers).await {
            let is_outage = matches!(error, SessionError::Unavailable(_));
            if !is_outage || self.state().manner.failure_policy != FailurePolicy::ReadOnlyGuest {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Loads the session again.
    pub(crate) async fn refresh(&self) -> Result<(), SessionError> {
        let _gate = self.gate.lock().await;
        self.read(None).await?;
        let Some(live) = self.state().found.live().cloned() else {
            return Ok(());
        };
        let end = Endable::Live(live.clone());
        let now = self.now();
        let refreshed = self.realm().engine.refresh(live, now).await;
        let mut state = self.state();
        state.found = match refreshed {
            Ok(Some(live)) => self.admit(live, &mut state, now),
            Ok(None) => {
                state.ends.push(end);
                Found::Ended
            }
            Err(error) => Found::Failed(Arc::new(error)),
        };
        state.found.known().unwrap_or(Ok(()))?;
        drop(state);
        self.proven()
    }

    /// Finds the session; the caller holds the gate.
    pub(super) async fn read(&self, headers: Option<&HeaderMap>) -> Result<(), SessionError> {
        let engine = &self.realm().engine;
        let kept;
        let (cookies, too_many) = {
            let mut state = self.state();
            if let Some(known) = state.found.known() {
                return known;
            }
            state.was_used = true;
            kept = state.brought.kept.clone();
            let cookies = match (&kept, headers) {
                (Some(kept), _) => kept.iter().map(|value| &**value).collect(),
                (None, Some(headers)) => self.candidates(headers, &mut state),
                (None, None) => Candidates::default(),
            };
            if state.brought.is_twofold {
                return self.refuse_twofold(&mut state);
            }
            (cookies.into_values(), state.brought.too_many)
        };
        let now = engine.now();
        let single = match cookies {
            Values::One(cookie) => Some(cookie),
            _ => None,
        };
        let mut presented = match cookies {
            Values::None => Ok(Presented::Nobody(None)),
            Values::One(cookie) => engine.resolve(cookie, now).await,
            // Boxed, so that a rare path does not enlarge every request's future.
            Values::Several(cookies) => Box::pin(engine.choose(&cookies, now)).await,
        };
        #[cfg_attr(
            not(feature = "takeover"),
            expect(unused_mut, reason = "there is one name")
        )]
        let mut cookie_name = self.realm().cookie.name();
        #[cfg(feature = "takeover")]
        if let Some(takeover) = &self.realm().takeover {
            if !too_many && matches!(presented, Ok(Presented::Nobody(_))) {
                cookie_name = takeover.source.cookie_name();
            }
            let kept = self.state().brought.former.clone();
            let former = kept.or_else(|| self.former_cookies(headers?));
            self.state().brought.former.clone_from(&former);
            // Boxed, so that it does not enlarge the future of requests that take nothing over.
            presented = Box::pin(self.take_over(presented, former, now)).await?;
        }
        if too_many {
            presented = presented.map(Presented::into_ambiguous);
        }
        let mut state = self.state();
        let named = || engine.fingerprint(single?, now);
        let by = state.brought.by();
        self.explain(|explanation| {
            explanation.loaded(&presented, by, self.realm(), cookie_name, now)
        });
        state.read_at = now;
        state.just_read_at = headers.map(|_| now);
        state.found = match presented {
            Ok(Presented::Live(live, ends)) => {
                state.ends = ends;
                engine
                    .observer()
                    .loaded(live.name(engine.keys()), by, &live.record);
                self.admit(live, &mut state, now)
            }
            Ok(Presented::Nobody(None)) => {
                observe::guest();
                Found::Nobody
            }
            Ok(Presented::Nobody(Some(why))) => {
                engine.observer().refused(why, by, named);
                Found::Nobody
            }
            Ok(Presented::Former { ends, is_recent }) => {
                state.ends = ends;
                if is_recent {
                    observe::behind();
                    Found::Behind
                } else {
                    engine.observer().refused(Refusal::Unknown, by, named);
                    Found::Nobody
                }
            }
            Ok(Presented::Ambiguous(ends)) => {
                state.ends = ends;
                let too_many = state.brought.too_many;
                self.realm().reporter.ambiguous(cookie_name, too_many);
                Found::Ambiguous
            }
            Err(error) => {
                observe::load_failed();
                Found::Failed(Arc::new(error))
            }
        };
        state.came_with_session = state.found.live().is_some();
        state.found.known().unwrap_or(Ok(()))
    }
}
