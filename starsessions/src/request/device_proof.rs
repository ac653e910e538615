//! Whether a request comes from the device that its session is bound to.

use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Request};

use super::found::Found;
use super::provenance::{FETCH_DEST, FETCH_MODE, FETCH_SITE};
use super::slot::Slot;
use super::state::State;
use crate::clock::Timestamp;
use crate::cookie;
use crate::device::{DeviceRules, NoProof, ProofState, Proven, REGISTRATION, SKIPPED, Unbound};
use crate::engine::{CookieChange, Endable, Live};
use crate::error::{SessionError, Unproven};
use crate::lifecycle::plan::Step;
use crate::observe;
use crate::schema::Schema;

/// The facts about a request whose session may be bound.
#[derive(Default)]
pub(super) struct Arrival {
    navigation: Navigation,
    /// The values of the short cookie.
    cookies: Box<[Box<[u8]>]>,
    pub(super) proof: ProofState,
    /// Why views of a session without a proof are refused.
    unproven: Option<Unproven>,
    /// The browser is to repeat the request after this many seconds.
    again: Option<&'static str>,
    /// The browser still sends a short cookie that has expired here, for example because its clock was set: without the
    /// cookie, it refreshes.
    is_stale: bool,
    /// The session has a new id, under which it can be bound.
    is_to_invite: bool,
}

/// How the user comes to a page, if the request is for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Navigation {
    /// Not a page: a script, a picture, a form; or the browser does not say.
    #[default]
    None,
    /// From another site: browsers do not refresh before such a request.
    Foreign,
    /// From the site itself, or by an address or a bookmark.
    Own,
    /// The browser has said that it could not refresh, or need not.
    Skipped,
}

impl Slot {
    pub(crate) fn arrive<B>(&self, request: &Request<B>) {
        if let Some(rules) = &self.realm().device {
            self.state().arrival.navigation = Navigation::of(rules, request);
        }
    }

    /// Notes the short cookies, while the headers are at hand.
    pub(super) fn see_device(&self, headers: &HeaderMap, state: &mut State) {
        if let Some(rules) = &self.realm().device {
            let cookies = cookie::candidates(headers, rules.cookie.name());
            let cookies = cookies.values().iter().map(|value| Box::from(*value));
            state.arrival.cookies = cookies.collect();
        }
    }

    /// The session as the request may use it.
    pub(super) fn admit(&self, live: Live, state: &mut State, now: Timestamp) -> Found {
        let (Some(rules), Some(token)) = (&self.realm().device, live.token()) else {
            return Found::Live(live);
        };
        let proof = rules.proof(token, &live.record, &state.arrival.cookies, now);
        state.arrival.proof = proof;
        if let ProofState::Young | ProofState::Missing(_) = proof {
            let is_stale = proof == ProofState::Missing(NoProof::Stale);
            let is_young =
                proof == ProofState::Young || rules.may_be_registering(&live.record, now);
            state.note_missing_proof(is_stale, is_young);
        }
        let ProofState::Missing(why) = proof else {
            return Found::Live(live);
        };
        let engine = &self.realm().engine;
        let observer = engine.observer();
        observer.device_missing(live.name(engine.keys()), why.label(), &live.record);
        self.explain(|explanation| explanation.unproven(why));
        if rules.settings.proven == Proven::InBoundViews {
            return Found::Live(live);
        }
        state.forget_lost();
        state.ends.push(Endable::Live(live));
        Found::Unproven
    }

    /// Whether the request can use the session outside of views that are marked `bound`.
    pub(super) fn proven(&self) -> Result<(), SessionError> {
        if self.realm().device.is_none() {
            return Ok(());
        }
        let state = self.state();
        state.arrival.check(&state.found)
    }

    /// Whether a view may see the session: a view that is marked `bound` demands a proof.
    pub(crate) fn demand(&self, schema: &'static Schema) -> Result<(), SessionError> {
        if !schema.bound {
            return Ok(());
        }
        let Some(rules) = &self.realm().device else {
            return Ok(());
        };
        let now = self.now();
        let mut state = self.state();
        match state.arrival.proof {
            ProofState::Given(_) => Ok(()),
            ProofState::Young | ProofState::Missing(_) => {
                state.forget_lost();
                let unproven = state.arrival.unproven.unwrap_or(Unproven::Pending);
                Err(SessionError::Unproven(unproven))
            }
            ProofState::Unbound => {
                let live = state.found.live();
                let is_good = rules.settings.unbound == Unbound::Allowed
                    || live.is_none_or(|live| rules.may_be_registering(&live.record, now));
                if is_good {
                    return Ok(());
                }
                observe::device_unbound(schema.type_name);
                Err(SessionError::Unproven(Unproven::Unbound))
            }
        }
    }

    /// The time of the device's proof for this request; the current time, if there is none.
    pub(crate) fn proved_at(&self) -> Timestamp {
        match self.state().arrival.proof {
            ProofState::Given(at) => at,
            _ => self.now(),
        }
    }

