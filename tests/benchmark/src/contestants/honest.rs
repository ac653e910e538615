//! The honest floor: the minimal work that keeps the guarantees of starsessions, for this one session and in memory.
//! Each field has a fingerprint and is decoded by its type, the ID is hashed once, three deadlines are checked, only
//! changed fields are written and merged into the stored row, a panic writes nothing, and the response has cache
//! headers.

use std::collections::HashMap;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::FromRequestParts;
use axum::{Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bincode::config::standard;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tower::{Layer, Service};

use super::floor::{find, random};
use super::{axum_case, call, cookie_of, untouched};
use crate::measure::{Case, Kind};
use crate::visitor::Visitor;

type Key = [u8; 32];

#[derive(Clone)]
struct Honest(Arc<Rows>);

struct Rows {
    pepper: [u8; 16],
    shards: Vec<Mutex<HashMap<Key, Row>>>,
}

#[derive(Clone)]
struct Row {
    created: u64,
    issued: u64,
    seen: u64,
    revision: u32,
    packed: Arc<[u8]>,
}

/// One packed field: fingerprint, revision and length of the value, and the value.
#[derive(Clone, Copy)]
struct Field<'a> {
    fingerprint: u32,
    written: u32,
    value: &'a [u8],
}

const FIELDS: usize = 6;
const FINGERPRINTS: [u32; FIELDS] = [11, 12, 13, 14, 15, 16];
const HEAD: usize = 12;
const IDLE: u64 = 1_800;
const ABSOLUTE: u64 = 86_400;
const RENEWAL: u64 = 43_200;

impl Rows {
    fn key(&self, secret: &Key) -> Key {
        let hash = Sha256::new_with_prefix(secret).chain_update(self.pepper);
        hash.finalize().into()
    }

    fn shard(&self, key: &Key) -> &Mutex<HashMap<Key, Row>> {
        &self.shards[usize::from(key[0]) % self.shards.len()]
    }
}

impl Row {
    fn is_live(&self, now: u64) -> bool {
        now < self.seen + IDLE && now < self.created + ABSOLUTE && now < self.issued + RENEWAL
    }
}

fn fields(packed: &[u8]) -> [Option<Field<'_>>; FIELDS] {
    let mut rest = packed;
    std::array::from_fn(|_| {
        let (head, behind) = rest.split_first_chunk::<HEAD>()?;
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (value, behind) = behind.split_at_checked(number(8) as usize)?;
        rest = behind;
        Some(Field {
            fingerprint: number(0),
            written: number(4),
            value,
        })
    })
}

fn pack<'a>(fields: impl Iterator<Item = Field<'a>>, size: usize) -> Arc<[u8]> {
    let mut packed = Vec::with_capacity(size);
    for field in fields {
        packed.extend_from_slice(&field.fingerprint.to_le_bytes());
        packed.extend_from_slice(&field.written.to_le_bytes());
        packed.extend_from_slice(&(field.value.len() as u32).to_le_bytes());
        packed.extend_from_slice(field.value);
    }
    packed.into()
}

fn decode(packed: &[u8]) -> Visitor {
    let [user, name, cart, token, since, views] = fields(packed);
    Visitor {
        user: value(user, 0),
        name: value(name, 1),
        cart: value(cart, 2),
        token: value(token, 3),
        since: value(since, 4),
        views: value(views, 5),
    }
}

fn value<T: DeserializeOwned + Default>(field: Option<Field<'_>>, place: usize) -> T {
    let known = field.filter(|field| field.fingerprint == FINGERPRINTS[place]);
    let decoded =
        known.and_then(|field| bincode::serde::decode_from_slice(field.value, standard()).ok());
    decoded.map_or_else(T::default, |(value, _)| value)
}

/// The values of all fields, concatenated, and the end of each.
fn encode(visitor: &Visitor) -> (Vec<u8>, [usize; FIELDS]) {
    let mut bytes = Vec::with_capacity(256);
    let mut end = |value: &mut dyn FnMut(&mut Vec<u8>)| {
        value(&mut bytes);
        bytes.len()
    };
    let ends = [
        end(&mut |out| put(&visitor.user, out)),
        end(&mut |out| put(&visitor.name, out)),
        end(&mut |out| put(&visitor.cart, out)),
        end(&mut |out| put(&visitor.token, out)),
        end(&mut |out| put(&visitor.since, out)),
        end(&mut |out| put(&visitor.views, out)),
    ];
    (bytes, ends)
}

fn put<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    bincode::serde::encode_into_std_write(value, out, standard()).expect("memory");
}

struct Slot {
    rows: Arc<Rows>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    was_used: bool,
    now: u64,
    found: Option<(Key, Row)>,
    changes: Option<Changes>,
}

/// The values of a changed view, and which of them differ from the loaded values.
struct Changes {
    bytes: Vec<u8>,
    ends: [usize; FIELDS],
    differs: [bool; FIELDS],
}

impl Changes {
    fn value(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }

    /// Merges field by field: the new value where the view changed it, otherwise the stored value.
    fn over(&self, stored: &[u8], written: u32) -> Arc<[u8]> {
        let stored = fields(stored);
        let merged = (0..FIELDS).map(|place| match stored[place] {
            Some(theirs) if !self.differs[place] => theirs,
            _ => Field {
                fingerprint: FINGERPRINTS[place],
                written,
                value: self.value(place),
            },
        });
        pack(merged, self.bytes.len() + FIELDS * HEAD)
    }
}

