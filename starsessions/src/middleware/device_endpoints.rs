//! The two paths at which a browser registers its device's key, and later proves that it has the key.
//!
//! A malformed or refused request gets a 400, whatever is wrong with it, and the browser ends the binding. A missing,
//! old or used challenge gets a 403 with a new challenge. A store failure gets a 503, and the binding stays.

use std::any::type_name;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};

use super::caches;
use super::future::LayerAnswer;
use crate::clock::Timestamp;
use crate::crypto::{self, Challenge, DeviceId, Identifier, Proof, ReferenceToken};
use crate::device::{CHALLENGE, DeviceRules, Errand, IDENTIFIER, RESPONSE, only};
use crate::error::SessionError;
use crate::observe::{self, DeviceRefusal, Name};
use crate::record::Device;
use crate::request::Realm;

/// Answers a registration or a refresh. The response has the body type of the inner service.
pub(super) fn run<B: Default + 'static, E>(
    realm: Arc<Realm>,
    rules: Arc<DeviceRules>,
    errand: Errand,
    headers: HeaderMap,
) -> LayerAnswer<Result<Response<B>, E>> {
    Box::pin(async move {
        let response = answer(&realm, &rules, errand, &headers).await;
        Ok(with_body(response, &rules))
    })
}

fn with_body<B: Default + 'static>(response: Response<Bytes>, rules: &DeviceRules) -> Response<B> {
    let (head, bytes) = response.into_parts();
    if bytes.is_empty() {
        return Response::from_parts(head, B::default());
    }
    if let Some(body) = rules.body(bytes) {
        return Response::from_parts(head, body);
    }
    tracing::error!(
        body = type_name::<B>(),
        "a device cannot be answered with a body of this type; say how to make one: \
         `.device_bound(|device| device.body(..))`"
    );
    status(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn answer(
    realm: &Realm,
    rules: &DeviceRules,
    errand: Errand,
    headers: &HeaderMap,
) -> Response<Bytes> {
    let desk = Desk {
        realm,
        rules,
        now: realm.engine.now(),
    };
    let mut named = None;
    let (done, said) = match errand {
        Errand::Register => {
            let done = desk.register(headers).await;
            let done = done.inspect_err(|why| observe::registration_refused(*why));
            (done, "bound to a device")
        }
        Errand::Refresh => {
            let done = desk.refresh(headers, &mut named).await;
            let done = done.inspect_err(|why| observe::refresh_refused(*why));
            (done, "proved by its device")
        }
    };
    let (mut response, said) = match done {
        Ok(response) => (response, said),
        Err(why) => (desk.refuse(why, named.as_ref()), why.as_str()),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, caches::FORBIDDEN);
    if realm.explains {
        headers.insert("x-session-explain", HeaderValue::from_static(said));
    }
    response
}

struct Desk<'r> {
    realm: &'r Realm,
    rules: &'r DeviceRules,
    now: Timestamp,
}

/// A binding, and the name that the browser has for it.
struct Named {
    identifier: Identifier,
    text: String,
    /// The time of the device's last proof, if known: earlier challenges are refused.
    proved_at: Timestamp,
}