    pub(super) fn note_new_id(state: &mut State, step: Step, cookie: &CookieChange) {
        let is_new = matches!(
            step,
            Step::Create | Step::Replace | Step::Rotate { grace: false }
        );
        if is_new && matches!(cookie, CookieChange::Set { .. }) {
            state.arrival.is_to_invite = true;
            state.arrival.proof = ProofState::Unbound;
        }
    }

    /// Invites the browser to bind a session that was taken over from another library.
    #[cfg(feature = "takeover")]
    pub(super) fn invite_device(&self) {
        self.state().arrival.is_to_invite = true;
    }

    /// Adds the headers about the browser's device; returns whether caches must not keep the response.
    pub(crate) fn device_headers(&self, headers: &mut HeaderMap, is_refused: bool) -> bool {
        let Some(rules) = &self.realm().device else {
            return false;
        };
        let now = self.now();
        let state = self.state();
        if state.brought.by_token {
            return false;
        }
        let again = state.arrival.again.filter(|_| is_refused);
        if let Some(seconds) = again {
            headers.insert(REFRESH, HeaderValue::from_static(seconds));
        }
        if state.arrival.is_stale
            && let Some(removal) = rules.cookie.removal()
        {
            headers.append(SET_COOKIE, removal);
        }
        let live = state.found.live().filter(|_| state.arrival.is_to_invite);
        let live = live.filter(|live| rules.settings.guests || live.record.identified);
        let live = live.filter(|live| !live.record.is_bound());
        if let Some(live) = live
            && let Some(token) = live.token()
            && let Ok(challenge) = token.seal_invitation(now)
            && let Some(invitation) = rules.invitation(&challenge)
        {
            headers.append(REGISTRATION, invitation);
        }
        again.is_some() || state.arrival.is_stale
    }
}

impl Arrival {
    pub(super) fn check(&self, found: &Found) -> Result<(), SessionError> {
        match (found, self.unproven) {
            (Found::Unproven, Some(unproven)) => Err(SessionError::Unproven(unproven)),
            _ => Ok(()),
        }
    }
}

impl State {
    /// Keeps the error for views that need the proof, with what the browser can do about it.
    fn note_missing_proof(&mut self, is_stale: bool, is_young: bool) {
        let arrival = &mut self.arrival;
        arrival.is_stale = is_stale;
        (arrival.unproven, arrival.again) = match arrival.navigation {
            // The browser refreshes before the page loads itself again, which is a request from this site.
            Navigation::Foreign => (Some(Unproven::Pending), Some("0")),
            Navigation::Own if is_stale => (Some(Unproven::Pending), Some("0")),
            // The registration is under way.
            Navigation::Own if is_young => (Some(Unproven::Pending), Some("1")),
            // The browser would have refreshed if it could: it has lost the key, or never had it.
            Navigation::Own => (Some(Unproven::Lost), None),
            Navigation::None | Navigation::Skipped => (Some(Unproven::Pending), None),
        };
    }

    /// Removes the cookie of a browser that has lost the key: otherwise it would be refused for ever.
    fn forget_lost(&mut self) {
        if self.arrival.unproven == Some(Unproven::Lost) {
            self.cookie = CookieChange::Remove;
        }
    }

    /// Treats a session without its proof as absent, if the request gives it a new id or the layer demands the proof
    /// everywhere.
    ///
    /// # Errors
    /// If the request would change the session. A sign-in, which proves something else, begins another session in its
    /// place.
    pub(super) fn set_aside_unproven(&mut self) -> Result<(), SessionError> {
        let Some(unproven) = self.arrival.unproven else {
            return Ok(());
        };
        if let Found::Live(live) = &self.found
            && matches!(self.arrival.proof, ProofState::Missing(_))
            && !self.pending.destroy
            && self.pending.is_to_move(&live.record)
        {
            self.ends.push(Endable::Live(live.clone()));
            self.found = Found::Unproven;
        }
        if !matches!(self.found, Found::Unproven) {
            return Ok(());
        }
        let pending = &self.pending;
        if pending.destroy || pending.changes.identify() {
            self.found = Found::Nobody;
        } else if pending.rotate || pending.remember.is_some() || !pending.changes.is_empty() {
            return Err(SessionError::Unproven(unproven));
        }
        Ok(())
    }
}

impl Navigation {
    fn of<B>(rules: &DeviceRules, request: &Request<B>) -> Self {
        let headers = request.headers();
        let is = |name: &HeaderName, value: &str| headers.get(name).is_some_and(|it| it == value);
        let is_page = request.method() == Method::GET
            && is(&FETCH_MODE, "navigate")
            && is(&FETCH_DEST, "document");
        if !is_page {
            Self::None
        } else if headers.contains_key(SKIPPED) || rules.is_excluded(request.uri().path()) {
            Self::Skipped
        } else if is(&FETCH_SITE, "same-origin") || is(&FETCH_SITE, "none") {
            Self::Own
        } else {
            Self::Foreign
        }
    }
}

const REFRESH: HeaderName = HeaderName::from_static("refresh");
