//! The raw floor: a hand-written session for this one struct and nothing else. No merging, no expiry, no rotation, no
//! rolling deploys. No session library can cost less.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use aes_gcm::aead::AeadInPlace as _;
use axum::extract::FromRequestParts;
use axum::{Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bincode::config::standard;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305};
use hmac::{Hmac, Mac as _};
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use pin_project_lite::pin_project;
use sha2::Sha256;
use tower::{Layer, Service};

use super::{axum_case, call, cookie_of, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::Visitor;

#[derive(Clone)]
struct Floor(Arc<Place>);

enum Place {
    Memory {
        key: Hmac<Sha256>,
        shards: Vec<Mutex<HashMap<[u8; 16], Arc<Visitor>>>>,
    },
    XChaCha(XChaCha20Poly1305),
    Aes(aes_gcm::Aes256Gcm),
}

struct Slot {
    place: Arc<Place>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    id: Option<[u8; 16]>,
    changed: Option<Visitor>,
}

/// The session as a handler argument.
struct Session {
    visitor: Arc<Visitor>,
    slot: Arc<Slot>,
}

impl Session {
    fn change(&self, change: impl FnOnce(&mut Visitor)) {
        let mut visitor = (*self.visitor).clone();
        change(&mut visitor);
        self.slot.state.lock().unwrap().changed = Some(visitor);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let slot = parts
            .extensions
            .get::<Arc<Slot>>()
            .expect("the layer")
            .clone();
        let visitor = find(parts)
            .and_then(|token| slot.load(token))
            .unwrap_or_default();
        Ok(Self { visitor, slot })
    }
}

/// The value of the cookie `id`.
pub fn find(parts: &Parts) -> Option<&[u8]> {
    let line = parts.headers.get(header::COOKIE)?.as_bytes();
    line.split(|octet| *octet == b';')
        .find_map(|pair| pair.trim_ascii().strip_prefix(b"id="))
}

impl Slot {
    fn load(&self, token: &[u8]) -> Option<Arc<Visitor>> {
        match &*self.place {
            Place::Memory { key, shards } => {
                let mut raw = [0; 48];
                (BASE64.decode_slice(token, &mut raw).ok()? == 48).then_some(())?;
                let (id, tag) = raw.split_first_chunk::<16>()?;
                let mut mac = key.clone();
                mac.update(id);
                mac.verify_slice(tag).ok()?;
                self.state.lock().unwrap().id = Some(*id);
                shard(shards, id).lock().unwrap().get(id).cloned()
            }
            Place::XChaCha(cipher) => {
                let mut raw = BASE64.decode(token).ok()?;
                let (nonce, text) = raw.split_first_chunk_mut::<24>()?;
                let (text, tag) = text.split_last_chunk_mut::<16>()?;
                let (nonce, tag) = ((&*nonce).into(), (&*tag).into());
                cipher
                    .decrypt_inout_detached(nonce, b"id", (&mut *text).into(), tag)
                    .ok()?;
                decode(text)
            }
            Place::Aes(cipher) => {
                let mut raw = BASE64.decode(token).ok()?;
                let (nonce, text) = raw.split_first_chunk_mut::<12>()?;
                let (text, tag) = text.split_last_chunk_mut::<16>()?;
                let (nonce, tag) = ((&*nonce).into(), (&*tag).into());
                cipher
                    .decrypt_in_place_detached(nonce, b"id", text, tag)
                    .ok()?;
                decode(text)
            }
        }
    }

    /// Writes the changes. Returns the new cookie value, if the browser needs one.
    fn save(&self) -> Option<String> {
        let State { id, changed } = std::mem::take(&mut *self.state.lock().unwrap());
        let visitor = changed?;
        match &*self.place {
            Place::Memory { key, shards } => {
                let is_new = id.is_none();
                let id = id.unwrap_or_else(random);
                shard(shards, &id)
                    .lock()
                    .unwrap()
                    .insert(id, Arc::new(visitor));
                is_new.then(|| {
                    let mut mac = key.clone();
                    mac.update(&id);
                    let mut raw = [0; 48];
                    raw[..16].copy_from_slice(&id);
                    raw[16..].copy_from_slice(&mac.finalize().into_bytes());
                    BASE64.encode(raw)
                })
            }
            Place::XChaCha(cipher) => {
                let nonce: [u8; 24] = random();
                let mut raw = encode(&nonce, &visitor);
                let text = (&mut raw[24..]).into();
                let tag = cipher
                    .encrypt_inout_detached(&nonce.into(), b"id", text)
                    .ok()?;
                raw.extend_from_slice(&tag);
                Some(BASE64.encode(&raw))
            }
            Place::Aes(cipher) => {
                let nonce: [u8; 12] = random();
                let mut raw = encode(&nonce, &visitor);
                let tag = cipher
                    .encrypt_in_place_detached(&nonce.into(), b"id", &mut raw[12..])
                    .ok()?;
                raw.extend_from_slice(&tag);
                Some(BASE64.encode(&raw))
            }
        }
    }
}

fn shard<'s, T>(shards: &'s [T], id: &[u8; 16]) -> &'s T {
    &shards[usize::from(id[0]) % shards.len()]
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