impl Desk<'_> {
    /// Binds a session to the key that has signed its invitation.
    async fn register(&self, headers: &HeaderMap) -> Result<Response<Bytes>, DeviceRefusal> {
        let (engine, rules, now) = (&self.realm.engine, self.rules, self.now);
        let text = only(headers, &RESPONSE).ok_or(DeviceRefusal::Malformed)?;
        let proof = Proof::parse(text).map_err(|_| DeviceRefusal::Malformed)?;
        let invitation = crypto::open_invitation(engine.keys(), proof.challenge(), now);
        let invitation = invitation.map_err(|_| DeviceRefusal::Forged)?;
        if !rules.is_registered_in_time(invitation.issued_at, now) {
            return Err(DeviceRefusal::Forged);
        }
        let key = proof.own_key().map_err(|_| DeviceRefusal::Forged)?;
        let found = engine.session_of(&invitation.token, now).await;
        let live = found.map_err(|_| DeviceRefusal::Failed)?;
        // A second device would be a thief's.
        let live = live.filter(|live| !live.record.is_bound());
        let live = live.ok_or(DeviceRefusal::Ended)?;
        let id = crypto::random_bytes().map_err(|_| DeviceRefusal::Failed)?;
        let device = Device::new(DeviceId::from_bytes(id), now);
        let record = live.record.clone();
        let token = engine.bind(live, &device, now).await;
        let token = token.map_err(|error| self.why(&error))?;
        let text = token.seal_identifier(&device.id, &key);
        let text = text.map_err(|_| DeviceRefusal::Failed)?;
        let observer = engine.observer();
        observer.device_registered(Name::Token(&token), &record);
        let body = Bytes::from(rules.configuration(&text));
        let named = Named {
            identifier: Identifier {
                token,
                device: device.id,
                key,
            },
            text,
            proved_at: now,
        };
        let mut response = self.proved(&named, body)?;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    /// Gives the device of a session its next short cookie. `named` receives the binding as soon as it is known, also
    /// for a refusal.
    async fn refresh(
        &self,
        headers: &HeaderMap,
        named: &mut Option<Named>,
    ) -> Result<Response<Bytes>, DeviceRefusal> {
        let (engine, now) = (&self.realm.engine, self.now);
        let text = only(headers, &IDENTIFIER).ok_or(DeviceRefusal::Malformed)?;
        let identifier = crypto::open_identifier(engine.keys(), text, now);
        let named = named.insert(Named {
            identifier: identifier.map_err(|_| DeviceRefusal::Forged)?,
            text: String::from_utf8_lossy(text).into_owned(),
            proved_at: Timestamp::default(),
        });
        let Identifier { token, device, key } = &named.identifier;
        if !headers.contains_key(&RESPONSE) {
            return Err(DeviceRefusal::Challenged);
        }
        let text = only(headers, &RESPONSE).ok_or(DeviceRefusal::Malformed)?;
        let proof = Proof::parse(text).map_err(|_| DeviceRefusal::Malformed)?;
        let challenge = self.challenge_of(token, device, &proof)?;
        proof.verify(key).map_err(|_| DeviceRefusal::Forged)?;
        let found = engine.session_of(token, now).await;
        let live = found.map_err(|_| DeviceRefusal::Failed)?;
        let live = live.ok_or(DeviceRefusal::Ended)?;
        let known = live.record.device().filter(|known| known.id == *device);
        let mut known = known.ok_or(DeviceRefusal::Ended)?;
        let is_new = known.accept(&challenge);
        named.proved_at = known.proved_at;
        if !is_new {
            return Err(DeviceRefusal::Challenged);
        }
        let token = engine.bind(live, &known, now).await;
        named.identifier.token = token.map_err(|error| self.why(&error))?;
        engine
            .observer()
            .device_refreshed(Name::Token(&named.identifier.token));
        self.proved(named, Bytes::new())
    }

    fn challenge_of(
        &self,
        token: &ReferenceToken,
        device: &DeviceId,
        proof: &Proof<'_>,
    ) -> Result<Challenge, DeviceRefusal> {
        let challenge = token.open_challenge(device, proof.challenge());
        let challenge = challenge.map_err(|_| DeviceRefusal::Forged)?;
        if self.rules.is_in_time(challenge.issued_at, self.now) {
            Ok(challenge)
        } else {
            Err(DeviceRefusal::Challenged)
        }
    }

    /// The response with the short cookie and the next challenge.
    fn proved(&self, named: &Named, body: Bytes) -> Result<Response<Bytes>, DeviceRefusal> {
        let Identifier { token, device, .. } = &named.identifier;
        let cookie = self.rules.set_cookie(token, device, self.now);
        let cookie = cookie.ok_or(DeviceRefusal::Failed)?;
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(SET_COOKIE, cookie);
        self.challenge(named, headers);
        Ok(response)
    }

    /// Sends a challenge, dated no earlier than the last proof. Otherwise a server whose clock is behind would refuse
    /// its own challenge, and browsers give up after a few refusals.
    fn challenge(&self, named: &Named, headers: &mut HeaderMap) {
        let Identifier { token, device, .. } = &named.identifier;
        let at = self.now.max(named.proved_at);
        if let Ok(challenge) = token.seal_challenge(device, at)
            && let Some(value) = self.rules.challenge(&challenge, &named.text)
        {
            headers.insert(CHALLENGE, value);
        }
    }

    /// Why a device was not written.
    fn why(&self, error: &SessionError) -> DeviceRefusal {
        match error {
            SessionError::Gone => DeviceRefusal::Ended,
            // Another request of the same device has come first.
            SessionError::Conflict { .. } => DeviceRefusal::Challenged,
            SessionError::TooLarge(_) => {
                self.realm.reporter.no_room_for_device(error);
                DeviceRefusal::Ended
            }
            _ => DeviceRefusal::Failed,
        }
    }

    fn refuse(&self, why: DeviceRefusal, named: Option<&Named>) -> Response<Bytes> {
        match (why, named) {
            (DeviceRefusal::Failed, _) => status(StatusCode::SERVICE_UNAVAILABLE),
            (DeviceRefusal::Challenged, Some(named)) => {
                let mut response = status(StatusCode::FORBIDDEN);
                self.challenge(named, response.headers_mut());
                response
            }
            _ => status(StatusCode::BAD_REQUEST),
        }
    }
}

fn status<B: Default>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response
}