impl Slot {
    fn load(&self, token: Option<&[u8]>) -> Visitor {
        let mut state = self.state.lock().unwrap();
        state.was_used = true;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock");
        state.now = now.as_secs();
        state.found = token.and_then(|token| {
            let mut secret = [0; 33];
            (BASE64.decode_slice(token, &mut secret).ok()? == 32).then_some(())?;
            let key = self.rows.key(secret.first_chunk()?);
            let row = self.rows.shard(&key).lock().unwrap().get(&key).cloned()?;
            row.is_live(state.now).then_some((key, row))
        });
        let row = state.found.as_ref();
        row.map_or_else(Visitor::default, |(_, row)| decode(&row.packed))
    }

    fn take(&self, visitor: &Visitor) {
        let (bytes, ends) = encode(visitor);
        let mut state = self.state.lock().unwrap();
        let before = state.found.as_ref().map(|(_, row)| fields(&row.packed));
        let mut changes = Changes {
            bytes,
            ends,
            differs: [true; FIELDS],
        };
        if let Some(before) = before {
            changes.differs = std::array::from_fn(|place| {
                before[place].is_none_or(|before| before.value != changes.value(place))
            });
        }
        if changes.differs.contains(&true) {
            state.changes = Some(changes);
        }
    }

    /// Writes the changes. Returns whether the session was used, and the new cookie value if there is one.
    fn save(&self, keeps_data: bool) -> (bool, Option<String>) {
        let mut state = self.state.lock().unwrap();
        let State {
            was_used,
            now,
            found,
            changes,
        } = std::mem::take(&mut *state);
        drop(state);
        let Some(changes) = changes.filter(|_| keeps_data) else {
            return (was_used, None);
        };
        if let Some((key, _)) = found {
            if let Some(row) = self.rows.shard(&key).lock().unwrap().get_mut(&key) {
                row.revision += 1;
                row.seen = now;
                row.packed = changes.over(&row.packed, row.revision);
            }
            return (was_used, None);
        }
        let secret: Key = random();
        let key = self.rows.key(&secret);
        let row = Row {
            created: now,
            issued: now,
            seen: now,
            revision: 1,
            packed: changes.over(&[], 1),
        };
        self.rows.shard(&key).lock().unwrap().insert(key, row);
        (was_used, Some(BASE64.encode(secret)))
    }
}

/// The session as a handler argument.
struct Session {
    visitor: Visitor,
    is_changed: bool,
    slot: Arc<Slot>,
}

impl Deref for Session {
    type Target = Visitor;
    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Visitor {
        self.is_changed = true;
        &mut self.visitor
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_changed && !std::thread::panicking() {
            self.slot.take(&self.visitor);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let slot = parts.extensions.get::<Arc<Slot>>();
        let slot = Arc::clone(slot.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?);
        Ok(Self {
            visitor: slot.load(find(parts)),
            is_changed: false,
            slot,
        })
    }
}

impl<S> Layer<S> for Honest {
    type Service = HonestService<S>;
    fn layer(&self, inner: S) -> HonestService<S> {
        HonestService(inner, Arc::clone(&self.0))
    }
}

#[derive(Clone)]
struct HonestService<S>(S, Arc<Rows>);

impl<S, B, C> Service<Request<B>> for HonestService<S>
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
            rows: Arc::clone(&self.1),
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
        let mut response = match catch_unwind(AssertUnwindSafe(|| this.inner.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(response)) => response?,
            Err(panic) => {
                this.slot.save(false);
                resume_unwind(panic)
            }
        };
        let (was_used, cookie) = this.slot.save(!response.status().is_server_error());
        let headers = response.headers_mut();
        if was_used {
            headers.append(header::VARY, HeaderValue::from_static("cookie"));
        }
        if let Some(value) = cookie {
            let mut cookie = String::with_capacity(value.len() + 64);
            cookie.push_str("id=");
            cookie.push_str(&value);
            cookie.push_str("; HttpOnly; SameSite=Lax; Secure; Path=/");
            let cookie = HeaderValue::try_from(cookie).expect("base64");
            headers.append(header::SET_COOKIE, cookie);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Poll::Ready(Ok(response))
    }
}

async fn read(visitor: Session) -> &'static str {
    assert_eq!(visitor.cart.len(), 5);
    "ok"
}

async fn write(mut visitor: Session) -> &'static str {
    visitor.views += 1;
    "ok"
}

async fn create(mut visitor: Session) -> &'static str {
    *visitor = Visitor::ada();
    "ok"
}

pub async fn cases() -> Vec<Case> {
    const NAME: &str = "honest floor, memory";
    let rows = Rows {
        pepper: random(),
        shards: (0..64).map(|_| Mutex::default()).collect(),
    };
    let mut app = Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .layer(Honest(Arc::new(rows)));
    let cookie = cookie_of(&call(&mut app, "/create", None).await);
    [
        (Kind::Untouched, "/untouched", cookie.clone()),
        (Kind::Read, "/read", cookie.clone()),
        (Kind::Write, "/write", cookie),
        (Kind::Create, "/create", None),
    ]
    .map(|(kind, path, cookie)| axum_case(NAME, kind, app.clone(), path, cookie))
    .into()
}
