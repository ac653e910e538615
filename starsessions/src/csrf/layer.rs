//! The layer that lets through only requests that the site itself has caused.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::CsrfRejection;
use super::origin::{InvalidOrigin, Source, Trusted, source};
use super::token::{FIELD, check};
use crate::request::Slot;
use crate::session::MissingLayer;

/// Refuses requests that another site makes a browser send.
///
/// A request with an unsafe method (not `GET`, `HEAD`, `OPTIONS` or `TRACE`) and a WebSocket's
/// handshake must come from this site:
///
/// 1. If the browser sends `Sec-Fetch-Site`, this header decides: `same-origin` and `none` pass.
/// 2. Otherwise `Origin` decides. It must name the host that the request was sent to, with `https`
///    where the session's cookie is `Secure`, or an origin that is [trusted](Self::trust).
/// 3. Without either header, as in very old browsers and in tools, the request must bring a
///    [token](crate::CurrentSession::csrf_token) of its session, in the header `X-CSRF-Token` or in the field
///    `csrf_token` of a form. A guest has no token and is refused: a sign-in of unknown origin may come from another
///    site (login CSRF). A handshake needs no token: browsers always send `Origin` with it.
///
/// A request whose session comes by a token in a header ([`Transport`](crate::config::Transport)), without a cookie of
/// any realm, passes regardless of its origin, because no other site knows the token. A token whose session has ended
/// gets the 401 that its application expects. If a layer has no cookie at all, tools pass without a token as well.
///
/// A refused request gets a 403 that says what to do. A request that passes by its headers does not load
/// its session. A form is only read to find its token, up to the application's own limit and 16 MiB.
///
/// The layer of the same name in `tower-http` 0.7 decides by the same headers, without a session. It lets through a
/// request with neither header, for which this layer requires a token, and a WebSocket's handshake.
///
/// The layer judges the method that it sees: put a middleware that lets a header or a field override the method outside
/// of this layer.
///
/// Put this layer *inside* the [`SessionLayer`](crate::SessionLayer), around all routes but those that other servers
/// call:
///
/// ```
/// # use axum::{Router, routing::post};
/// # use starsessions::{CsrfLayer, KeyRing, MemoryStore, SessionLayer};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # async fn pay() {}
/// # async fn webhook() {}
/// let app: Router = Router::new()
///     .route("/pay", post(pay))
///     .layer(CsrfLayer::new())
///     .route("/webhook", post(webhook)) // has proofs of its own
///     .layer(SessionLayer::new(MemoryStore::new(), KeyRing::generate()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is put around a route"]
pub struct CsrfLayer {
    rules: Arc<Rules>,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    trusted: Trusted,
    realm: &'static str,
}

impl CsrfLayer {
    /// A layer that lets through only requests that this site itself has caused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets requests of another origin through as well: of an application on a sibling host, or of this site if a proxy
    /// changes `Host`.
    ///
    /// # Errors
    /// If the text is not an origin as browsers send it, such as `https://app.shop.example`.
    pub fn trust(mut self, origin: &str) -> Result<Self, InvalidOrigin> {
        Arc::make_mut(&mut self.rules).trusted.add(origin)?;
        Ok(self)
    }

    /// Checks tokens against the session of the realm of this name.
    ///
    /// A request that passes the layers of two realms brings a token for each: two fields of a form, or the
    /// header twice.
    pub fn realm(mut self, name: &'static str) -> Self {
        Arc::make_mut(&mut self.rules).realm = name;
        self
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> CsrfService<S> {
        CsrfService {
            inner,
            rules: Arc::clone(&self.rules),
        }
    }
}

/// The service that [`CsrfLayer`] makes.
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for CsrfService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = CsrfFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> CsrfFuture<S> {
        let slot = || self.slot(&request);
        let is_secure = || slot().is_none_or(|slot| slot.realm().cookie.is_secure());
        let source = source(&request, &self.rules.trusted, is_secure);
        if source == Source::Own {
            return CsrfFuture::let_through(self.inner.call(request));
        }
        let (slot, realm) = (slot(), self.rules.realm);
        // Keeps the instance that `poll_ready` was called on.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        CsrfFuture::boxed(async move {
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let rejection = match prove(slot, realm, request, source).await {
                Ok(request) => return inner.call(request).await,
                Err(rejection) => rejection,
            };
            let path = uri.path();
            match rejection.status() {
                // A mistake in the application.
                StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(%method, path, "{rejection}"),
                _ => tracing::debug!(%method, path, %rejection, "a request is refused"),
            }
            Ok(rejection.into_response())
        })
    }
}

