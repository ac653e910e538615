//! Redirects to another site and back: what the browser remembers of each attempt.

mod cookies;

use std::any::type_name;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::cookies::{Attempt, Cookies, is_among};
use crate::cookie::SameSite;
use crate::crypto::{flow_name, mint_flow_state};
use crate::error::{LimitKind, SessionError, TransportError};
use crate::observe::{self, FlowRefusal};
use crate::request::{FlowCookie, Slot, is_embedded};
use crate::sentence::debug_as_name;
use crate::session::{MissingLayer, SessionRejection, find_slot};
use crate::value::{Format, Stored};

/// Redirects to another site and back, as in a sign-in by OAuth or OpenID Connect: what the browser remembers of each
/// attempt until the other site sends it back.
///
/// [`begin`](Self::begin) gives each attempt a state of its own, which goes to the other site and comes back,
/// and keeps your data of it in a short-lived cookie. [`finish`](Self::finish) returns the data for the state
/// that came back. `T` is any type that serde can serialize and deserialize: it holds a PKCE verifier, a
/// nonce, the page to return to.
///
/// ```
/// use axum::{extract::Query, response::Redirect};
/// use serde::{Deserialize, Serialize};
/// use starsessions::{CurrentSession, Flows, Session, SessionError};
///
/// # #[derive(Session)]
/// # struct Login {
/// #     #[session(required, rotate)]
/// #     user: u64,
/// # }
/// # fn random() -> String { String::new() }
/// # fn challenge(verifier: &str) -> String { String::new() }
/// # async fn ask_provider(code: &str, verifier: &str) -> u64 { 7 }
/// #[derive(Serialize, Deserialize)]
/// struct Google {
///     verifier: String,
/// }
///
/// #[derive(Deserialize)]
/// struct Answer {
///     state: String,
///     code: String,
/// }
///
/// async fn begin(flows: Flows<Google>) -> Result<Redirect, SessionError> {
///     let verifier = random();
///     let to = format!("https://id.example/authorize?code_challenge={}", challenge(&verifier));
///     let state = flows.begin(Google { verifier })?;
///     Ok(Redirect::to(&format!("{to}&state={state}")))
/// }
///
/// async fn callback(
///     flows: Flows<Google>,
///     session: CurrentSession,
///     Query(answer): Query<Answer>,
/// ) -> Result<Redirect, SessionError> {
///     let google = flows.finish(&answer.state)?;
///     let user = ask_provider(&answer.code, &google.verifier).await;
///     session.insert(Login { user })?;
///     Ok(Redirect::to("/"))
/// }
/// ```
///
/// # Guarantees
///
/// - **Attempts are independent.** Each tab has its own, even in a browser that had no cookie before. No attempt begins
///   a session or asks the store.
/// - **A forged answer uses nothing up.** No attempt is found without its state, 256 random bits (RFC 6749, section
///   10.12), or by another type than the one that began it: give each provider a type of its own, and a callback of its
///   own (RFC 9700, section 4.4). Types are told apart by their path: two of the same path, such as those in two
///   blocks of one function, count as one type.
/// - **An attempt is finished once.** The response removes its cookie, whatever its status. Nothing is kept on
///   the server, so an attacker who has copied both the cookie and the state can use them until their time is
///   over; with OAuth that leads nowhere, since a provider takes a code once (RFC 6749, section 4.1.2).
/// - **The data is encrypted**, under the layer's keys, for this cookie and realm.
/// - **Attempts are bounded**: they live for [ten minutes](Self::LIFETIME), and a browser keeps
///   [eight](Self::MOST) of them, in at most 4 KiB of cookies. The oldest make room. To push a real attempt out, a page
///   of another site would have to open eight tabs: its frames, images and scripts cannot begin an attempt.
///
/// The cookie has the scope and the prefix of the session's cookie. An attempt that is begun by a request that fails
/// with a 5xx is dropped. A layer whose [transport](crate::SessionLayerBuilder::transport) has no cookie has no flows:
/// [`TransportError::NoCookie`].
pub struct Flows<T> {
    slot: Arc<Slot>,
    /// The request's `Cookie` headers, and nothing else.
    headers: HeaderMap,
    /// Another site has caused the request for a part of its page: a frame, an image or a script.
    is_embedded: bool,
    data: PhantomData<fn() -> T>,
}

impl<T> Flows<T> {
    /// How long an attempt may take.
    pub const LIFETIME: Duration = Duration::from_secs(600);

    /// How many attempts a browser keeps.
    pub const MOST: usize = 8;

    /// The flows of a request outside of axum's extractors, in the main realm.
    ///
    /// # Errors
    /// If no [`SessionLayer`](crate::SessionLayer) serves it.
    pub fn from_parts(parts: &Parts) -> Result<Self, SessionRejection> {
        Self::from_parts_in(parts, "")
    }