fn decode(text: &[u8]) -> Option<Arc<Visitor>> {
    let (visitor, _) = bincode::serde::decode_from_slice(text, standard()).ok()?;
    Some(Arc::new(visitor))
}

fn encode(nonce: &[u8], visitor: &Visitor) -> Vec<u8> {
    let mut raw = Vec::with_capacity(512);
    raw.extend_from_slice(nonce);
    bincode::serde::encode_into_std_write(visitor, &mut raw, standard()).expect("memory");
    raw
}

impl<S> Layer<S> for Floor {
    type Service = FloorService<S>;
    fn layer(&self, inner: S) -> FloorService<S> {
        FloorService(inner, Arc::clone(&self.0))
    }
}

#[derive(Clone)]
struct FloorService<S>(S, Arc<Place>);

impl<S, B, C> Service<Request<B>> for FloorService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Saving<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let slot = Arc::new(Slot {
            place: Arc::clone(&self.1),
            state: Mutex::default(),
        });
        request.extensions_mut().insert(Arc::clone(&slot));
        Saving {
            inner: self.0.call(request),
            slot,
        }
    }
}

pin_project! {
    struct Saving<F> {
        #[pin]
        inner: F,
        slot: Arc<Slot>,
    }
}

impl<F: Future<Output = Result<Response<C>, E>>, C, E> Future for Saving<F> {
    type Output = Result<Response<C>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(value) = this.slot.save() {
            let mut cookie = String::with_capacity(value.len() + 64);
            cookie.push_str("id=");
            cookie.push_str(&value);
            cookie.push_str("; HttpOnly; SameSite=Lax; Secure; Path=/");
            let cookie = HeaderValue::try_from(cookie).expect("base64");
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Poll::Ready(Ok(response))
    }
}

async fn read(session: Session) -> &'static str {
    assert_eq!(session.visitor.cart.len(), 5);
    "ok"
}

async fn write(session: Session) -> &'static str {
    session.change(|visitor| visitor.views += 1);
    "ok"
}

async fn create(session: Session) -> &'static str {
    session.change(|visitor| *visitor = Visitor::ada());
    "ok"
}

pub async fn cases() -> Vec<Case> {
    let memory = Place::Memory {
        key: Hmac::new(&[7; 64].into()),
        shards: (0..64).map(|_| Mutex::default()).collect(),
    };
    let places = [
        ("raw floor, memory", memory),
        (
            "raw floor, cookie XChaCha20",
            Place::XChaCha(XChaCha20Poly1305::new(&[7; 32].into())),
        ),
        (
            "raw floor, cookie AES-GCM",
            Place::Aes(aes_gcm::KeyInit::new(&[7; 32].into())),
        ),
    ];
    let mut cases = Vec::new();
    for (name, place) in places {
        let mut app = Router::new()
            .route("/untouched", get(untouched))
            .route("/read", get(read))
            .route("/write", get(write))
            .route("/create", get(create))
            .layer(Floor(Arc::new(place)));
        let cookie = cookie_of(&call(&mut app, "/create", None).await);
        cases.extend([
            axum_case(
                name,
                Kind::Untouched,
                app.clone(),
                "/untouched",
                cookie.clone(),
            ),
            axum_case(name, Kind::Read, app.clone(), "/read", cookie.clone()),
            axum_case(name, Kind::Write, app.clone(), "/write", cookie),
            axum_case(name, Kind::Create, app, "/create", None),
        ]);
    }
    cases
}