impl<S> CsrfService<S> {
    fn slot(&self, request: &Request<Body>) -> Option<Arc<Slot>> {
        let slot = request.extensions().get::<Arc<Slot>>()?;
        slot.find(self.rules.realm)
    }
}

/// The request for the inner service, if it may pass with the token or without one.
async fn prove(
    slot: Option<Arc<Slot>>,
    realm: &'static str,
    request: Request<Body>,
    source: Source,
) -> Result<Request<Body>, CsrfRejection> {
    let Some(slot) = slot else {
        if source == Source::Foreign {
            return Err(CsrfRejection::Foreign);
        }
        let missing = MissingLayer::new(request.extensions(), "CsrfLayer".to_owned(), realm);
        return Err(CsrfRejection::Session(missing.into()));
    };
    slot.see(request.headers());
    let innermost = request.extensions().get::<Arc<Slot>>();
    let shows_cookie = innermost.is_some_and(|slot| slot.shows_cookie(request.headers()));
    // Another site does not know the user's token, so its pages cannot make a browser send it. They can send a token of
    // the attacker's own, which proves nothing beside the user's cookie of another realm.
    let is_live = slot.is_token_live().await?.filter(|_| !shows_cookie);
    if is_live == Some(true) {
        return Ok(request);
    }
    // Without cookies, the browser attaches no credential of the user by itself.
    if source != Source::Foreign && !slot.realm().carriers.has_cookie && !shows_cookie {
        return Ok(request);
    }
    if is_live.is_some() {
        return Err(CsrfRejection::Ended);
    }
    if source == Source::Foreign {
        return Err(CsrfRejection::Foreign);
    }
    if request.headers().contains_key(HEADER) {
        check(&slot, listed(request.headers())).await?;
        return Ok(request);
    }
    if !is_form(request.headers()) {
        return Err(CsrfRejection::Unproven);
    }
    slot.ready(None).await?;
    if slot.csrf_row().is_none() {
        // A guest's form is not even read.
        return Err(CsrfRejection::Unproven);
    }
    let (parts, body) = request.into_parts();
    let mut form = Request::new(body);
    // The application's body limit is one of the extensions.
    *form.extensions_mut() = parts.extensions.clone();
    let form = to_bytes(form.into_limited_body(), MAX_FORM).await;
    let form = form.map_err(|_| CsrfRejection::Unproven)?;
    let mut tokens = fields(&form).peekable();
    if tokens.peek().is_none() {
        return Err(CsrfRejection::Unproven);
    }
    check(&slot, tokens).await?;
    Ok(Request::from_parts(parts, Body::from(form)))
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.as_bytes().split(|octet| *octet == b';').next();
        media_type.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(FORM))
    })
}

/// The tokens in the header. A script that appends a second token makes the value a list.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(HEADER).iter().map(HeaderValue::as_bytes);
    let tokens = lines.flat_map(|line| line.split(|octet| *octet == b','));
    tokens.map(<[u8]>::trim_ascii)
}

/// The values of the form's token fields. Tokens need no percent-encoding.
fn fields(form: &[u8]) -> impl Iterator<Item = &[u8]> {
    form.split(|octet| *octet == b'&')
        .filter_map(|pair| pair.strip_prefix(FIELD.as_bytes())?.strip_prefix(b"="))
}

pin_project! {
    /// The response of a [`CsrfService`].
    pub struct CsrfFuture<S: Service<Request<Body>>> {
        #[pin]
        state: State<S::Future, Outcome<S>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, P> {
        LetThrough { #[pin] inner: F },
        Boxed { outcome: P },
    }
}

type Outcome<S> =
    Pin<Box<dyn Future<Output = Result<Response, <S as Service<Request<Body>>>::Error>> + Send>>;

impl<S> CsrfFuture<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    fn let_through(inner: S::Future) -> Self {
        Self {
            state: State::LetThrough { inner },
        }
    }

    fn boxed(outcome: impl Future<Output = Result<Response, S::Error>> + Send + 'static) -> Self {
        let outcome: Outcome<S> = Box::pin(outcome);
        Self {
            state: State::Boxed { outcome },
        }
    }
}

impl<S> Future for CsrfFuture<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Output = Result<Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::LetThrough { inner } => inner.poll(cx),
            StateProjection::Boxed { outcome } => outcome.as_mut().poll(cx),
        }
    }
}

impl<S: Service<Request<Body>>> std::fmt::Debug for CsrfFuture<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfFuture(..)")
    }
}

const HEADER: &str = "x-csrf-token";
/// Also applies if the application sets no limit: its handlers may stream the body, but this layer keeps it in memory.
const MAX_FORM: usize = 16 << 20;
const FORM: &[u8] = b"application/x-www-form-urlencoded";