    /// The flows of a request in the realm of this name.
    ///
    /// # Errors
    /// If no [`SessionLayer`](crate::SessionLayer) serves it.
    pub fn from_parts_in(parts: &Parts, realm: &'static str) -> Result<Self, SessionRejection> {
        let slot = find_slot(parts, realm)
            .ok_or_else(|| MissingLayer::new(&parts.extensions, "Flows".to_owned(), realm))?;
        let sent = parts.headers.get_all(COOKIE).iter();
        Ok(Self {
            slot,
            headers: sent.map(|line| (COOKIE, line.clone())).collect(),
            is_embedded: is_embedded(&parts.headers),
            data: PhantomData,
        })
    }

    /// The cookies of flows; an error if the layer sets no cookies.
    fn cookies(&self) -> Result<Cookies<'_>, SessionError> {
        let realm = self.slot.realm();
        if !realm.carriers.has_cookie {
            return Err(TransportError::NoCookie.into());
        }
        Ok(Cookies {
            config: &realm.cookie,
            keys: realm.engine.keys(),
            headers: &self.headers,
            now: self.slot.now(),
        })
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Flows<T> {
    /// Begins an attempt; returns its state, 43 characters of base64url, for the link to the other site. The other site
    /// must answer with a `GET`, because the cookie is `SameSite=Lax`.
    ///
    /// # Errors
    /// If the data cannot be encoded or has more than about 650 bytes, the operating system gives no
    /// randomness, or the response has already been sent.
    pub fn begin(&self, data: T) -> Result<String, SessionError> {
        self.begin_with(data, SameSite::Lax)
    }

    /// Begins an attempt as [`begin`](Self::begin) does, for an answer that comes with a `POST`
    /// (`response_mode=form_post`), which browsers send without `Lax` cookies: this cookie is `SameSite=None`.
    ///
    /// Browsers leave out the session's own cookie as well, so a session that is begun in that request is another one.
    /// Finish the sign-in after one more redirect, by a flow from this site to itself: `docs::recipes` shows it.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    pub fn begin_form_post(&self, data: T) -> Result<String, SessionError> {
        self.begin_with(data, SameSite::None)
    }

    /// Ends the attempt with this state and returns its data. Call this before you read the rest of the answer, even if
    /// the answer says that the user has declined.
    ///
    /// # Errors
    /// [`SessionError::UnknownFlow`], a 400, if this browser has no such attempt: it was finished, has taken
    /// too long, was begun in another browser, or the answer is forged. Offer to begin again.
    pub fn finish(&self, state: &str) -> Result<T, SessionError> {
        let cookies = self.cookies()?;
        let name = cookies.name(&flow_name(type_name::<T>(), state));
        let found = self.find(&cookies, &name);
        self.slot
            .explain_flow(found.as_ref().map(|_| ()).map_err(|refusal| *refusal));
        let (data, same_site) = found.map_err(|refusal| {
            observe::flow_refused(refusal);
            SessionError::UnknownFlow
        })?;
        self.slot
            .set_flow_cookie(FlowCookie::removal(name, same_site))?;
        observe::flow_finished();
        Ok(data)
    }

    fn find(&self, cookies: &Cookies<'_>, name: &str) -> Result<(T, SameSite), FlowRefusal> {
        if is_among(&self.slot.flow_cookies(), name) {
            return Err(FlowRefusal::Unknown);
        }
        let attempt = cookies.find(name)?;
        let data = Self::STORED.decode(&attempt.data);
        Ok((
            data.map_err(|_| FlowRefusal::Unreadable)?,
            attempt.same_site,
        ))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the data is handed over: a change made to it later would be lost"
    )]
    fn begin_with(&self, data: T, same_site: SameSite) -> Result<String, SessionError> {
        let cookies = self.cookies()?;
        let state = mint_flow_state()?;
        let name = cookies.name(&flow_name(type_name::<T>(), &state));
        let mut attempt = Attempt {
            end: cookies.now + Self::LIFETIME,
            same_site,
            data: Vec::new(),
        };
        Self::STORED
            .encode(&data, &mut attempt.data)
            .map_err(|error| SessionError::value(type_name::<T>(), error))?;
        let value = cookies.seal(&name, &attempt)?;
        let octets = name.len() + value.len();
        if octets > LARGEST {
            return Err(SessionError::too_large(LimitKind::Flow, octets, LARGEST));
        }
        // Browsers leave `Lax` cookies out of embedded requests, so only an application that is made for frames
        // (`SameSite=None`) begins attempts in them.
        if self.is_embedded && cookies.config.same_site() != SameSite::None {
            observe::flow_refused(FlowRefusal::Embedded);
            self.slot.explain_flow(Err(FlowRefusal::Embedded));
            return Ok(state);
        }
        for cookie in cookies.make_room(octets, Self::MOST, &self.slot.flow_cookies()) {
            self.slot.set_flow_cookie(cookie)?;
        }
        self.slot.set_flow_cookie(FlowCookie {
            name,
            value,
            same_site,
            max_age: Self::LIFETIME,
        })?;
        observe::flow_begun();
        Ok(state)
    }

    const STORED: Stored<T> = Stored::plain(Format::Bincode);
}

debug_as_name!(Flows<T>);

/// The most octets of one cookie, with its name; in practice, eight cookies take two KiB.
const LARGEST: usize = 1024;
